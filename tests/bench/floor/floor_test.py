"""The answers of the floor programs, against programs of a few lines, on inputs at the limits."""

import glob
import os
import random
import re
import subprocess
import tempfile
import unittest

PROGRAMS = os.path.abspath("tests/bench/floor")
WHITE_SPACE = b" \t\n\v\f\r"
LONG = b"x" * 300


def random_text(seed, size):
    """Words of all lengths, many of them with the same beginning, at every place of a block."""
    source = random.Random(seed)
    pieces = []
    while size > 0:
        word = bytes(source.choices(b"ab\0\xff", k=source.choice((1, 2, 3, 8, 20))))
        if source.random() < 0.3:
            word = b"the-same-beginning"[:source.randrange(19)] + word
        pieces.append(word + bytes([source.choice(WHITE_SPACE)]) * source.randrange(1, 4))
        size -= len(pieces[-1])
    return b"".join(pieces)


TEXTS = {
    "empty": b"",
    "one word": b"word",
    "white space only": WHITE_SPACE * 30,
    "no newline at the end": b"a b\nb a\na",
    "lengths around the limit of a short word": b" ".join(LONG[:n] for n in range(1, 40)),
    "a word longer than a block of a run": b"a " + b"y" * 600_000 + b" a " + b"y" * 600_001,
    "a word longer than a split": b"z" * 2_100_000 + b" end",
    "NUL bytes": b"a a\0 a\0\0 \0 \0\0 a\0b " + LONG[:15] + b"\0 " + LONG[:15] + b" " + LONG[:16],
    "bytes of 255": b"\xff" * 15 + b" " + b"\xff" * 16 + b" " + b"\xff" * 40 + b" \xff",
    "one word often": b"word " * 50_000,
    "many words": b" ".join(b"w%d" % i for i in range(50_000)),
    "many long words": b" ".join(b"with-the-same-beginning-%d" % (i % 4_000)
                                 for i in range(20_000)),
    "blocks of 64": b"".join((b"q" * n + b" ") for n in (63, 64, 65, 127, 128)) + b"q" * 63,
    "random": random_text(1, 1_100_000),
}


class FloorTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.runs = 0

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def run_floor(self, program, *arguments):
        """Runs it with OUTPUT in place of a new folder; returns the parts."""
        self.runs += 1
        output = self.path(f"output-{self.runs}")
        subprocess.run([os.path.join(PROGRAMS, program),
                        *(output if argument == "OUTPUT" else argument for argument in arguments)],
                       check=True)
        parts = []
        for path in sorted(glob.glob(output + "/part-*")):
            with open(path, "rb") as file:
                parts.append(file.read())
        return parts

    def lines_of_sorted_parts(self, parts):
        """All lines, and that each part is sorted by what is before the tab."""
        lines = []
        for part in parts:
            keys = [line.split(b"\t")[0] for line in part.split(b"\n")[:-1]]
            self.assertEqual(keys, sorted(set(keys)))
            lines += part.split(b"\n")[:-1]
        return sorted(lines)

    # ---- Words ----

    def check_counts(self, name, text, words, *flags):
        parts = self.run_floor("floor_wordcount", self.write("text", text), "OUTPUT",
                               self.path("scratch"), *flags)
        counts = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        self.assertEqual(self.lines_of_sorted_parts(parts),
                         sorted(b"%s\t%d" % item for item in counts.items()), name)
        return parts

    def test_words_are_counted_in_every_text(self):
        for name, text in TEXTS.items():
            words = [word for word in re.split(b"[ \t\n\v\f\r]+", text) if word]
            self.check_counts(name, text, words, "--split_mb=1")

    def test_letters_are_counted_in_every_text(self):
        for name, text in TEXTS.items():
            self.check_counts(name, text, re.findall(b"[A-Za-z]+", text), "--letters",
                              "--split_mb=1")

    def test_there_may_be_more_parts_than_words(self):
        parts = self.check_counts("few", b"one two two", [b"one", b"two", b"two"],
                                  "--reducers=50")
        self.assertEqual(len(parts), 50)

    def test_the_number_of_parts_and_processes_changes_no_count(self):
        text = TEXTS["random"]
        words = [word for word in re.split(b"[ \t\n\v\f\r]+", text) if word]
        for flags in (["--reducers=1"], ["--reducers=7"], ["--procs=1"], ["--procs=3"]):
            self.check_counts(flags, text, words, "--split_mb=1", *flags)

    # ---- Documents ----

    def test_an_index_names_the_documents_of_each_word(self):
        os.makedirs(self.path("other"))
        texts = {f"document-{number:02d}": text for number, text in enumerate(TEXTS.values())}
        texts.update({f"short-{number:02d}": b"same %d" % (number // 2) for number in range(70)})
        paths = [self.write(name, text) for name, text in texts.items()]
        paths.append(self.write("other/short-00", b"other"))
        texts["short-00"] += b" other"
        index = {}
        for name, text in texts.items():
            for word in re.split(b"[ \t\n\v\f\r]+", text):
                index.setdefault(word, set()).add(name.encode())
        index.pop(b"", None)
        expected = sorted(b"%s\t%s" % (word, b",".join(sorted(names)))
                          for word, names in index.items())
        for order in (paths, paths[::-1]):
            parts = self.run_floor("floor_inverted_index", "OUTPUT", self.path("scratch"),
                                   "--split_mb=4", *order)
            self.assertEqual(self.lines_of_sorted_parts(parts), expected)

    def test_the_index_of_no_documents_is_empty(self):
        parts = self.run_floor("floor_inverted_index", "OUTPUT", self.path("scratch"))
        self.assertEqual(parts, [b""] * 16)

    # ---- Records ----

    def check_sort(self, records, *flags):
        data = b"".join(records)
        parts = self.run_floor("floor_sort", self.write("records", data), "OUTPUT",
                               self.path("scratch"), *flags)
        expected = sorted(records, key=lambda record: record[:10])  # is stable
        self.assertTrue(b"".join(parts) == b"".join(expected), flags)
        return parts

    def test_records_are_sorted_and_equal_keys_stay_in_order(self):
        source = random.Random(2)
        for letters in (b"ab", bytes(range(256))):
            records = [bytes(source.choices(letters, k=10)) + b"%090d" % number
                       for number in range(12_000)]
            for flags in ([], ["--reducers=1"], ["--split_mb=1"], ["--split_mb=1", "--procs=3"]):
                self.check_sort(records, *flags)

    def test_records_of_one_key_and_none_at_all(self):
        self.check_sort([b"the only key"[:10] + b"%090d" % number for number in range(20_000)],
                        "--split_mb=1")
        self.check_sort([bytes(100)])
        self.check_sort([b"\xff" * 100, bytes(100)])
        self.assertEqual(self.check_sort([], "--reducers=3"), [b""] * 3)

    # ---- Lines ----

    def test_lines_that_match_are_found_with_their_numbers(self):
        source = random.Random(3)
        long_text = b"".join(b"a" * source.randrange(200) + source.choice([b"foo(\n", b"\n"])
                             for _ in range(5_000))
        texts = [b"", b"\n", b"foo(", b"foo(\nfoo(\n\n\nno\nfoo( foo(", b"\0foo(\0\n\xff\n",
                 long_text, b"a" * 300_000 + b"foo(\nfoo(", b"\n\n" + b"no\n" * 100_000 + b"foo("]
        paths = [self.write(f"lines-{number}", text) for number, text in enumerate(texts)]
        for pattern in (rb"foo\(", rb"^foo", rb"\($", rb"o\s*f", rb"^$", rb"no|^a*foo", rb"x*"):
            parts = self.run_floor("floor_grep", pattern, "OUTPUT", *paths)
            for path, text, part in zip(paths, texts, parts):
                lines = text.split(b"\n")
                lines = lines if lines[-1] else lines[:-1]
                expected = b"".join(b"%s:%d\t%s\n" % (path.encode(), number, line)
                                    for number, line in enumerate(lines, 1)
                                    if re.search(pattern, line))
                self.assertTrue(part == expected, (pattern, path))


if __name__ == "__main__":
    unittest.main()
