"""What the kernel offers and Python does not: handles of processes, namespaces, timers, cgroups, /proc.

Mechanism without a word of jobs. ctypes lives here and nowhere else. Slim on purpose: the keeper imports it.
"""
