#!/usr/bin/env bash
# Rehearses a sale from nothing: topics, a node, the load, the verdict. Exit code 0 is GO, 3 is NO-GO.
#
#   tools/loadtest.sh [SCENARIO [flags of `holdfast loadtest run`…]]    smoke unless said otherwise
#   KAFKA        brokers to use, with topics of an application of its own; without it an embedded broker is started
#   NODE_FLAGS   more flags of the node
#
# What it starts it ends. Topics on a Kafka of yours stay: `holdfast audit`, `explain` and `tail` still find them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
(($# > 0)) || set -- smoke

dir=$(mktemp -d)
pids=()
# The node first: it finishes its transactions on the broker.
finish() {
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$dir"
}
trap finish EXIT

# await FILE TEXT PID: until the process has said the text.
await() {
  for _ in $(seq 300); do
    grep -q "$2" "$1" 2>/dev/null && return 0
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  cat "$1" >&2
  return 1
}

export HOLDFAST_APP_ID=holdfast-loadtest-$(date +%s)
if [[ -n "${KAFKA:-}" ]]; then
  export KAFKA_BROKERS=$KAFKA
else
  bin/holdfast broker --listen 127.0.0.1:0 --data-dir "$dir/broker" >"$dir/broker.log" 2>&1 &
  pids+=($!)
  await "$dir/broker.log" " on 127" "$!"
  KAFKA_BROKERS=$(sed -n 's/^Kafka broker .* on //p' "$dir/broker.log")
  export KAFKA_BROKERS
fi
bin/holdfast topics apply >/dev/null
# shellcheck disable=SC2086 # several flags
bin/holdfast run --data-dir "$dir/node" --instance-id loadtest --admin-listen "" ${NODE_FLAGS:-} >"$dir/node.log" 2>&1 &
pids+=($!)

code=0
bin/holdfast loadtest run "$@" || code=$?
if ((code != 0)); then grep -E 'level=(WARN|ERROR)' "$dir/node.log" | tail -n 20 >&2 || true; fi
exit "$code"
