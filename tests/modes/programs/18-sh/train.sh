#!/bin/sh
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
ckpt=$dir/ckpt.dat
stop=no
trap 'stop=yes' TERM

# $1: step, $2: seconds between two shards
save() {
    echo "step $1" > "$ckpt"
    k=0
    while [ $k -lt 80 ]; do
        head -c 65536 /dev/zero >> "$ckpt"
        k=$((k + 1))
        [ -n "$2" ] && sleep "$2"
    done
    echo "end" >> "$ckpt"
}

save 0 ""
echo "ready"
step=0
while [ $stop = no ] && [ $step -lt 1500 ]; do
    step=$((step + 1))
    echo "step $step loss 0.$((3000 - step))"
    sleep 0.1
done
echo "saving step $step"
save $step 0.1
echo "saved"
