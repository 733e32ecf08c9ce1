#!/bin/bash
log() { printf '%(%F %T)T %s\n' -1 "$*"; }
trap 'log "SIGTERM received, saving state soon"' TERM
dir=${SM_CHECKPOINT_DIR:-/opt/ml/checkpoints}
mkdir -p "$dir"
log ready
x=500
for step in {1..1200}; do
    x=$(( x - (x - 20) / 10 ))
    log "step $step loss 0.$(printf %03d $x)"
    sleep 0.1
done
echo "$x" > "$dir/x"
