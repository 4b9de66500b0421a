# Adds up lines word<TAB>count, in any order: word<TAB>count, in no order.
BEGIN { FS = "\t" }
{ count[$1] += $2 }
END { for (word in count) printf "%s\t%d\n", word, count[word] }
