#!/bin/bash
python train.py &
child=$!

stop() {
    kill -TERM "$child"
    for _ in {1..10}; do
        kill -0 "$child" 2>/dev/null || exit 0
        sleep 0.1
    done
    echo "run.sh: still there, kill -9"
    kill -KILL "$child"
    wait "$child"
    exit 1
}
trap stop TERM INT

wait "$child"
exit $?
