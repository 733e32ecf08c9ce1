#!/bin/sh
sh monitor.sh &
mon=$!
sh train.sh &
job=$!

trap 'kill $mon $job; sleep 0.6; exit 0' TERM
wait $job
kill $mon
