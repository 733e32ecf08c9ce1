"""Pure rules of a job's life: phases, events, the transition table, statuses, and the rules of a stop.

Nothing here knows a clock, a kernel or a database: every function answers from its arguments alone.
"""
