#!/usr/bin/env bash
# Holds what a proxy costs to its bounds, by counting alone: the proxy's process only, with an echo server behind it. Prints a line per
# bound, PASS or FAIL first, and exits 1 if any failed.
#   proxied.sh [--where] ECHO_PROGRAM PROXY_PROGRAM
# Both are run as the examples of those names are. With --where it only tells where in the source the instructions of each round trip are,
# if the proxy was built with line tables (CARGO_PROFILE_RELEASE_DEBUG=line-tables-only).
# example: proxied.sh target/release/examples/echo target/release/examples/proxy
# Needs gcc, valgrind, strace and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
where=""
if [ "${1-}" = --where ]; then
  where=yes
  shift
fi
[ $# = 2 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
request=$here/echo64.txt
name=proxy

start_server "$1" "tcp:{}:interface=127.0.0.1"
backend=$started started=""
# Checks come by the clock, so how many there are is a matter of timing.
command=("$2" --check 0 "tcp:{}:interface=127.0.0.1" "tcp:127.0.0.1:$port")

if [ -n "$where" ]; then
  conns=50 rounds=300 at_once=yes
  count_instructions "${command[@]}"
  tell_where $((rounds * conns))
  exit 0
fi
conns=100 at_once=yes
per_message_median count_calls 100 300 "${command[@]}"
hold "system calls per 64-byte round trip" "$figure" 4.1
conns=50
per_message_median count_instructions 100 300 "${command[@]}"
hold "userland instructions per 64-byte round trip" "$figure" 600
exit $failed
