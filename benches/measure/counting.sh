# shellcheck shell=bash
# Functions that count what a server spends, and hold it to bounds; sourced by the other scripts here. Those that start servers set
# `scratch` to a folder of their own. In a server's command, {} stands for the port that it is to listen on.
# No function leaves a process behind: what is started is killed by its id, by `end_server` or when the shell ends.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
started=""
# A second server, which stands behind the one that is counted.
backend=""
# Did any bound fail?
failed=0
ulimit -n "$(ulimit -Hn)"

build_client() { gcc -O2 -o "$scratch/$1" "$here/$1.c"; }

clean_up() {
  [ -z "$backend" ] || kill -KILL "$backend" 2>/dev/null || true
  end_server KILL
  rm -rf "$scratch"
}

# hold WHAT VALUE BOUND: says whether VALUE is at most BOUND, and names `name` in the line.
hold() {
  local word=PASS
  awk -v value="$2" -v bound="$3" 'BEGIN { exit !(value <= bound) }' || word=FAIL
  [ $word = PASS ] || failed=1
  echo "$word $name: $1 $2 (bound $3)"
}

# Takes a free port, from below those that the kernel hands out for outgoing connections.
free_port() {
  while port=$((20000 + RANDOM % 12000)); [ -n "$(ss -ltnH "sport = :$port")" ]; do :; done
}

# start_server COMMAND [ARG ...]: starts it on a free port and waits until it listens; sets `port` and `started`.
start_server() {
  free_port
  "${@//\{\}/$port}" >"$scratch/server.out" 2>"$scratch/server.err" &
  started=$!
  for _ in $(seq 600); do
    [ -z "$(ss -ltnH "sport = :$port")" ] || return 0
    kill -0 "$started" 2>/dev/null || break
    sleep 0.05
  done
  echo "the server never listened on port $port: ${*//\{\}/$port}" >&2
  tail -n 20 "$scratch/server.err" >&2
  return 1
}

# Waits until process PID has used no CPU for a third of a second, so that the end of one run's work is in its own count.
until_quiet() {
  local before="" after
  for _ in $(seq 300); do
    after=$(cut -d' ' -f1 "/proc/$1/schedstat")
    [ "$before" != "$after" ] || return 0
    before=$after
    sleep 0.35
  done
  echo "the server never came to rest" >&2
  return 1
}

# end_server SIGNAL: signals the server that was started, or the one that strace started, and waits for its end.
end_server() {
  [ -n "$started" ] || return 0
  local server
  server=$(cut -d' ' -f1 "/proc/$started/task/$started/children" 2>/dev/null) || true
  kill "-$1" "${server:-$started}" 2>/dev/null || true
  wait "$started" 2>/dev/null || true
  started=""
}

# The load whose cost is counted: `rounds` rounds of `conns` connections sending file `request`. With `at_once` set, the server finds
# all requests of a round at once. A script that counts another load redefines this.
drive() { "$scratch/lockstep" "$port" "$conns" "$rounds" "$request" ${at_once:+"$started"}; }

# Sets `count` to the userland instructions of a whole run.
count_instructions() {
  start_server valgrind --tool=callgrind --callgrind-out-file="$scratch/callgrind.out" "$@"
  drive
  until_quiet "$started"
  end_server TERM
  count=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$scratch/server.err" | head -n 1)
  [ -n "$count" ] || { tail -n 20 "$scratch/server.err" >&2; return 1; }
}

# The same of system calls: all, or those that `traced` names.
count_calls() {
  start_server strace -f -c ${traced:+-e "trace=$traced"} -o "$scratch/calls" "$@"
  drive
  until_quiet "$(cut -d' ' -f1 "/proc/$started/task/$started/children")"
  end_server TERM
  count=$(awk '$NF == "total" { print $4 }' "$scratch/calls")
  [ -n "$count" ] || { cat "$scratch/calls" >&2; return 1; }
}

# The same of bytes allocated, whether or not they are freed again.
count_allocated() {
  start_server valgrind --tool=memcheck --leak-check=no --undef-value-errors=no "$@"
  drive
  until_quiet "$started"
  end_server TERM
  count=$(sed -n 's/.*total heap usage: .* frees, \([0-9,]*\) bytes allocated.*/\1/p' "$scratch/server.err" | tr -d ,)
  [ -n "$count" ] || { tail -n 20 "$scratch/server.err" >&2; return 1; }
}

# The same for the number of allocations of any size.
count_allocations() {
  count_allocated "$@"
  count=$(sed -n 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$scratch/server.err" | tr -d ,)
}

# per_message COUNTER FEW MANY COMMAND [ARG ...]: counts a run of FEW rounds and one of MANY, and sets `figure` to the
# difference for each message, so that starting and accepting cancel out.
per_message() {
  local counter=$1 few_rounds=$2 many_rounds=$3 few
  shift 3
  rounds=$few_rounds
  $counter "$@"
  few=$count
  rounds=$many_rounds
  $counter "$@"
  figure=$(awk -v few="$few" -v many="$count" -v messages=$(((many_rounds - few_rounds) * conns)) \
    'BEGIN { printf "%.3f", (many - few) / messages }')
}

# The same three times, and `figure` is the median: how many messages a turn of the server finds is a matter of timing, and
# what a turn costs is shared by them.
per_message_median() {
  local figures=""
  for _ in 1 2 3; do
    per_message "$@"
    figures="$figures$figure"$'\n'
  done
  figure=$(sort -n <<<"${figures%?}" | sed -n 2p)
}

# idle_bytes COMMAND [ARG ...]: sets `figure` to the resident bytes of each of `conns` idle connections, which have had the answer to the
# file `idle_request`, or else the echo of a line.
idle_bytes() {
  local least="" try
  # How the connections are spread over turns and ticks adds a few pages to lists on a busy machine: the least of three measurements is theirs.
  for try in 1 2 3; do
    start_server "$@"
    figure=$("$scratch/idle" "$port" "$conns" "$started" ${idle_request:+"$idle_request"} | sed -n 's/ bytes per idle connection$//p')
    end_server TERM
    [ -n "$figure" ]
    if [ -z "$least" ] || [ "$figure" -lt "$least" ]; then least=$figure; fi
  done
  figure=$least
}

# tell_where MESSAGES: prints where in the source the instructions of the last run that was counted are, per message; so with a share of
# starting and accepting.
tell_where() {
  callgrind_annotate --auto=no --threshold=95 "$scratch/callgrind.out" |
    awk -v messages="$1" '/^ *[0-9,]+ \(.*\)  .*:/ && !/PROGRAM TOTALS/ {
      gsub(",", "", $1); sub(/\[[^]]*\]$/, ""); count = $1; sub(/^[^)]*\) */, "")
      n = split($0, part, ":"); file = part[1]; sub(/^.*\/(src|library)\//, "", file)
      printf "%8.1f  %s  %s\n", count / messages, file, substr($0, length(part[1]) + 2)
    }'
}

# printed_by TOOL PATTERN COMMAND [ARG ...]: the number that PATTERN finds in what that tool of valgrind prints of a program that ends by
# itself.
printed_by() {
  local options=(--tool=callgrind --callgrind-out-file=/dev/null)
  [ "$1" = callgrind ] || options=(--tool=memcheck --leak-check=no --undef-value-errors=no)
  valgrind "${options[@]}" "${@:3}" 2>&1 | sed -n "$2" | tr -d , | head -n 1
}

# The userland instructions of a program that ends by itself, its allocations, and the bytes that it holds in the end.
program_instructions() { printed_by callgrind 's/.*Collected : \([0-9]*\).*/\1/p' "$@"; }
program_allocations() { printed_by memcheck 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$@"; }
program_held() { printed_by memcheck 's/.*in use at exit: \([0-9,]*\) bytes.*/\1/p' "$@"; }

# each_in_turn COUNTER COMMAND [ARG ...]: what COUNTER counts for each more that a turn has to do, when COMMAND is run with `ARG ... 5000 1` and
# with `ARG ... 5000 2`.
each_in_turn() {
  local few many
  few=$("$@" 5000 1)
  many=$("$@" 5000 2)
  awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 5000 }'
}
