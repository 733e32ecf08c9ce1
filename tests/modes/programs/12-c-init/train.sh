#!/bin/sh
out=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$out"
stop=0
trap 'stop=1' TERM
step=0
echo "ready"
while [ $stop -eq 0 ] && [ $step -lt 1000 ]; do
    step=$((step + 1))
    echo "step $step loss 0.$((999 - step))"
    sleep 0.1
done
echo "packing the checkpoint"
i=0
while [ $i -lt 25 ]; do
    head -c 200000 /dev/zero
    sleep 0.1
    i=$((i + 1))
done > "$out/shard.tmp"
mv "$out/shard.tmp" "$out/shard.bin"
echo "packed"
