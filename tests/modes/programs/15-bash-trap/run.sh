#!/bin/bash
echo "starting up on $(uname -n)"
for part in config tokenizer weights; do
    echo "fetching $part"
    sleep 0.5
done

perl train.pl &
child=$!
trap 'kill -TERM "$child"' TERM
wait "$child"
trap - TERM
wait "$child"
