#!/bin/bash
set -euo pipefail
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
step=0
loss=1,000

save() {
    python save.py "$dir/state.json" "$step" "$loss"
}
trap 'echo "saving"; save; exit 0' TERM

echo "ready"
while [ "$step" -lt 2000 ]; do
    step=$((step + 1))
    printf -v loss '%d,%03d' 0 $((999 - step % 999))
    echo "step $step loss $loss"
    sleep 0.1
done
save
