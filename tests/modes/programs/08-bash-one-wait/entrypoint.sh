#!/bin/bash
python train.py &
PID=$!
trap 'echo "stop requested"; kill -TERM $PID; sleep 0.5; echo "bye"' TERM INT
wait $PID
