#!/usr/bin/env bash
# Holds what TLS allocates to its bound, by counting. Prints a line, PASS or FAIL first, and exits 1 if it failed.
#   tls.sh COMMAND      the program tls_cost
# example: tls.sh target/release/tls_cost
# Needs valgrind.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

# allocations MESSAGES: how many a run makes with so many messages.
allocations() {
  valgrind --tool=memcheck --leak-check=no --undef-value-errors=no "$command" "$1" 2>&1 |
    sed -n 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' | tr -d ,
}

command=$1
few=$(allocations 200)
many=$(allocations 700)
# A message and its echo are four records, two sent and two received.
figure=$(awk -v few="$few" -v many="$many" 'BEGIN { printf "%.3f", (many - few) / 500 / 4 }')
word=PASS
awk -v value="$figure" 'BEGIN { exit !(value <= 1) }' || word=FAIL
# The one is what rustls encrypts into or decrypts from; nothing of ours may be added to it.
echo "$word TLS: allocations per record $figure (bound 1)"
[ $word = PASS ]
