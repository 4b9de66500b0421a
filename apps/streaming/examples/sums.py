#!/usr/bin/env python3
"""Reducer: the sum of the values of each key. Pairs of one key come one after the other."""

import itertools
import sys


def pairs():
    for line in sys.stdin.buffer:
        key, _, value = line.rstrip(b"\n").partition(b"\t")
        yield key, int(value)


for key, group in itertools.groupby(pairs(), lambda pair: pair[0]):
    sys.stdout.buffer.write(b"%s\t%d\n" % (key, sum(value for _, value in group)))
