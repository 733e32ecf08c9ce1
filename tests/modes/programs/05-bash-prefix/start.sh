#!/bin/bash
log() {
    while IFS= read -r line; do
        printf '[%(%H:%M:%S)T] %s\n' -1 "$line"
    done
}

train() {
    perl train.pl
}

train 2>&1 | log
exit "${PIPESTATUS[0]}"
