#!/usr/bin/env bash
# Rehearses a sale on a real Kafka with two nodes, one of which is killed at the peak; then shows that the judge is one.
# Exit code 0: all three runs ended as they must.
#
#   tools/rehearsal.sh [SCENARIO [flags of `holdfast loadtest run`…]]    11.11 unless said otherwise
#
#   1  the scenario, with kill -9 of node b and its return 5 s later    GO, exit code 0, audit pass
#   2  a moment of it with the same fault, and a limit of a microsecond for half of the orders
#                                                                       NO-GO, exit code 3, that limit as a reason
#   3  a moment of it in which the generator itself is stopped for 3 s  NO-GO, exit code 3, it says by how much it was late
#
# At the end a Chromium, if there is one, opens the three reports: every marker and plot must draw, and pictures stay.
#
# Flags are for the first run: --rate 400 for a small machine; --change faults.0.at=20s --change faults.1.at=25s where
# the peak is at another time.
#
#   KAFKA         brokers to use; without it a Kafka on KAFKA_PORT (9092), which is started and stopped if none answers
#   REHEARSAL_DIR where reports, logs and the nodes' data go; bin/rehearsal/<time> unless set
#   NODE_FLAGS    more flags of both nodes
#
# What it starts it ends. Topics on a Kafka stay, under the application's name: `holdfast audit`, `explain`, `tail` find them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
(($# > 0)) || set -- 11.11

at=$(date +%Y%m%d-%H%M%S)
dir=${REHEARSAL_DIR:-$root/bin/rehearsal/$at}
mkdir -p "$dir/reports"
dir=$(cd "$dir" && pwd)
reports=$dir/reports
holdfast=$root/bin/holdfast
kafka=
failed=0

me=rehearsal
source "$root/tools/nodes.sh"

finish() {
  trap '' INT TERM
  stopNode a
  stopNode b
  [[ -z $kafka ]] || "$root/deploy/kafka/kafka.sh" stop
}
trap finish EXIT
trap 'say "interrupted; what was measured until then is in $reports"; exit 130' INT
trap 'exit 143' TERM

if [[ -z ${KAFKA:-} ]]; then
  KAFKA=127.0.0.1:${KAFKA_PORT:-9092}
  if ! "$root/deploy/kafka/kafka.sh" status 2>/dev/null; then
    kafka=started
    "$root/deploy/kafka/kafka.sh" start
  fi
fi
export KAFKA_BROKERS=$KAFKA HOLDFAST_APP_ID=holdfast-rehearsal-$at-$$
"$holdfast" topics apply >/dev/null

# A node's start is a file of its own, since the fault schedule starts node b again with it.
for node in a b; do
  nodeScript "start-node-$node.sh" "startNode $node --admin-listen '' ${NODE_FLAGS:-}"
  "$dir/start-node-$node.sh"
done

both || exit 1

# rehearse NAME CODE SCENARIO FLAGS…: one run, which must end with that exit code. What it writes bears the name.
rehearse() {
  local name=$1 want=$2 code=0
  shift 2
  # Here and not in the background: Ctrl-C then ends the load, which still reports. Progress is on standard error, if
  # that is a terminal.
  (cd "$dir" && "$holdfast" loadtest run "$@" --report "$reports/$name.html" --json "$reports/$name.json") >"$reports/$name.txt" || code=$?
  sed 's/^/  /' "$reports/$name.txt"
  [[ ! -s $reports/$name.json ]] || "$holdfast" loadtest report "$reports/$name.json" --html "$reports" >/dev/null
  ((code == want)) || wrong "$name ended with exit code $code, not $want"
}

wrong() {
  failed=1
  say "WRONG: $*"
}

# says NAME PATTERN: the text of the run's report has a line like that.
says() { grep -qE -- "$2" "$reports/$1.txt" || wrong "$1 doesn't say \"$2\""; }

moment=(--change 'phases=[{name: a moment, for: 10s, rate: 200}]' --change 'spikes=[]' --change tail=2s)

say "1 of 3: $1, with node b killed at the peak, on $KAFKA_BROKERS"
rehearse killed 0 "$@" --with node-killed
says killed '^GO: '
says killed 'fault: node b is killed$'
says killed 'restore: node b is started again$'
says killed '^audit: pass: '
both || exit 1

say "2 of 3: a moment of it, with a limit that nothing can keep"
rehearse impossible 3 "$1" --with node-killed "${moment[@]}" --change faults.0.at=3s --change faults.1.at=6s --change faults.0.outage=15s \
  --change thresholds.accepted_p50_ms=0.001
says impossible '^NO-GO: '
says impossible '^  - accepted_p50_ms is .* ms, and may be 0\.001 ms\.$'
says impossible '^audit: pass: '
both || exit 1

# kill -STOP takes the processor away from the generator, as a starved machine does, and sh gives it back.
cat >"$dir/generator-stopped.yaml" <<'END'
faults:
  - {at: 4s, name: the generator is stopped for 3 s, run: [sh, -c, "kill -STOP $PPID && sleep 3; kill -CONT $PPID"]}
END
say "3 of 3: a moment of it, with the generator itself stopped for 3 s"
rehearse starved 3 "$1" --with "$dir/generator-stopped.yaml" "${moment[@]}" --change thresholds.behind_max_ms=1000
says starved '^NO-GO: '
says starved '^  - behind_max_ms is (2[5-9]|[3-9][0-9]|[0-9]{3})[0-9]{2}(\.[0-9]+)? ms, and may be 1000 ms\.$'
says starved '^THE GENERATOR WAS LATE\. By up to [0-9.]+ s, with [0-9,]+ records '
says starved '^audit: pass: '

browse "$reports" || wrong "the browser found something in the reports"
grep -hE 'level=ERROR' "$dir"/node-?.log || true
say "the nodes' logs and state are in $dir, the reports in"
for name in killed impossible starved; do
  say "  $reports/$name.html  $(head -n 1 "$reports/$name.txt")"
done
((failed == 0)) && say "all three runs ended as they must" || say "FAILED, see what is WRONG above"
exit "$failed"
