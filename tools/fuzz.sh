#!/usr/bin/env bash
# Runs every Fuzz target of the module for a few seconds each (Go fuzzes one target of one package at a time).
#
#   tools/fuzz.sh [PACKAGE…]    all packages unless some are named, e.g. ./topology/record
#   FUZZ_TIME                   for each target, 5s unless set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE TARGET. An input that breaks the target is written to the package's testdata and fails the run. One
# failure is Go's own: a worker that is stopped at the end of the time may be reported as "context deadline exceeded"
# with no input written; that says nothing about the target, so it is run once more.
fuzz() {
  local try
  for try in 1 2; do
    go test -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZ_TIME:-5s}" "$1" </dev/null >"$log" 2>&1 && return 0
    grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" || break
    echo "    stopped at the end of its time without a finding (try $try)"
  done
  cat "$log"
  return 1
}

run=0 failed=0
while IFS= read -r package; do
  folder=$(go list -f '{{.Dir}}' "$package")
  while IFS= read -r target; do
    run=$((run + 1))
    echo "fuzz ${package#holdfast/} $target"
    fuzz "$package" "$target" || failed=$((failed + 1))
  done < <(find "$folder" -maxdepth 1 -name '*_test.go' -exec sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' {} + | sort)
done < <(go list "${@:-./...}")

# None found means that the search is broken: a module that reads foreign bytes has fuzz targets.
((run > 0)) || { echo "fuzz: no target found" >&2; exit 1; }
echo "fuzz: $run targets, $failed failed"
((failed == 0))
