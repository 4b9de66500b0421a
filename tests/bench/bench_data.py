"""The inputs of the benchmarks: each made when it is first asked for, then found again.

  words-1024.txt    1 GiB of the C and text files of Debian's kernel source: 10 million distinct words
  letters-1024.txt  the same with everything but ASCII letters and newlines blanked out
  words-N.txt       the first N MiB of words-1024.txt
  zipf-1024.txt     1 GiB of 200,000 words, the n-th commonest of them 1/n as often
  rare-1024.txt     1 GiB of which every other word is hardly ever seen again
  records-1024.bin  records of 100 bytes that begin with a random key of 10 bytes; they are printable
                    and end in a newline, so that programs which sort lines can take part
  pieces            words-1024.txt cut at line ends into 64 files of 16 MiB
  small-files       100,000 files of about 2 KiB from it, in folders of 1,000

Vertical tab, form feed and carriage return become blanks, for mawk does not split at them: on these
files every program splits alike at blank, tab and newline.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile

SOURCE = "/usr/src/linux-source-6.1.tar.xz"
SUFFIXES = (".c", ".h", ".S", ".txt", ".rst")
MIB = 1 << 20
PIECES = 64
SMALL_FILES = 100_000
SMALL_BYTES = 2 << 10
FILES_OF_FOLDER = 1_000
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
MAKE_INPUTS = os.path.join(ROOT, "bazel-bin/tests/bench/floor/make_inputs")

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


def write_generated(path, kind):
    with open(path + ".tmp", "wb") as out:
        subprocess.run([MAKE_INPUTS, kind, str(1024 * MIB)], stdout=out, check=True)
    os.rename(path + ".tmp", path)


def write_pieces(folder, source):
    size = os.path.getsize(source)
    with new_folder(folder) as unfinished, open(source, "rb") as data:
        for number in range(PIECES):
            with open(f"{unfinished}/piece-{number:02d}.txt", "wb") as out:
                out.write(data.read(size * (number + 1) // PIECES - data.tell()))
                out.write(data.readline())


def write_small_files(folder, source):
    with new_folder(folder) as unfinished, open(source, "rb") as data:
        for number in range(SMALL_FILES):
            inner = f"{unfinished}/folder-{number // FILES_OF_FOLDER:03d}"
            if number % FILES_OF_FOLDER == 0:
                os.mkdir(inner)
            with open(f"{inner}/file-{number:06d}.txt", "wb") as out:
                out.write(data.read(SMALL_BYTES))
                out.write(data.readline())


@contextlib.contextmanager
def new_folder(path):
    """A folder that is there under its name only when it is complete."""
    unfinished = path + ".tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.makedirs(unfinished)
    yield unfinished
    os.rename(unfinished, path)


def find(folder, name):
    """Returns the path of the input, made if it is missing."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    print(f"  making {path}", file=sys.stderr)
    if name == "words-1024.txt":
        write_words(path, 1024 * MIB)
    elif name == "letters-1024.txt":
        write_translated(path, find(folder, "words-1024.txt"), ONLY_LETTERS)
    elif name.startswith("words-"):
        mib = int(name[len("words-"):-len(".txt")])
        write_head(path, find(folder, "words-1024.txt"), mib * MIB)
    elif name == "pieces":
        write_pieces(path, find(folder, "words-1024.txt"))
    elif name == "small-files":
        write_small_files(path, find(folder, "words-1024.txt"))
    else:
        write_generated(path, name.split("-")[0])
    return path
