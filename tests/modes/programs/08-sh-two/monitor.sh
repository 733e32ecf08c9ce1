#!/bin/sh
# memory of the node, once in a while
while :; do
    sleep 20 &
    wait $!
    grep MemAvailable /proc/meminfo
done
