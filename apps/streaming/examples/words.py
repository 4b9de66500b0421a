#!/usr/bin/env python3
"""Mapper: a pair (word, 1) for each word of the input.

    streaming --mapper=words.py --reducer=sums.py --file=words.py,sums.py --input=text --output=out
"""

import sys

for line in sys.stdin.buffer:
    for word in line.split():
        sys.stdout.buffer.write(word + b"\t1\n")
