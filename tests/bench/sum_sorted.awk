# Adds up lines word<TAB>count that are sorted by word: word<TAB>count.
BEGIN { FS = "\t" }
# As text: "1" and "1.0" are different words.
NR > 1 && ($1 "") != last { printf "%s\t%d\n", last, total; total = 0 }
{ last = $1 ""; total += $2 }
END { if (NR > 0) printf "%s\t%d\n", last, total }
