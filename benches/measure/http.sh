#!/usr/bin/env bash
# Holds what a web server costs to its bounds, by counting alone: instructions, system calls and allocations for each GET of /plaintext
# on connections that stay, and bytes for each that is idle. Prints a line per bound, PASS or FAIL first, and exits 1 if any failed.
#   http.sh [--only PART,...] [--name NAME] COMMAND [ARG ...]      {} in an ARG stands for the port
#   http.sh --where COMMAND [ARG ...]     prints only where in the source the instructions are, given line tables
#                                         (CARGO_PROFILE_RELEASE_DEBUG=line-tables-only)
# PARTs: instructions, calls, allocations, idle; by default these. A part of its own is `sendfile`, for a server of files: the calls that
# it takes to send /large.txt, a file of 1 MiB.
# example: http.sh target/release/examples/plaintext tcp:{}:interface=127.0.0.1
# Needs gcc, valgrind, strace and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"

parts=instructions,calls,allocations,idle name=plaintext where=""
while [ $# -gt 0 ]; do
  case $1 in
    --only) parts=$2; shift 2 ;;
    --name) name=$2; shift 2 ;;
    --where) where=yes; shift ;;
    --*) echo "http.sh: no option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
build_client idle
request=$here/http_get.txt

wanted() { [[ ",$parts," == *",$1,"* ]]; }

if [ -n "$where" ]; then
  conns=50 rounds=300 at_once=yes
  count_instructions "$@"
  tell_where $((rounds * conns))
  exit 0
fi
if wanted instructions; then
  conns=50 at_once=yes
  per_message count_instructions 100 300 "$@"
  hold "userland instructions per request" "$figure" 2000
  at_once=""
  per_message_median count_instructions 100 300 "$@"
  echo "SEEN $name: $figure userland instructions per request that comes when it comes"
fi
if wanted calls; then
  conns=100 at_once=yes
  per_message count_calls 100 300 "$@"
  hold "system calls per request" "$figure" 2.05
  conns=50 at_once=""
  per_message_median count_calls 100 300 "$@"
  echo "SEEN $name: $figure system calls per request that comes when it comes"
fi
if wanted allocations; then
  conns=50 at_once=yes
  per_message count_allocations 100 300 "$@"
  hold "allocations per request" "$figure" 0
fi
if wanted sendfile; then
  # As many connections as have files sent to them beside nginx.
  conns=8 at_once=""
  request=$scratch/get_large
  printf 'GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$request"
  traced=sendfile
  per_message_median count_calls 20 120 "$@"
  traced=""
  hold "sendfile calls per file of 1 MiB" "$figure" 1.05
fi
if wanted idle; then
  conns=15000
  most=$(($(ulimit -n) - 100))
  if [ "$conns" -gt $most ]; then
    echo "NOTE $name: only $most descriptors may be open, so only that many idle connections are"
    conns=$most
  fi
  idle_request=$request
  idle_bytes "$@"
  hold "resident bytes per idle connection at $conns, after one request" "$figure" 449
fi
exit $failed
