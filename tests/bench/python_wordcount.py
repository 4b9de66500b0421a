#!/usr/bin/env python3
"""Word count in Python: word<TAB>count, in no order.

    python_wordcount.py INPUT OUTPUT
"""

import collections
import sys


def main(source, output):
    counts = collections.Counter()
    with open(source, "rb") as lines:
        for line in lines:
            counts.update(line.split())
    with open(output, "wb") as out:
        out.writelines(b"%s\t%d\n" % item for item in counts.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
