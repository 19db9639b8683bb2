#!/usr/bin/env bash
# Holds a web server to staying available to others while thousands of clients are as slow as they can be: slow heads, slow bodies, slow
# readers, and headers that ask for a great many ranges. Prints a line per kind, PASS or FAIL first, and exits 1 if any failed.
#   slow.sh [--only KIND,...] [--path PATH] [--name NAME] [--seconds N] COMMAND [ARG ...]      {} in an ARG stands for the port
# KINDs: heads, bodies, readers, ranges; by default all. Bodies take a server that reads them, readers and ranges one that has a file, of 20 kB,
# say: if what all readers have asked for is more than TCP may take (/proc/sys/net/ipv4/tcp_mem), the kernel serves nobody any more, whatever
# the server is.
# PATH, / unless it is given, is what all ask for. Each kind has 2,000 clients, who come within four seconds, and lasts N seconds (20).
# example: slow.sh --path /plaintext target/release/examples/plaintext tcp:{}:interface=127.0.0.1
# Needs slowhttptest, and ss.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/counting.sh"

kinds=heads,bodies,readers,ranges path=/ name=plaintext seconds=20
while [ $# -gt 0 ]; do
  case $1 in
    --only) kinds=$2; shift 2 ;;
    --path) path=$2; shift 2 ;;
    --name) name=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --*) echo "slow.sh: no option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }

scratch=$(mktemp -d)
trap clean_up EXIT

# attack WHAT OPTION ...: has slowhttptest attack a fresh server, and counts the seconds in which its own probe had no answer within two.
attack() {
  local what=$1 word=PASS
  shift
  start_server "${command[@]}"
  slowhttptest "$@" -c 2000 -r 500 -l "$seconds" -p 2 -g -o "$scratch/attack" -u "http://127.0.0.1:$port$path" >"$scratch/attack.out" 2>&1 ||
    { tail -n 5 "$scratch/attack.out" >&2; return 1; }
  kill -0 "$started" || { echo "the server is gone" >&2; return 1; }
  end_server TERM
  local most without
  most=$(awk -F, 'NR > 1 && $4 > most { most = $4 } END { print most + 0 }' "$scratch/attack.csv")
  without=$(awk -F, 'NR > 1 && $5 == 0 { count++ } END { print count + 0 }' "$scratch/attack.csv")
  [ "$(wc -l <"$scratch/attack.csv")" -gt 2 ] || { cat "$scratch/attack.csv" >&2; return 1; }
  [ "$without" = 0 ] || word=FAIL failed=1
  echo "$word $name: seconds without service under $what, $most clients at once at the most: $without (bound 0)"
}

wanted() { [[ ",$kinds," == *",$1,"* ]]; }

command=("$@")
! wanted heads || attack "slow heads" -H -i 2
! wanted bodies || attack "slow bodies" -B -i 2 -s 8192 -t POST
! wanted readers || attack "slow readers" -X -i 2 -k 3 -w 1 -y 64 -n 2 -z 8
! wanted ranges || attack "a great many ranges" -R -a 5 -b 2000 -t GET
exit $failed
