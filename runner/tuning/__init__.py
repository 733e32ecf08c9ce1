"""Pure: the search space, and from results so far to the next launches or the end."""
