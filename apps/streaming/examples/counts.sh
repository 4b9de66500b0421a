#!/bin/sh
# Reducer: counts equal lines, which come one after the other, and puts the count behind the word.
echo "reporter:counter:examples,reducers,1" >&2
tr -d '\t' | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)$/\2\t\1/'
