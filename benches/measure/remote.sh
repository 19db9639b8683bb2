#!/usr/bin/env bash
# Holds what a call into an awake loop costs to its bounds, by counting: instructions and allocations to send it and to run it. Prints a
# line per bound, PASS or FAIL first, and exits 1 if any failed.
#   remote.sh COMMAND        the program remote_cost
# example: remote.sh target/release/remote_cost
# Needs valgrind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# = 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }
name=remote

# 31 calls share a block of the queue, so whole blocks are compared.
few=$(program_instructions "$1" 500 31)
many=$(program_instructions "$1" 500 93)
hold "userland instructions to send a call and to run it" \
  "$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 500 / 62 }')" 400
few=$(program_allocations "$1" 500 31)
many=$(program_allocations "$1" 500 93)
hold "allocations for that" "$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 500 / 62 }')" 1.04
exit $failed
