#!/usr/bin/env bash
# trap.sh SECONDS: the trap runs only when the foreground child has ended.
trap 'echo "got SIGTERM"; exit 42' TERM
echo "ready $$"
sleep "$1"
