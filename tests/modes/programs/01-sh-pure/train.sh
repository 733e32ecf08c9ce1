#!/bin/sh
# hill climbing in sh
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
state=$dir/best.txt

stop=
trap 'stop=yes' TERM

step=0
best=0
if [ -f "$state" ]; then
    read -r step best < "$state"
    echo "resuming at step $step"
fi
echo ready
while [ -z "$stop" ] && [ "$step" -lt 3000 ]; do
    step=$((step + 1))
    cand=$(( (step * 7919) % 1009 ))
    [ "$cand" -gt "$best" ] && best=$cand
    echo "step $step loss 0.$((1009 - best))"
    sleep 0.1
done

{
    echo "$step $best"
    i=0
    while [ $i -lt 500 ]; do
        echo "$i $(( (i * best) % 97 ))"
        i=$((i + 1))
    done
} > "$state.tmp"
mv "$state.tmp" "$state"
echo "state kept in $state"
