#!/usr/bin/env bash
# Has each system call of an echo server fail once, with each error that it can give, while a client talks to it. The server may let that
# client down, but it has to serve the next one and end in good order on SIGTERM; or it ends at once, with an error and words. It
# never spins. Prints a line, PASS or FAIL, and exits 1 unless all went so.
#   torture.sh COMMAND [ARG ...]     {} in an ARG stands for the port
# Needs strace and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# -ge 1 ] || { echo "usage: torture.sh COMMAND [ARG ...]" >&2; exit 2; }
scratch=$(mktemp -d)
trap clean_up EXIT

# The calls with the times when each is to fail, from the process's beginning on, and how. An error that is injected takes the call's place: a
# close that fails so leaves its descriptor open, and after an EAGAIN no event comes. Either costs the one client and no other.
plans="
accept4     5 EMFILE ENFILE ENOBUFS ENOMEM EINTR EAGAIN ECONNABORTED ETIMEDOUT EPERM
recvfrom    4 EAGAIN
recvfrom    5 EINTR ECONNRESET ENOMEM ETIMEDOUT EHOSTUNREACH
sendto      4 EINTR EAGAIN ECONNRESET EPIPE ENOMEM ENOBUFS ETIMEDOUT EHOSTUNREACH
epoll_wait  5 EINTR ENOMEM
epoll_ctl   6 ENOMEM ENOSPC
close      10 EIO EINTR
socket      1 EMFILE ENOBUFS
socketpair  2 EMFILE ENOMEM
bind        1 EADDRINUSE EACCES
listen      1 EADDRINUSE
fcntl       4 EMFILE
epoll_create1 1 EMFILE ENOMEM
"
# An untroubled run makes about 170 calls; one that spins makes as many in a millisecond.
most_calls=1000

# Says a line to the server and waits for it to come back.
talk() {
  local line=""
  { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
  echo "a line" >&3 2>/dev/null || true
  IFS= read -r -t 1 line <&3 2>/dev/null || true
  exec 3<&- 3>&-
  [ "$line" = "a line" ]
}

# Sets `outcome` to what came of the server that was started: served, ended (with an error, and words), or what is wrong.
judge() {
  local server status=0
  talk || true
  for attempt in 1 2 3; do
    ! talk || { outcome=served; break; }
  done
  server=$(cut -d' ' -f1 "/proc/$started/task/$started/children" 2>/dev/null) || true
  [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
  for _ in $(seq 300); do
    kill -0 "$started" 2>/dev/null || break
    sleep 0.05
  done
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  wait "$started" || status=$?
  started=""
  if [ "$outcome" != served ]; then
    outcome="it was there but served nobody"
    [ $status = 0 ] || [ $status -ge 128 ] || [ ! -s "$scratch/server.err" ] || outcome=ended
  elif [ $status != 0 ] && { [ $status -ge 128 ] || [ ! -s "$scratch/server.err" ]; }; then
    outcome="it ended with status $status and without a word"
  fi
}

declare -A seen=()
cases=0 failed=0
while read -r call times errors; do
  [ -n "$call" ] || continue
  for error in $errors; do
    for time in $(seq "$times"); do
      outcome=unserved
      if start_server strace -f -o "$scratch/calls" -e "inject=$call:error=$error:when=$time" "$@" 2>/dev/null; then
        judge
      else
        status=0
        wait "$started" || status=$?
        started=""
        outcome="it did not begin, and said nothing"
        [ $status = 0 ] || [ $status -ge 128 ] || [ ! -s "$scratch/server.err" ] || outcome=ended
      fi
      calls=$(wc -l <"$scratch/calls")
      [ "$calls" -le $most_calls ] || outcome="it made $calls calls"
      ! grep -q "panicked" "$scratch/server.err" || outcome="it panicked"
      grep -q INJECTED "$scratch/calls" || outcome=${outcome/#served/untroubled}
      cases=$((cases + 1))
      seen[$outcome]=$((${seen[$outcome]:-0} + 1))
      case $outcome in
        served | ended | untroubled) ;;
        *)
          failed=$((failed + 1))
          echo "$call number $time, $error: $outcome" >&2
          tail -n 3 "$scratch/server.err" >&2
          ;;
      esac
    done
  done
done <<<"$plans"

counts="${seen[served]:-0} times it went on, ${seen[ended]:-0} times it ended with an error, ${seen[untroubled]:-0} times there was no such call"
if [ $failed = 0 ]; then
  echo "PASS echo: of $cases failing system calls, $counts"
else
  echo "FAIL echo: of $cases failing system calls, $failed were not borne; $counts"
  exit 1
fi
