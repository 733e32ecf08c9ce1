#!/bin/bash
set -u
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
work=$(mktemp -d "${TMPDIR:-/tmp}/work.XXXXXX")
trap 'stop=1' TERM
stop=0
for i in {1..5}; do
    head -c 100000 /dev/zero > "$work/chunk$i"
done
echo "ready"
step=0
while (( !stop && step < 1500 )); do
    (( step++ ))
    echo "$step" >> "$work/history"
    echo "step $step loss 0.$(( 5000 / (step + 5) ))"
    sleep 0.1
done
echo "$step" > "$dir/step.tmp"
mv "$dir/step.tmp" "$dir/step"
echo "bye"
