"""Reads the blocks of a page of docs/ that a test checks.

A comment on the line before a fenced block says what it is:

  <!-- file: PATH -->   the block is a piece of this file; the pieces in order are the whole of it
  <!-- run -->          commands of a person, run by a shell
  <!-- output -->       what the commands before print

Blocks without such a comment are for reading only.
"""

import re
from collections import namedtuple

Block = namedtuple("Block", "kind path text")

MARKED = re.compile(r"^<!-- (file|run|output)(?:: (\S+))? -->\n```\w*\n(.*?)^```$",
                    re.MULTILINE | re.DOTALL)


def blocks(path):
    with open(path, encoding="utf-8") as file:
        return [Block(*match.groups()) for match in MARKED.finditer(file.read())]


def files(found):
    """Returns path -> the text that the page gives it."""
    texts = {}
    for block in found:
        if block.kind == "file":
            texts[block.path] = texts.get(block.path, "") + block.text
    return texts
