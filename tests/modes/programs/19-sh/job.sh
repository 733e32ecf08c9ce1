#!/bin/sh
out=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$out"
echo "ready"
n=1
while [ $n -le 17 ]; do
    sleep 0.1
    echo "step $n loss 0.$((900 - n * 50))"
    n=$((n + 1))
done
echo "steps $((n - 1))" > "$out/.summary" && mv "$out/.summary" "$out/summary"
echo "job done"
