"""The process that owns the children: it launches, signals, watches, reaps, and writes down what it sees.

One small process per data directory, standard library only, one thread, one epoll set. Slim on purpose: no module
here imports typing, dataclasses, logging or subprocess (0.8 to 2 MB each, of 9).
"""
