// Word count with Polars: word<TAB>count, in no order.
//
//   NODE_PATH=FOLDER/node_modules POLARS_MAX_THREADS=N node polars_wordcount.cjs INPUT OUTPUT
const pl = require('nodejs-polars');

const [input, output] = process.argv.slice(2);
pl.scanCSV(input, {hasHeader: false, sep: '\x01', quoteChar: '\x02', schema: {line: pl.Utf8}})
    .select(pl.col('line').str.replaceAll('\t', ' ').str.split(' ').alias('word'))
    .explode('word')
    .filter(pl.col('word').neq(pl.lit('')))
    .groupBy('word')
    .agg(pl.len().alias('count'))
    .sinkCSV(output, {includeHeader: false, separator: '\t', quoteStyle: 'never'})
    .collectSync();
