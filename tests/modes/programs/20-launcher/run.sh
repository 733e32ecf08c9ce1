#!/bin/bash
export CKPT_ROOT=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$CKPT_ROOT"
trap 'kill -TERM "$pid"' TERM
python worker.py --steps 5000 &
pid=$!
wait "$pid"
trap - TERM
wait "$pid"
exit $?
