"""Real compilers, with small real models in `models/`."""
