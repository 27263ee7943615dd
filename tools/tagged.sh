#!/usr/bin/env bash
# Runs the tests that stand in files behind a build tag, and no others: the rest of their packages is `make test`.
#
#   tools/tagged.sh TAG [go test flags…]
#   RUN    only tests that match this regular expression (as in go test -run)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=${1:?which build tag?}
shift

mapfile -t files < <(find . -path ./.kafka -prune -o -name '*_test.go' \
  -exec grep -lE "^//go:build (.*[^[:alnum:]_])?$tag([^[:alnum:]_].*)?\$" {} + | sort)
((${#files[@]} > 0)) || { echo "no test is behind the build tag $tag" >&2; exit 1; }
mapfile -t packages < <(dirname "${files[@]}" | sort -u)
mapfile -t tests < <(sed -n 's/^func \(Test[A-Z0-9_][A-Za-z0-9_]*\)(.*/\1/p' "${files[@]}" | grep -vx TestMain | sort -u)
((${#tests[@]} > 0)) || { echo "no test function in ${files[*]}" >&2; exit 1; }
pattern="^($(IFS='|'; echo "${tests[*]}"))\$"

exec go test -tags "$tag" -run "${RUN:-$pattern}" "$@" "${packages[@]}"
