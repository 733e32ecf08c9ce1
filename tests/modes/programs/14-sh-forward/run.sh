#!/bin/sh
python train.py --output "${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}" &
pid=$!
trap 'kill -TERM $pid' TERM INT
wait $pid
rc=$?
trap - TERM INT
if kill -0 $pid 2>/dev/null; then
    wait $pid
    rc=$?
fi
echo "python ended with $rc"
exit $rc
