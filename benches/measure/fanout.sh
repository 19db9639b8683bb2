#!/usr/bin/env bash
# Holds a server that passes on what one connection sends to all others to its bounds, by counting alone. Prints a line per bound,
# PASS or FAIL first, and exits 1 if any failed.
#   fanout.sh [--where] COMMAND [ARG ...]      {} in an ARG stands for the port
# With --where it only tells where in the source the instructions of each receiver are, if the server was built with line tables
# (CARGO_PROFILE_RELEASE_DEBUG=line-tables-only).
# example: fanout.sh target/release/lariat_fanout {}
# Needs gcc, valgrind, strace and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
where=""
if [ "${1-}" = --where ]; then
  where=yes
  shift
fi
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT
build_client fanout
conns=1000
name=fanout

drive() { "$scratch/fanout" "$conns" "$size" 1 "$rounds" "$port:$started" >"$scratch/slices"; }

size=256
if [ -n "$where" ]; then
  rounds=50
  count_instructions "$@"
  tell_where $((rounds * conns))
  exit 0
fi
per_message count_calls 10 50 "$@"
hold "system calls per receiver of a 256-byte message" "$figure" 1.02
per_message count_instructions 10 50 "$@"
hold "userland instructions per receiver of a 256-byte message" "$figure" 150
# As a slice of 16 KiB is as long as no allocation that a queue makes, a copy of it shows.
size=16384
per_message count_allocated 10 30 "$@"
hold "bytes allocated per receiver of a 16 KiB message" "$figure" 512
exit $failed
