#!/bin/sh
set -eu
: "${SM_CHECKPOINT_DIR:=/opt/ml/checkpoints}"
export SM_CHECKPOINT_DIR
mkdir -p "$SM_CHECKPOINT_DIR"
export OMP_NUM_THREADS=1
echo "checkpoints in $SM_CHECKPOINT_DIR"
exec python trainer.py --lr 0.05
