#!/usr/bin/env bash
# Runs an echo server under memcheck: 50 connections that talk and are reset, one that ends politely, then SIGTERM. Prints a
# line, PASS or FAIL, and exits 1 unless there was no error and no block was lost.
#   memcheck.sh [--before ECHO_PROGRAM] COMMAND [ARG ...]     {} in an ARG stands for the port
# With --before it is a proxy, and stands before an echo server, whose port {backend} stands for; memcheck sees the proxy alone.
# Needs gcc, valgrind and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
echo_program=""
if [ "${1-}" = --before ] && [ $# -ge 2 ]; then
  echo_program=$2
  shift 2
fi
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }
scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
name=$(basename "$1")
command=("$@")
if [ -n "$echo_program" ]; then
  start_server "$echo_program" "tcp:{}:interface=127.0.0.1"
  backend=$started started=""
  command=("${command[@]//\{backend\}/$port}")
fi

start_server valgrind --leak-check=full --show-leak-kinds=definite,indirect,possible \
  --errors-for-leak-kinds=definite,indirect,possible --suppressions="$here/memcheck.supp" \
  --error-exitcode=99 --log-file="$scratch/memcheck" "${command[@]}"
"$scratch/lockstep" "$port" 50 20 "$here/echo64.txt"
exec 3<>"/dev/tcp/127.0.0.1/$port"
echo "a line" >&3
read -r -t 30 _ <&3
exec 3<&- 3>&-
until_quiet "$started"
end_server TERM

errors=$(sed -n 's/.*ERROR SUMMARY: \([0-9]*\) errors.*/\1/p' "$scratch/memcheck")
if [ "$errors" = 0 ]; then
  echo "PASS $name: memcheck found 0 errors and no lost block"
else
  cat "$scratch/memcheck" >&2
  echo "FAIL $name: memcheck found ${errors:-no end, so an unknown number of} errors or lost blocks"
  exit 1
fi
