"""Programs to be run as jobs.

PYTEST_DONT_REWRITE: as in `runner`.
"""
