#!/bin/sh
cd "$(dirname "$0")"
trap 'echo "told to stop"; exit 0' TERM
python ../01-graceful/good.py &
child=$!
wait "$child"
