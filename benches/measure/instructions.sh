#!/usr/bin/env bash
# Userland instructions that a server spends per message: the same figure every time, however busy the machine is.
#   instructions.sh [--calls] REQUEST_FILE COMMAND [ARG ...]     {} in an ARG stands for the port
# example: instructions.sh echo64.txt target/release/examples/echo tcp:{}:interface=127.0.0.1
# With --calls it counts system calls instead; with --where it tells where in the source the instructions are, if the server
# was built with line tables (CARGO_PROFILE_RELEASE_DEBUG=line-tables-only).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
counter=count_instructions noun=instructions
where=""
case ${1-} in
  --calls) counter=count_calls noun="system calls"; shift ;;
  --where) where=yes; shift ;;
esac
[ $# -ge 2 ] || { echo "usage: instructions.sh [--calls | --where] REQUEST_FILE COMMAND [ARG ...]" >&2; exit 2; }
request=$1
shift
scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
conns=50
per_message $counter 100 300 "$@"
echo "$figure $noun per message"
[ -z "$where" ] || tell_where $((300 * conns))
