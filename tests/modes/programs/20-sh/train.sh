#!/bin/sh
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
stop=
trap 'stop=1' TERM

step=0
x=100
if [ -f checkpoints/state ]; then
    read -r step x < checkpoints/state
fi
echo "ready"
while [ -z "$stop" ] && [ $step -lt 2000 ]; do
    echo "step $step loss 0.$x"
    step=$((step + 1))
    x=$((x + 3))
    sleep 0.1
done
echo "$step $x" > "$dir/state.tmp"
mv "$dir/state.tmp" "$dir/state"
echo "state saved"
