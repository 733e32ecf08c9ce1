#!/bin/sh
stopping=no
trap 'echo "got TERM"; stopping=yes' TERM

python -u train.py 2>&1 | sed -u 's/^/[train] /'

if [ "$stopping" = yes ]; then
    echo "stopped on request"
    exit 0
fi
echo "finished"
