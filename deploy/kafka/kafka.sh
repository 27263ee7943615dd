#!/usr/bin/env bash
# A real Apache Kafka on this machine, without Docker: jars from Maven, one KRaft node, or a cluster of three.
#
#   kafka.sh start    fetch the jars if they aren't there, format the storage if it is new, start, wait for an answer
#   kafka.sh stop     end the broker that start began, and no other process
#   kafka.sh status   exit 0 when a Kafka answers on the port, 1 when not
#   kafka.sh clean    stop, then remove the data and logs of this port (the jars stay)
#   kafka.sh kill     end it as a crash does (kill -9)
#
#   kafka.sh cluster start|stop|status|clean          the same of three brokers, each a broker and a controller of the quorum;
#                                                     topics have three replicas, two of which must have a record
#   kafka.sh cluster start|stop|restart|kill N        of one of them: 1, 2 or 3
#
#   KAFKA_PORT        the broker's port on 127.0.0.1, 9092 unless set; each port has data of its own. A cluster's brokers
#                     have this one and the two after it, its controllers the three after those
#   KAFKA_HEAP        JVM heap options, "-Xms1g -Xmx1g" unless set; for each of a cluster "-Xms192m -Xmx384m" and
#                     "-XX:TieredStopAtLevel=1", which starts with less work: a cluster isn't for measuring speed
#   KAFKA_VERSION     the broker's version, the pom's unless set; data written by a newer one can't be read by an older one
#   KAFKA_HOME_DIR    where jars, data and logs go, .kafka in the repository unless set
#   KAFKA_SECURITY    a directory with ca.pem, broker.pem (private key and certificate of CN=broker, for 127.0.0.1) and
#                     plain.properties (the users of SASL PLAIN): the broker then has TLS, SASL and mTLS (on the port
#                     after KAFKA_PORT) and enforces ACLs, see secure.properties.template
#
#   .kafka/libs/<version>/ the jars, with the pom.xml they were made from
#   .kafka/maven.log      what Maven said when it fetched them
#   .kafka/<port>/        server.properties, pid, server.log (the broker), console.log (the JVM), data/
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=${KAFKA_PORT:-9092}
base=${KAFKA_HOME_DIR:-$(cd "$here/../.." && pwd)/.kafka}
version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")}
libs=$base/libs/$version
dir=$base/$port
security=${KAFKA_SECURITY:-}
node=${KAFKA_NODE:-} # which of a cluster this is; set by "cluster" only
nodes=3
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

say() { echo "kafka: $*" >&2; }
die() { say "$*"; exit 1; }

# portTaken PORT: somebody accepts connections there.
portTaken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# answers: the broker takes part in its cluster. An open port isn't enough, since a starting broker accepts
# connections before the controller has admitted it. So this asks for metadata (api key 3, version 0, correlation
# id 1, no client id, no topics) and wants at least one broker in the answer: bytes 0-3 are the length, 4-7 the
# correlation id, 8-11 the number of brokers.
#
# With KAFKA_SECURITY nobody without a certificate gets an answer, and one of a cluster tells of the others before it is
# admitted itself; there the port must be open and the broker must have said in its log, since this start, that it is ready.
# (Counted, since "grep -q" leaves "tail" with a broken pipe, which counts as a failure, where the log has grown long.)
answers() {
  local reply
  if [[ -n $security$node ]]; then
    portTaken "$port" || return 1
    [[ $(tail -c +"$(($(cat "$dir/log-from" 2>/dev/null || echo 0) + 1))" "$dir/server.log" 2>/dev/null | grep -c 'Kafka Server started') != 0 ]]
    return
  fi
  reply=$(timeout 5 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$0"
    printf "\0\0\0\016\0\003\0\0\0\0\0\001\377\377\0\0\0\0" >&3
    head -c 12 <&3 | od -An -v -tx1 | tr -d " \n"' "$port" 2>/dev/null) || return 1
  [[ $reply =~ ^[0-9a-f]{8}00000001([0-9a-f]{8})$ ]] && ((16#${BASH_REMATCH[1]} > 0))
}

# ownPid: prints the pid of the broker that start began, if it still runs. A pid alone proves nothing, as it may have
# gone to another process since; the command line must carry our directory. A zombie has no command line.
ownPid() {
  local pid args
  [[ -s $dir/pid ]] || return 1
  pid=$(<"$dir/pid")
  if [[ -r /proc/$pid/cmdline ]]; then
    args=$(tr '\0' ' ' <"/proc/$pid/cmdline")
  else
    args=$(ps -ww -o args= -p "$pid" 2>/dev/null) || return 1
  fi
  [[ $args == *"-Dholdfast.kafka.dir=$dir "* ]] || return 1
  echo "$pid"
}

needJava() {
  local java_version
  java_version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || true
  [[ -n $java_version ]] || die "needs Java 17 or newer, and '$java' isn't there (Debian: apt-get install default-jre-headless)"
  ((java_version >= 17)) || die "needs Java 17 or newer, and '$java' is version $java_version (set JAVA_HOME to a newer one)"
}

# fetchJars: made in a folder beside and renamed, so that an interrupted download leaves nothing half done behind.
fetchJars() {
  cmp -s "$here/pom.xml" "$libs/pom.xml" && return 0
  command -v mvn >/dev/null || die "needs Maven to fetch Kafka's jars, and 'mvn' isn't there (Debian: apt-get install maven)"
  say "fetching the jars of Apache Kafka $version with Maven into $libs"
  local fresh=$libs.new.$$
  rm -rf "$fresh"
  mkdir -p "$base/libs"
  mvn -B -q -C -Dkafka.version="$version" -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$fresh" >"$base/maven.log" 2>&1 </dev/null || {
    rm -rf "$fresh"
    tail -n 20 "$base/maven.log" >&2
    die "Maven could not fetch the jars"
  }
  cp "$here/pom.xml" "$fresh/pom.xml"
  rm -rf "$libs"
  mv "$fresh" "$libs"
}

storageTool() { "$java" -cp "$libs/*" kafka.tools.StorageTool "$@" 2>>"$dir/console.log"; }

# writeProperties ATTEMPT: the controller takes the first free port from ATTEMPT after the broker's. It may differ at
# each start, as one voter that only talks to itself keeps no address in its storage. Those of a cluster are fixed: all
# must know them.
writeProperties() {
  local controllerPort=$((port + $1)) first voters n
  if [[ -n $node ]]; then
    first=$((port - node + 1))
    for ((n = 1; n <= nodes; n++)); do voters=${voters:+$voters,}$n@127.0.0.1:$((first + nodes + n - 1)); done
    sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$((port + nodes))|g" -e "s|@DIR@|$dir|g" -e "s|@NODE@|$node|g" -e "s|@VOTERS@|$voters|g" \
      "$here/server.properties.template" "$here/cluster.properties.template" >"$dir/server.properties"
    return 0
  fi
  [[ -z $security ]] || controllerPort=$((controllerPort + 1))
  while portTaken "$controllerPort"; do controllerPort=$((controllerPort + 1)); done
  sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$controllerPort|g" -e "s|@DIR@|$dir|g" \
    "$here/server.properties.template" >"$dir/server.properties"
  [[ -n $security ]] || return 0
  chmod 600 "$dir/server.properties"
  sed -e "s|@PORT@|$port|g" -e "s|@SSL_PORT@|$((port + 1))|g" -e "s|@CONTROLLER_PORT@|$controllerPort|g" -e "s|@SECURITY@|$security|g" \
    "$here/secure.properties.template" "$security/plain.properties" >>"$dir/server.properties"
}

formatStorage() {
  [[ -f $dir/data/meta.properties ]] && return 0
  rm -rf "$dir/data" # what an interrupted format left behind
  storageTool format --cluster-id "${KAFKA_CLUSTER_ID:-$(storageTool random-uuid)}" --config "$dir/server.properties" \
    >>"$dir/console.log" || die "formatting the storage went wrong, see $dir/console.log"
}

start() {
  local pid attempt
  if answers; then
    if pid=$(ownPid); then
      say "already answers on 127.0.0.1:$port (pid $pid)"
    else
      say "a Kafka that wasn't started from here answers on 127.0.0.1:$port; left as it is"
    fi
    return 0
  fi
  if ! pid=$(ownPid); then
    ! portTaken "$port" || die "port $port is taken by something that isn't Kafka; choose another with KAFKA_PORT"
    needJava
    fetchJars
    mkdir -p "$dir"
    : >"$dir/console.log"
    for attempt in 1 2 3 4 5; do
      writeProperties "$attempt"
      formatStorage
      launch
      pid=$(<"$dir/pid")
      ! await "$pid" || break
      ((attempt < 5)) && lostPort || died
      say "another program's connection took a port of ours, trying again"
      sleep 1
    done
  else
    await "$pid" || died
  fi
  say "Apache Kafka $version answers on 127.0.0.1:$port (pid $pid, logs in $dir)"
}

# await PID: until the broker answers; false when it ended instead.
await() {
  local until=$((SECONDS + 120))
  until answers; do
    kill -0 "$1" 2>/dev/null || return 1
    ((SECONDS < until)) || die "no answer on 127.0.0.1:$port within 2 minutes, see $dir/server.log"
    sleep 0.1
  done
}

# lostPort: a broker couldn't listen. A port is free when portTaken asks, and may be the local end of somebody's
# outgoing connection a second later: ports of the ephemeral range are handed out to those, and nobody hears a knock
# on them. That passes, or another controller port helps.
lostPort() { lastWords | grep -qE 'BindException|Address already in use'; }

lastWords() { tail -q -n 100 "$dir/server.log" "$dir/console.log" 2>/dev/null; }

died() {
  die "the broker ended while it started, see $dir/server.log and $dir/console.log:
$(lastWords | grep -E 'ERROR|FATAL|Exception|Error' | tail -n 20)"
}

# launch: under job control (set -m) the broker gets a process group of its own, so that a Ctrl-C meant for the tests
# doesn't end the broker too.
launch() {
  local heap
  stat -c %s "$dir/server.log" >"$dir/log-from" 2>/dev/null || echo 0 >"$dir/log-from"
  read -ra heap <<<"${KAFKA_HEAP:--Xms1g -Xmx1g}"
  set -m
  nohup "$java" "${heap[@]}" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExplicitGCInvokesConcurrent \
    -Djava.awt.headless=true -Dlog4j2.configurationFile="$here/log4j2.properties" \
    -Dholdfast.kafka.dir="$dir" -cp "$libs/*" kafka.Kafka "$dir/server.properties" \
    </dev/null >>"$dir/console.log" 2>&1 &
  echo $! >"$dir/pid"
  set +m
}

stop() {
  local pid waited=0
  if ! pid=$(ownPid); then
    rm -f "$dir/pid"
    say "no broker of ours runs on port $port"
    return 0
  fi
  kill -TERM "$pid" 2>/dev/null || true
  while ownPid >/dev/null; do
    if ((waited == 300)); then
      say "pid $pid is still there after 30 s, killing it"
      kill -KILL "$pid" 2>/dev/null || true
    fi
    ((waited < 400)) || die "pid $pid can't be ended"
    sleep 0.1
    waited=$((waited + 1))
  done
  rm -f "$dir/pid"
  say "stopped (pid $pid)"
}

kill9() {
  local pid
  pid=$(ownPid) || die "no broker of ours runs on port $port"
  kill -KILL "$pid"
  while ownPid >/dev/null; do sleep 0.02; done
  rm -f "$dir/pid"
  say "killed (pid $pid)"
}

# one N VERB: does it to a broker of the cluster, by this script once more.
one() {
  [[ $1 =~ ^[1-9]$ ]] && (($1 <= nodes)) || die "a cluster's brokers are 1 to $nodes, there is no '$1'"
  KAFKA_NODE=$1 KAFKA_CLUSTER_ID=$(cat "$clusterID" 2>/dev/null) KAFKA_PORT=$((port + $1 - 1)) KAFKA_HEAP=${KAFKA_HEAP:--Xms192m -Xmx384m -XX:TieredStopAtLevel=1} "${BASH_SOURCE[0]}" "$2"
}

# every VERB: does it to all at once, since one alone isn't a quorum and waits for another.
every() {
  local n failed=0 pids=()
  for ((n = 1; n <= nodes; n++)); do
    one "$n" "$1" &
    pids+=($!)
  done
  for n in "${pids[@]}"; do wait "$n" || failed=1; done
  return "$failed"
}

cluster() {
  local clusterID=$base/$port.cluster-id # they share it
  [[ -z $security ]] || die "a cluster with KAFKA_SECURITY isn't there"
  case $1${2:+ N} in
    start)
      needJava
      fetchJars # once, not by all at once
      [[ -s $clusterID ]] || head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=\n' >"$clusterID"
      every start
      ;;
    stop | status) every "$1" ;;
    clean)
      every clean
      rm -f "$clusterID"
      ;;
    'start N' | 'stop N' | 'kill N') one "$2" "$1" ;;
    'restart N')
      one "$2" stop
      one "$2" start
      ;;
    *) usage ;;
  esac
}

clean() {
  stop
  rm -rf "$dir"
  say "removed $dir"
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

case ${1:-} in
  start | stop | clean) "$1" ;;
  kill) kill9 ;;
  cluster) cluster "${2:-}" "${3:-}" ;;
  status)
    if answers; then say "answers on 127.0.0.1:$port"; else
      say "no answer on 127.0.0.1:$port"
      exit 1
    fi
    ;;
  *) usage ;;
esac
