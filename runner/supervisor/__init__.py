"""The one writer of a data directory: it turns requests and facts into states, and states into orders."""
