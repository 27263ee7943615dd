#!/usr/bin/env bash
# Kafka Streams at the work of `holdfast bench inventory`: the same flags, one JSON line on standard output.
#
#   run.sh --build       compile, and fetch the jars with Maven, where that isn't done already
#   run.sh --node        one of several instances that share topics which somebody else feeds; flags: see Node.java
#   run.sh [flags]       --brokers --lines --skus --zipf --partitions --workers --stock --accept-all --timeout --output json,
#                        and its own: --commit-interval 100ms --warm-up 400000 (lines before the measurement)
#
#   PEER_JAVA_OPTS       JVM options instead of "-Xms768m -Xmx768m -XX:+UseParallelGC"
#   PEER_LOG_LEVEL       of Kafka's own classes, on standard error: error unless set
#   PEERS_DIR            where classes and jars go, .kafka/peers in the repository unless set
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=${PEERS_DIR:-$(cd "$here/../../.." && pwd)/.kafka/peers}
out=$base/kafka-streams
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

die() { echo "kafka-streams: $*" >&2; exit 1; }

# build: made in a folder beside and renamed, so that an interrupted one leaves nothing half done behind.
build() {
  cmp -s "$here/pom.xml" "$out/pom.xml" && cmp -s "$here/Inventory.java" "$out/Inventory.java" &&
    cmp -s "$here/Node.java" "$out/Node.java" && return 0
  command -v "$java" >/dev/null || die "needs Java 17 or newer, and '$java' isn't there (Debian: apt-get install default-jdk-headless)"
  command -v mvn >/dev/null || die "needs Maven, and 'mvn' isn't there (Debian: apt-get install maven)"
  echo "kafka-streams: building with Maven into $out" >&2
  local fresh=$out.new.$$
  rm -rf "$fresh"
  mkdir -p "$base"
  mvn -B -q -C -Dout="$fresh" -f "$here/pom.xml" compiler:compile dependency:copy-dependencies >"$base/maven.log" 2>&1 </dev/null || {
    rm -rf "$fresh"
    tail -n 20 "$base/maven.log" >&2
    die "Maven could not build it; it needs a JDK, 17 or newer"
  }
  cp "$here/pom.xml" "$here"/*.java "$fresh/"
  rm -rf "$out"
  mv "$fresh" "$out"
}

build
[[ ${1:-} != --build ]] || exit 0
read -ra options <<<"${PEER_JAVA_OPTS:--Xms768m -Xmx768m -XX:+UseParallelGC}"
main=Inventory
[[ ${1:-} != --node ]] || { main=Node; shift; }
exec "$java" "${options[@]}" "-Dorg.slf4j.simpleLogger.defaultLogLevel=${PEER_LOG_LEVEL:-error}" -Dorg.slf4j.simpleLogger.showDateTime=true \
  "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS" -cp "$out/classes:$out/libs/*" "$main" "$@"
