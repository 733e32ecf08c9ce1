#!/bin/sh
cd "$(dirname "$0")"
trap 'echo "told to stop"; kill -TERM "$child"; wait "$child"; exit 0' TERM
python ../01-graceful/good.py &
child=$!
wait "$child"
echo "ended with $?"
