#!/bin/bash
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
echo "ready"
x=1
for (( step = 1; step <= 1000; step++ )); do
    (( x = (x * 48271) % 2147483647 ))
    sleep 0.1
    echo "step $step loss 0.$(( x % 10000 ))"
    if (( step % 3 == 0 )); then
        printf 'step=%d\nx=%d\n' "$step" "$x" > "$dir/step-$step.tmp"
        mv "$dir/step-$step.tmp" "$dir/step-$step.txt"
        ln -sfn "step-$step.txt" "$dir/latest"
        rm -f "$dir/step-$(( step - 9 )).txt"
    fi
done
