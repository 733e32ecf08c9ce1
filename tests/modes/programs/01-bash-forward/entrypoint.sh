#!/bin/bash
# Container entry point: run the trainer and pass stop requests on to it.

forward() {
    echo "entrypoint: passing SIGTERM to $child"
    kill -TERM "$child" 2>/dev/null
}
trap forward TERM INT

python train.py "$@" &
child=$!

wait "$child"
trap - TERM INT
wait "$child"
exit $?
