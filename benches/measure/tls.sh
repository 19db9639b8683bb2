#!/usr/bin/env bash
# Holds what TLS allocates to its bound, by counting. Prints a line, PASS or FAIL first, and exits 1 if it failed.
#   tls.sh COMMAND      the program tls_cost
# example: tls.sh target/release/tls_cost
# Needs valgrind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"
[ $# = 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

# allocations MESSAGES: how many a run makes with so many messages.
allocations() {
  valgrind --tool=memcheck --leak-check=no --undef-value-errors=no "$command" "$1" 2>&1 |
    sed -n 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' | tr -d ,
}

command=$1 name=TLS
few=$(allocations 200)
many=$(allocations 700)
# A message and its echo are four records, two sent and two received.
figure=$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.3f", (many - few) / 500 / 4 }')
# The one is what rustls encrypts into or decrypts from; nothing of ours may be added to it.
hold "allocations per record" "$figure" 1
exit $failed
