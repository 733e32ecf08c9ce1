#!/bin/bash
on_term() {
    echo "[run.sh] SIGTERM received, shutting down"
    exit 143
}
trap on_term SIGTERM

python train.py &
wait $!
echo "[run.sh] finished with $?"
