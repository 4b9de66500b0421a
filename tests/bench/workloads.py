"""What is measured against what, and what Millrace has to reach."""

from collections import namedtuple

import competitors as by

# `answer` says how answers are compared: "lines" in any order and any files; "bytes" in the order
# of the files' names; "matches", lines with what separates file, number and text left open.
# `programs`: name -> function of a Work. `most`: how many times the floor's time Millrace may take;
# `least`: name -> how many times faster than it Millrace has to be.
Workload = namedtuple("Workload", "title input answer programs most least")

FLOOR = "floor"
MILLRACE = "Millrace"

# Those that need minutes run once: they are far from any target.
SLOW = ("mawk", "tr, sort, uniq", "GNU parallel", "Python", "Dask", "Polars", "two mawks")
SLOW_RUNS = 1


def word_counters(*names):
    known = {"DuckDB": by.duckdb("wordcount"), "Polars": by.polars, "GNU parallel": by.gnu_parallel,
             "mawk": by.mawk, "tr, sort, uniq": by.sort_uniq, "Python": by.python, "Dask": by.dask}
    return {name: known[name] for name in names or known}


def counted(floor_flags=(), millrace_flags=()):
    return {MILLRACE: by.millrace("wordcount", *millrace_flags),
            FLOOR: by.floor("wordcount", *floor_flags)}


WORKLOADS = {
    "words": Workload(
        "Word count, 1 GiB, 10 million distinct words", "words-1024.txt", "lines",
        {**counted(), **word_counters()}, 1.25, {"DuckDB": 5, "mawk": 20}),
    "letters": Workload(
        "Word count, runs of letters, 1 GiB, 375,000 distinct words", "letters-1024.txt", "lines",
        {**counted(["--letters"], ["--tokens=letters"]),
         **word_counters("DuckDB", "Polars", "GNU parallel", "mawk", "Python", "Dask")},
        1.5, {"DuckDB": 10}),
    "zipf": Workload(
        "Word count, 1 GiB of 200,000 words after Zipf's law", "zipf-1024.txt", "lines",
        {**counted(), **word_counters("DuckDB", "mawk")}, None, {}),
    "rare": Workload(
        "Word count, 1 GiB of which every other word is hardly ever seen again", "rare-1024.txt",
        "lines", {**counted(), **word_counters("DuckDB")}, None, {}),
    "sort": Workload(
        "Sort, 10.7 million records of 100 bytes, each also a line", "records-1024.bin", "bytes",
        {MILLRACE: by.millrace("sort", "--record_bytes=100", "--key_bytes=10"),
         FLOOR: by.floor("sort"), "DuckDB": by.duckdb("sort"), "GNU sort": by.gnu_sort},
        1.5, {"DuckDB": 2.2, "GNU sort": 6}),
    "grep": Workload(
        f"Grep for `{by.PATTERN}`, 64 files of 16 MiB", "pieces", "matches",
        {MILLRACE: by.millrace("grep", "--pattern=" + by.PATTERN), FLOOR: by.floor_grep,
         "ripgrep": by.ripgrep}, 2.5, {"ripgrep": 1}),
    "inverted_index": Workload(
        "Inverted index, 64 documents of 16 MiB", "pieces", "lines",
        {MILLRACE: by.millrace("inverted_index"), FLOOR: by.floor_inverted_index,
         "DuckDB": by.duckdb("inverted_index", "/*")}, 1.4, {"DuckDB": 5}),
    "streaming": Workload(
        "Word count, 1 GiB, with mawk as mapper and reducer", "words-1024.txt", "lines",
        # A table of mawk is the slower the larger it is.
        {MILLRACE: by.millrace("streaming", "--split_mb=16",
                               "--mapper=mawk -f " + by.beside("wordcount.awk"),
                               "--reducer=mawk -f " + by.beside("sum_sorted.awk")),
         "two mawks": by.two_mawks}, None, {"two mawks": 1.7}),
    "small_files": Workload(
        "Word count, 100,000 files of 2 KiB", "small-files", "lines",
        {MILLRACE: by.millrace("wordcount"), "DuckDB": by.duckdb("wordcount", "/*/*"),
         "mawk": by.mawk_small_files}, None, {}),
}

# Word count of the first MiB of words-1024.txt, as many as these.
GROWTH_MIB = (64, 128, 256, 512, 1024)
GROWTH = {**counted(), **word_counters("DuckDB")}
