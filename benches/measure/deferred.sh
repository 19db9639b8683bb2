#!/usr/bin/env bash
# Holds what a Deferred or a task costs to its bounds, by counting: instructions, allocations, bytes. Prints a line per bound, PASS or
# FAIL first, and exits 1 if any failed.
#   deferred.sh COMMAND      the program deferred_cost
# example: deferred.sh target/release/deferred_cost
# Needs valgrind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# = 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }
command=$1 name=deferred

# counted PATTERN WORK TURNS EACH: the number that PATTERN finds in what callgrind prints.
counted() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$command" "${@:2}" 2>&1 | sed -n "$1" | tr -d , | head -n 1
}

instructions() { counted 's/.*Collected : \([0-9]*\).*/\1/p' "$@"; }

heap() { valgrind --tool=memcheck --leak-check=no --undef-value-errors=no "$command" "${@:2}" 2>&1 | sed -n "$1" | tr -d , | head -n 1; }

allocations() { heap 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$@"; }

held() { heap 's/.*in use at exit: \([0-9,]*\) bytes.*/\1/p' "$@"; }

# each FUNCTION WORK: what FUNCTION counts for each more Deferred in a turn.
each() {
  local few many
  few=$($1 "$2" 5000 1)
  many=$($1 "$2" 5000 2)
  awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 5000 }'
}

hold "userland instructions to make one, add a callback, resolve and deliver it" "$(each instructions one)" 900
hold "allocations for that" "$(each allocations one)" 2
hold "userland instructions for one with ten callbacks" "$(each instructions ten)" 4500
hold "allocations for that" "$(each allocations ten)" 11
hold "allocations to spawn a task that is ready at once, and to have done with it" "$(each allocations task)" 3
few=$(held pending 1 1)
many=$(held pending 1 32768)
# The list of the 32,768 resolvers, 16 bytes each, is not the Deferreds'.
hold "bytes that one with a callback holds while it waits" \
  "$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 32767 - 16 }')" 128
exit $failed
