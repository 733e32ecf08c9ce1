#!/bin/sh
cd "$(dirname "$0")"
echo "training starts"
exec python ../01-graceful/good.py
