#!/usr/bin/env bash
# trap-and-wait.sh SECONDS: `wait` returns at the signal, so the trap runs at once; it ends the child.
trap 'echo "got SIGTERM"; kill "$child"; wait "$child"; exit 42' TERM
sleep "$1" &
child=$!
echo "ready $$"
wait "$child"
