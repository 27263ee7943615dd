# shellcheck shell=bash
# Nodes that a rehearsal starts, kills and starts again: for rehearsal.sh and soak.sh, which source it. They set
#
#   root      the repository
#   dir       a folder, absolute, where node NAME has its data (node-NAME), log (node-NAME.log) and pid (node-NAME.pid)
#   holdfast  the binary
#   me        the script's name, for what is said

say() { echo "$me: $*"; }

# nodePid NAME: the process that the node's file names, if it still is that node: a pid alone proves nothing.
nodePid() {
  local pid
  [[ -s $dir/node-$1.pid ]] && pid=$(<"$dir/node-$1.pid") || return 1
  ps -ww -o args= -p "$pid" 2>/dev/null | grep -qF -- "--data-dir $dir/node-$1 " && echo "$pid"
}

# stopNode NAME: nodes finish their transactions on the broker, so they go before it. A second life is nobody's child
# here. One that was stopped by a signal must go on to end.
stopNode() {
  local pid
  pid=$(nodePid "$1") || return 0
  : >"$dir/node-$1.stopping"
  endNode "$1" "$pid"
  rm -f "$dir/node-$1.stopping"
}

endNode() {
  local pid=$2
  kill -TERM "$pid" 2>/dev/null || true
  kill -CONT "$pid" 2>/dev/null || true
  for _ in $(seq 300); do
    nodePid "$1" >/dev/null || return 0
    sleep 0.1
  done
  say "node $1 (pid $pid) is still there after 30 s, killing it"
  kill -KILL "$pid" 2>/dev/null || true
}

# startNode NAME FLAGS…: unless it is there; one that is being stopped is waited for. In a group of its own, a node isn't ended by a Ctrl-C before the load is.
startNode() {
  local name=$1
  shift
  for _ in $(seq 400); do
    [[ -e $dir/node-$name.stopping ]] && nodePid "$name" >/dev/null || break
    sleep 0.1
  done
  nodePid "$name" >/dev/null && return 0
  cd "$dir" || return 1
  set -m
  nohup "$holdfast" run --data-dir "$dir/node-$name" --instance-id "$name" "$@" </dev/null >>"node-$name.log" 2>&1 &
  echo $! >"node-$name.pid"
  set +m
}

# nodeScript FILE COMMANDS…: a program of its own that can use what stands here, since fault schedules run programs.
nodeScript() {
  local file=$dir/$1
  shift
  {
    echo '#!/usr/bin/env bash'
    printf 'root=%q dir=%q holdfast=%q me=%q\n' "$root" "$dir" "$holdfast" "$me"
    printf 'source %q\n' "$root/tools/nodes.sh"
    printf '%s\n' "$@"
  } >"$file"
  chmod +x "$file"
}

# both: until two members share each of the four stages.
both() {
  for _ in $(seq 300); do
    [[ $("$holdfast" status --admin '' 2>/dev/null | grep -c ': 2 members .*(stable)') == 4 ]] && return 0
    nodePid a >/dev/null && nodePid b >/dev/null || break
    sleep 0.2
  done
  say "one of the two nodes isn't up:"
  tail -n 5 "$dir"/node-?.log
  return 1
}

# browse FOLDER: opens the reports there in a Chromium, if there is one: every marker and plot must draw.
browse() {
  if [[ -n ${CHROMIUM:-} ]] || command -v chromium chromium-browser google-chrome >/dev/null; then
    REPORTS=$1 SCREENSHOTS=$1 RUN='^TestBrowserDrawsReports$' "$root/tools/tagged.sh" browser -count 1
  else
    say "no Chromium here: the reports weren't opened in a browser"
  fi
}
