#!/usr/bin/env bash
# Holds what an echo server of tasks costs to its bounds, by counting alone, as counted.sh does for one of protocols. Prints a line per
# bound, PASS or FAIL first, and exits 1 if any failed.
#   async.sh COMMAND [ARG ...]      {} in an ARG stands for the port
# example: async.sh target/release/examples/async_echo tcp:{}:interface=127.0.0.1
# Needs gcc, valgrind and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
build_client idle
request=$here/echo64.txt
name="async echo"

conns=50 at_once=yes
per_message count_instructions 100 300 "$@"
hold "userland instructions per 64-byte message" "$figure" 345

conns=15000
most=$(($(ulimit -n) - 100))
if [ "$conns" -gt $most ]; then
  echo "NOTE async echo: only $most descriptors may be open, so only that many idle connections are"
  conns=$most
fi
idle_bytes "$@"
hold "resident bytes per idle connection at $conns" "$figure" 600
exit $failed
