#!/bin/bash
# Forward SIGTERM to the training process so that it can checkpoint.
cleanup() {
    echo "[run.sh] SIGTERM, stopping python"
    kill -TERM 0
    wait
    exit 143
}
trap cleanup SIGTERM

python train.py
status=$?
echo "[run.sh] python ended with $status"
exit $status
