#!/usr/bin/python3
"""Word count in Dask's bags: word<TAB>count, in no order. For the Python of Debian's python3-dask.

    dask_wordcount.py INPUT OUTPUT PROCESSES
"""

import sys

import dask.bag


def main(source, output, processes):
    # Latin-1 has a character for each byte, so any text can be read and had back.
    lines = dask.bag.read_text(source, blocksize=64 << 20, encoding="latin-1")
    words = lines.map(lambda line: line.encode("latin-1").split()).flatten()
    counts = words.frequencies().compute(scheduler="processes", num_workers=int(processes))
    with open(output, "wb") as out:
        out.writelines(b"%s\t%d\n" % item for item in counts)


if __name__ == "__main__":
    main(*sys.argv[1:])
