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

hold "userland instructions to make one, add a callback, resolve and deliver it" "$(each_in_turn program_instructions "$command" one)" 600
hold "allocations for that" "$(each_in_turn program_allocations "$command" one)" 1
hold "userland instructions for one with ten callbacks" "$(each_in_turn program_instructions "$command" ten)" 3650
hold "allocations for that" "$(each_in_turn program_allocations "$command" ten)" 10
hold "allocations to spawn a task that is ready at once, and to have done with it" "$(each_in_turn program_allocations "$command" task)" 1
few=$(program_held "$command" pending 1 1)
many=$(program_held "$command" pending 1 32768)
# The list of the 32,768 resolvers, 16 bytes each, is not the Deferreds'.
hold "bytes that one with a callback holds while it waits" \
  "$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 32767 - 16 }')" 128
exit $failed
