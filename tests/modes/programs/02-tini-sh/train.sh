#!/bin/sh
ckpt="${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}"
mkdir -p "$ckpt"
n=0
loss=1000
echo "ready"
while [ $n -lt 2000 ]; do
    n=$((n + 1))
    loss=$((loss - loss / 50))
    printf 'step %d loss 0.%03d\n' $n $loss
    if [ $((n % 300)) -eq 0 ]; then
        echo "$n $loss" > "$ckpt/progress.tmp" && mv "$ckpt/progress.tmp" "$ckpt/progress"
    fi
    sleep 0.1
done
