#!/bin/sh
cd "$(dirname "$0")"
echo "training starts"
python ../01-graceful/good.py
