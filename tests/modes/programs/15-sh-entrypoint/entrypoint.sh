#!/bin/sh
set -e
echo "starting"
# fetch the tokenizer and unpack it
sleep 1.5
exec python train.py
