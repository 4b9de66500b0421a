# Word count in awk: word<TAB>count, in no order.
{ for (i = 1; i <= NF; i++) count[$i]++ }
END { for (word in count) printf "%s\t%d\n", word, count[word] }
