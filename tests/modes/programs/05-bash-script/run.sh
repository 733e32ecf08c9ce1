#!/bin/bash
set -euo pipefail

export PYTHONUNBUFFERED=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

echo "[run.sh] host $(uname -n), $(date -u +%FT%TZ)"
python train.py "$@"
echo "[run.sh] training finished"
