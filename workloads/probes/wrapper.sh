#!/bin/sh
# wrapper.sh COMMAND...: the shell waits for the command, so it is the main process, and it has no handler.
"$@"
true
