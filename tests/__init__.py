"""Tests. `waiting` has the one place that sleeps, `leftovers` the check that nothing of a job is left."""
