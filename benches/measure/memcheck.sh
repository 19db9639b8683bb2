#!/usr/bin/env bash
# Runs an echo server under memcheck: 50 connections that talk and are reset, one that ends politely, then SIGTERM. Prints a
# line, PASS or FAIL, and exits 1 unless there was no error and no block was lost.
#   memcheck.sh COMMAND [ARG ...]     {} in an ARG stands for the port
# Needs gcc, valgrind and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# -ge 1 ] || { echo "usage: memcheck.sh COMMAND [ARG ...]" >&2; exit 2; }
scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep

start_server valgrind --leak-check=full --show-leak-kinds=definite,indirect,possible \
  --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 --log-file="$scratch/memcheck" "$@"
"$scratch/lockstep" "$port" 50 20 "$here/echo64.txt"
exec 3<>"/dev/tcp/127.0.0.1/$port"
echo "a line" >&3
read -r -t 30 _ <&3
exec 3<&- 3>&-
until_quiet "$started"
end_server TERM

errors=$(sed -n 's/.*ERROR SUMMARY: \([0-9]*\) errors.*/\1/p' "$scratch/memcheck")
if [ "$errors" = 0 ]; then
  echo "PASS echo: memcheck found 0 errors and no lost block"
else
  cat "$scratch/memcheck" >&2
  echo "FAIL echo: memcheck found ${errors:-no end, so an unknown number of} errors or lost blocks"
  exit 1
fi
