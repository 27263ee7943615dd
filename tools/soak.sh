#!/usr/bin/env bash
# Soaks two nodes on a Kafka of its own: half the peak rate of 11.11, a fault every 30 s (the scenario soak), and a report
# with memory, heap, goroutines, descriptors and disk over time. Exit code 0: GO, and the report draws.
#
#   tools/soak.sh [flags of `holdfast loadtest run`…]
#
#   MINUTES     how long under faults, 40 unless set. Below 10 a fault comes every 15 s, and whether memory and disk are
#               flat isn't judged: state has barely its size then
#   KAFKA_PORT  the broker's, 9092 unless set; nobody may answer there, since this broker is restarted and stopped
#   SOAK_DIR    where report, logs and the nodes' data go; bin/soak/<time> unless set
#   NODE_FLAGS  more flags of both nodes
#
# What it starts it ends. The broker's data, some 10 GB for 40 minutes, goes when the run was GO; else it stays, for
# `holdfast audit` and `explain`, until `deploy/kafka/kafka.sh clean`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
at=$(date +%Y%m%d-%H%M%S)
dir=${SOAK_DIR:-$root/bin/soak/$at}
mkdir -p "$dir/reports"
dir=$(cd "$dir" && pwd)
reports=$dir/reports
holdfast=$root/bin/holdfast
me=soak
source "$root/tools/nodes.sh"

minutes=${MINUTES:-40}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || { say "MINUTES=$minutes isn't a number of minutes"; exit 2; }
export KAFKA_PORT=${KAFKA_PORT:-9092}
# 4.3.1 loses committed transactions when its only replica is restarted, see the README's limits.
export KAFKA_VERSION=${KAFKA_VERSION:-4.2.1}
kafka=$root/deploy/kafka/kafka.sh
if "$kafka" status 2>/dev/null; then
  say "a Kafka answers on 127.0.0.1:$KAFKA_PORT, and the soak restarts its own; choose another port with KAFKA_PORT"
  exit 2
fi

# freePorts N FROM: ports nobody listens on now.
freePorts() {
  local n=$1 port=$2
  while ((n > 0)); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      n=$((n - 1))
    fi
    port=$((port + 1))
  done
}

started=
finish() {
  trap '' INT TERM
  stopNode a
  stopNode b
  [[ -z $started ]] || "$kafka" "$started"
}
trap finish EXIT
trap 'say "interrupted; what was measured until then is in $reports"; exit 130' INT
trap 'exit 143' TERM

"$kafka" clean 2>/dev/null
started=stop
"$kafka" start
export KAFKA_BROKERS=127.0.0.1:$KAFKA_PORT HOLDFAST_APP_ID=holdfast-soak
export HOLDFAST_ORDERS_KEEP_CLOSED=1m HOLDFAST_ORDERS_ACCEPT_AGE=10m HOLDFAST_KAFKA_SESSION_TIMEOUT=6s
"$holdfast" topics apply >/dev/null

mapfile -t ports < <(freePorts 2 $((KAFKA_PORT + 20)))
declare -A admin=([a]=127.0.0.1:${ports[0]} [b]=127.0.0.1:${ports[1]}) flags=([a]="" [b]=--leave)
for node in a b; do
  nodeScript "start-node-$node.sh" "startNode $node --admin-listen ${admin[$node]} --standby 1 ${flags[$node]} ${NODE_FLAGS:-}"
  nodeScript "stop-node-$node.sh" "stopNode $node"
  nodeScript "restart-node-$node.sh" "stopNode $node" "exec ./start-node-$node.sh"
  nodeScript "kill-node-$node.sh" "pid=\$(nodePid $node) && kill -KILL \$pid"
  "$dir/start-node-$node.sh"
done
nodeScript restart-kafka.sh "$(printf '%q stop && %q start' "$kafka" "$kafka")"
ln -s "${KAFKA_HOME_DIR:-$root/.kafka}/$KAFKA_PORT/pid" "$dir/kafka.pid"
both || exit 1

cat >"$dir/here.yaml" <<END
nodes:
  - {name: a, metrics: "${admin[a]}", data_dir: node-a}
  - {name: b, metrics: "${admin[b]}", data_dir: node-b}
END
over=(--with "$dir/here.yaml" --change "phases.day.for=${minutes}m")
if ((minutes < 10)); then
  cat >"$dir/short.yaml" <<END
rota: {every: 15s}
thresholds: {memory_growth: , heap_growth: , disk_growth: , changelogs_growth: }
END
  over+=(--with "$dir/short.yaml")
fi

code=0
(cd "$dir" && "$holdfast" loadtest run soak "${over[@]}" "$@" --report "$reports/soak.html" --json "$reports/soak.json") >"$reports/soak.txt" || code=$?
cat "$reports/soak.txt"
if [[ -s $reports/soak.json ]]; then
  browse "$reports" || { say "WRONG: the browser found something in the report"; ((code != 0)) || code=1; }
fi
grep -hE 'level=ERROR' "$dir"/node-?.log || true
((code != 0)) || started=clean
say "exit code $code; the report is $reports/soak.html, the nodes' logs are in $dir"
exit "$code"
