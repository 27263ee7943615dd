#!/usr/bin/env bash
# Runs the tests that need a real Kafka, those behind the build tag "kafka"; they find the broker in HOLDFAST_KAFKA.
# Starts one on KAFKA_PORT (9092 unless set) if none answers there, and then stops it again at the end.
#
#   deploy/kafka/test.sh [go test flags…]    e.g. -v, -count 5, -failfast; RUN=regexp chooses tests
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if ! "$here/kafka.sh" status 2>/dev/null; then
  trap '"$here/kafka.sh" stop' EXIT
  "$here/kafka.sh" start
fi

# One package at a time: they share the broker, and some of them kill and restart processes under load.
HOLDFAST_KAFKA=127.0.0.1:${KAFKA_PORT:-9092} "$here/../../tools/tagged.sh" kafka -p 1 -count 1 -timeout 20m "$@"
