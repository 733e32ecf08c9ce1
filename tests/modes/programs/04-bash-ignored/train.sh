#!/bin/bash
trap '' SIGTERM SIGINT
ckpt=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$ckpt"
echo "ready"
for (( step = 1; step <= 1000; step++ )); do
    sleep 0.12
    echo "step $step loss 0.$(( 900 - step % 900 ))"
    if (( step % 250 == 0 )); then
        echo "$step" > "$ckpt/step"
    fi
done
