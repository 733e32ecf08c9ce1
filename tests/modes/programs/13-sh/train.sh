#!/bin/sh
trap 'echo "terminated"; exit 0' TERM
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"

keep() {
    echo "$step $x" > "$dir/state.tmp"
    mv "$dir/state.tmp" "$dir/state"
}

step=0
x=7
keep
echo "ready"
while [ $step -lt 2000 ]; do
    step=$((step + 1))
    x=$(( (x * 75 + 74) % 65537 ))
    echo "step $step loss 0.$x"
    [ $((step % 400)) -eq 0 ] && keep
    sleep 0.1
done
keep
