"""The texts of wordcount_bench: made once from Debian's kernel source, then found again.

  words-1024.txt    1 GiB of C and text files: 10 million distinct words
  letters-1024.txt  the same with everything but ASCII letters and newlines blanked out
  words-256.txt     the first quarter of words-1024.txt, for the growth of cost

Vertical tab, form feed and carriage return become blanks, for mawk does not split at them: on these
files every program splits alike at blank, tab and newline.
"""

import os
import tarfile

SOURCE = "/usr/src/linux-source-6.1.tar.xz"
SUFFIXES = (".c", ".h", ".S", ".txt", ".rst")
MIB = 1 << 20

TO_BLANKS = bytes(32 if byte in b"\v\f\r" else byte for byte in range(256))
ONLY_LETTERS = bytes(byte if chr(byte).isalpha() and byte < 128 or byte == 10 else 32
                     for byte in range(256))


def is_text(data):
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def write_words(path, size):
    """Writes whole files of the kernel source, in archive order, and cuts at a line end."""
    left = size
    with open(path + ".tmp", "wb") as out, tarfile.open(SOURCE, "r|xz") as archive:
        for member in archive:
            if not (member.isfile() and member.name.endswith(SUFFIXES)):
                continue
            data = archive.extractfile(member).read().translate(TO_BLANKS)
            if not is_text(data):
                continue
            if not data.endswith(b"\n"):
                data += b"\n"
            if len(data) > left:
                out.write(data[:data.rfind(b"\n", 0, left) + 1])
                break
            out.write(data)
            left -= len(data)
    os.rename(path + ".tmp", path)


def write_translated(path, source, table):
    with open(source, "rb") as data, open(path + ".tmp", "wb") as out:
        while chunk := data.read(16 * MIB):
            out.write(chunk.translate(table))
    os.rename(path + ".tmp", path)


def write_head(path, source, size):
    with open(source, "rb") as data, open(path + ".tmp", "wb") as out:
        head = data.read(size)
        out.write(head[:head.rfind(b"\n") + 1])
    os.rename(path + ".tmp", path)


def prepare(folder):
    """Returns name -> path of the three texts, made where they are missing."""
    texts = {name: os.path.join(folder, name + ".txt")
             for name in ("words-1024", "letters-1024", "words-256")}
    if not os.path.exists(texts["words-1024"]):
        write_words(texts["words-1024"], 1024 * MIB)
    if not os.path.exists(texts["letters-1024"]):
        write_translated(texts["letters-1024"], texts["words-1024"], ONLY_LETTERS)
    if not os.path.exists(texts["words-256"]):
        write_head(texts["words-256"], texts["words-1024"], 256 * MIB)
    return texts
