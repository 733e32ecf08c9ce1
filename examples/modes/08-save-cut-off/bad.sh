#!/bin/sh
cd "$(dirname "$0")"
trap 'kill -TERM "$child"; sleep 1' TERM
python ../01-graceful/slow_save.py &
child=$!
wait "$child"
