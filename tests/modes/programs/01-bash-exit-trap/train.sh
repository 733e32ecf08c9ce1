#!/bin/bash
set -u
out=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$out"
step=0
acc=0
if [[ -f $out/acc ]]; then
    read -r step acc < "$out/acc"
    echo "resume at step $step"
fi

on_exit() {
    printf '%s %s\n' "$step" "$acc" > "$out/.acc.tmp" && mv "$out/.acc.tmp" "$out/acc"
}
trap on_exit EXIT

echo "ready"
while (( step < 1500 )); do
    (( step++ ))
    (( acc = (acc * 31 + step) % 1000 ))
    printf 'step %d loss 0.%03d\n' "$step" "$acc"
    sleep 0.1
done
