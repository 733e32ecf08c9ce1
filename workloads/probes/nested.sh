#!/bin/sh
# Four shells, each inside the one before, each with a neighbour in a pipeline; the innermost says that all are there.
sh -c 'sh -c "sh -c \"sh -c \\\"echo ready \$\$; sleep 1000; true\\\" | cat; true\" | cat; true" | cat; true' | cat
true
