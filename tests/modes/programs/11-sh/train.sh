#!/bin/sh
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
want_stop=0
trap want_stop=1 TERM INT

pack() {
    n=0
    : > "$dir/model.tar.part"
    while [ $n -lt 150 ]; do
        head -c 131072 /dev/urandom >> "$dir/model.tar.part"
        n=$((n + 1))
        sleep 0.1
    done
    mv "$dir/model.tar.part" "$dir/model.tar"
}

echo "ready"
step=0
while [ $step -lt 1000 ] && [ $want_stop = 0 ]; do
    step=$((step + 1))
    sleep 0.1
    echo "step $step loss 0.$((1999 - step))"
done
echo "packing"
pack
echo "packed"
