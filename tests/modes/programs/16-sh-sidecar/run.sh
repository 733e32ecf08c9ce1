#!/bin/sh
(
    while :; do
        cat /proc/loadavg > /dev/null
        sleep 1
    done
) &
python train.py &
train=$!
trap 'kill -TERM $train' TERM
wait $train
trap - TERM
while kill -0 $train 2>/dev/null; do
    wait $train
done
echo "trainer is down"
exit 0
