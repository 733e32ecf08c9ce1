#!/bin/sh
ckpt=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$ckpt"
stop=
trap 'stop=1' TERM

n=0
while [ $n -lt 20 ]; do
    epoch $n || exit 1
    n=$((n + 1))
    echo $n > "$ckpt/epoch.tmp" && mv "$ckpt/epoch.tmp" "$ckpt/epoch"
    [ -n "$stop" ] && { echo "stopped after epoch $n"; exit 0; }
done
