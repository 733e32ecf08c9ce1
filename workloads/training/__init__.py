"""Real training on real data, with the standard library only."""
