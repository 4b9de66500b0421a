#!/bin/sh
# Word count in mawk on several cores, by hand: a mawk for each piece of the input, then one that
# adds up what they counted.
#
#   two_mawks.sh INPUT OUTPUT SCRATCH PROCESSES
set -eu
here=$(dirname "$0")
mkdir -p "$3"
for i in $(seq "$4"); do
  split --number="l/$i/$4" "$1" | mawk -f "$here/wordcount.awk" >"$3/counts-$i" &
done
wait
mawk -f "$here/sum_counts.awk" "$3"/counts-* >"$2"
