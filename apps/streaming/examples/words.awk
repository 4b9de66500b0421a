#!/usr/bin/awk -f
# Mapper: counts words in a table of its own, and writes one pair for each at the end.
#
#   streaming --mapper=words.awk --reducer=sums.awk --file=words.awk,sums.awk --input=text --output=out
{ for (i = 1; i <= NF; i++) count[$i]++ }
END { for (word in count) print word "\t" count[word] }
