#!/bin/bash
pidfile=${TMPDIR:-/tmp}/train.$$.pid

finish() {
    if [[ -s $pidfile ]]; then
        kill -TERM "$(<"$pidfile")"
    fi
    rm -f "$pidfile"
}
trap finish TERM INT EXIT

(
    echo "$BASHPID" > "$pidfile"
    exec perl train.pl
)
rc=$?
echo "job ended: $rc"
exit $rc
