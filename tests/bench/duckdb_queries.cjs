// What the jobs do, in DuckDB's SQL; the answer is one file.
//
//   NODE_PATH=FOLDER/node_modules node duckdb_queries.cjs QUERY INPUT OUTPUT THREADS
//
// INPUT may be a pattern, as pieces/*. Of four ways to split lines (one string_split after replace
// or translate, string_split_regex, regexp_extract_all) the one below was never slower than the
// others, and a third faster than the regular expressions on text with long runs of blanks.
const {DuckDBInstance} = require('@duckdb/node-api');

const [query, input, output, threads] = process.argv.slice(2);
const lines = `read_csv('${input}', columns={'line': 'VARCHAR'}, delim='\x01', quote='',
    escape='', header=false, auto_detect=false, max_line_size=4000000, parallel=true,
    filename=${query === 'inverted_index'})`;
const word = `unnest(string_split(replace(line, chr(9), ' '), ' ')) AS word`;

const queries = {
  // word<TAB>count, in no order.
  wordcount: `SELECT word, count(*) FROM (SELECT ${word} FROM ${lines})
      WHERE word <> '' GROUP BY word`,
  // The lines, by their first ten bytes.
  sort: `SELECT line FROM ${lines} ORDER BY line[1:10]`,
  // word<TAB>document,document,..., in no order of words.
  inverted_index: `SELECT word, string_agg(document, ',' ORDER BY document) FROM
      (SELECT DISTINCT word, parse_filename(filename) AS document
       FROM (SELECT ${word}, filename FROM ${lines}) WHERE word <> '') GROUP BY word`,
};

async function main() {
  const database = await DuckDBInstance.create(':memory:', {threads});
  const connection = await database.connect();
  await connection.run(`SET preserve_insertion_order = ${query === 'sort'}`);
  await connection.run(`COPY (${queries[query]}) TO '${output}'
      (FORMAT csv, DELIMITER '\t', HEADER false, QUOTE '', ESCAPE '')`);
}

main();
