#!/bin/sh
# by-name.sh N: what `echo problem > /dev/stderr` does in many scripts.
echo "ready $$"
number=0
while [ "$number" -lt "$1" ]; do
    echo "stdout $number" >/dev/stdout
    echo "stderr $number" >/dev/stderr
    number=$((number + 1))
done
