#!/usr/bin/env bash
# Holds what an echo server costs to its bounds, by counting alone: the figures do not depend on how busy the machine is,
# and no peer is compiled. Prints a line per bound, PASS or FAIL first, and exits 1 if any failed.
#   counted.sh [--only PART,...] [--quick] [--name NAME] COMMAND [ARG ...]      {} in an ARG stands for the port
# PARTs: instructions, calls, idle, armed, growth; by default all. `armed` runs the command with `--idle 600` after it.
# --quick opens 2,000 idle connections instead of 15,000 and leaves the 10,000 out of growth.
# example: counted.sh target/release/examples/echo tcp:{}:interface=127.0.0.1
# Needs gcc, valgrind, strace and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"

parts=instructions,calls,idle,armed,growth name=echo quick=""
while [ $# -gt 0 ]; do
  case $1 in
    --only) parts=$2; shift 2 ;;
    --name) name=$2; shift 2 ;;
    --quick) quick=yes; shift ;;
    --*) echo "counted.sh: no option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT
build_client lockstep
build_client idle
request=$here/echo64.txt

wanted() { [[ ",$parts," == *",$1,"* ]]; }

if wanted instructions; then
  # What a turn costs is shared by the messages that it finds, and how many those are is a matter of timing; here it is all of a round.
  conns=50 at_once=yes
  per_message count_instructions 100 300 "$@"
  hold "userland instructions per 64-byte message" "$figure" 244
  at_once=""
  per_message_median count_instructions 100 300 "$@"
  echo "SEEN $name: $figure userland instructions per 64-byte message that comes when it comes"
fi

if wanted calls; then
  conns=100 at_once=yes
  per_message count_calls 100 300 "$@"
  hold "system calls per 64-byte message" "$figure" 2.05
  conns=50 at_once=""
  per_message_median count_calls 100 300 "$@"
  echo "SEEN $name: $figure system calls per 64-byte message that comes when it comes"
fi

conns=15000
[ -z "$quick" ] || conns=2000
most=$(($(ulimit -n) - 100))
if [ "$conns" -gt $most ]; then
  echo "NOTE $name: only $most descriptors may be open, so only that many idle connections are"
  conns=$most
fi
if wanted idle; then
  idle_bytes "$@"
  hold "resident bytes per idle connection at $conns" "$figure" 200
fi
if wanted armed; then
  idle_bytes "$@" --idle 600
  hold "resident bytes per idle connection at $conns, idle timeout armed" "$figure" 306
fi

if wanted growth; then
  seen="" at_once=yes
  for size in 100:20:220 1000:4:44 $([ -n "$quick" ] || echo 10000:2:22); do
    IFS=: read -r conns few many <<<"$size"
    if [ "$conns" -gt $most ]; then
      echo "NOTE $name: only $most descriptors may be open, so $conns connections are not"
      continue
    fi
    # A busy machine makes a callback slow, and the loop then times a thousand turns, in one of the three runs at most.
    per_message_median count_instructions "$few" "$many" "$@"
    echo "SEEN $name: $figure userland instructions per message at $conns connections"
    seen="$seen $figure"
  done
  spread=$(awk -v seen="$seen" 'BEGIN {
    for (n = split(seen, all, " "); n; n--) { if (!low || all[n] < low) low = all[n] + 0; if (all[n] > high) high = all[n] + 0 }
    printf "%.3f", high / low }')
  hold "instructions per message, most to least as connections grow tenfold" "$spread" 1.05
fi
exit $failed
