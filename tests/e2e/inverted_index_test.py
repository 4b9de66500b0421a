"""//apps/inverted_index: which documents each word is in, and where."""

import collections
import os
import random
import re
import subprocess

import cluster
from cluster import INDEX


def index(paths, positions=False):
    """What the index of these files is, by the shortest way."""
    places = collections.defaultdict(list)
    for path in paths:
        with open(path, "rb") as file:
            for word in re.finditer(rb"[^ \t\n\v\f\r]+", file.read()):
                places[word.group()].append((os.path.basename(path).encode(), word.start()))
    if positions:
        return {word: b",".join(b"%s:%d" % place for place in sorted(found))
                for word, found in places.items()}
    return {word: b",".join(sorted({document for document, _ in found}))
            for word, found in places.items()}


class InvertedIndexTest(cluster.ClusterTest):
    def run_job(self, *flags, code=0):
        return self.job(INDEX, "--input=in", "--output=" + self.path("out"), "--workers=2",
                        *flags).finish(code)

    def documents(self, count, lines=50):
        return [self.text("in/doc-%03d" % i,
                          b"".join(b"word%d of %d, a-word-of-more-than-15-bytes-%d\n"
                                   % (i * j % 97, j, i % 7) for j in range(lines)))
                for i in range(count)]

    def check(self, paths, positions=False):
        output = {key: value for key, value in read_pairs(self.path("out"))}
        self.assertEqual(output, index(paths, positions))

    def test_each_document_is_named_once_in_order(self):
        paths = self.documents(20)
        self.run_job("--reducers=3")
        self.check(paths)

    def test_more_documents_in_one_piece_than_a_set_of_bits_holds(self):
        paths = self.documents(200)
        self.run_job("--reducers=2")
        self.check(paths)

    def test_documents_that_are_cut_in_pieces_are_named_once(self):
        paths = self.documents(3, lines=60000)
        self.run_job("--reducers=2", "--split_mb=1")
        self.check(paths)

    def test_positions_are_those_of_every_occurrence(self):
        paths = self.documents(4, lines=30000)
        self.run_job("--reducers=2", "--split_mb=1", "--positions")
        self.check(paths, positions=True)

    def test_positions_in_a_zstd_file_are_those_in_its_content(self):
        numbers = random.Random(1)  # which do not pack well
        pieces = [b"".join(b"%016x of many\n" % numbers.getrandbits(64) for _ in range(20000))
                  for _ in range(10)]
        frames = [subprocess.run(["zstd", "-q", "-c"], input=piece, stdout=subprocess.PIPE,
                                 check=True).stdout for piece in pieces]
        packed = self.text("in/document.zst", b"".join(frames))
        self.assertGreater(os.path.getsize(packed), 1 << 20, "could be cut")
        self.run_job("--reducers=2", "--split_mb=1", "--positions")
        # The oracle knows nothing of zstd, and documents go by their names.
        self.check([self.text("plain/document.zst", b"".join(pieces))], positions=True)

    def test_files_of_one_name_are_one_document(self):
        self.text("in/a/same", "one two\n")
        self.text("in/b/same", "two three\n")
        self.run_job("--reducers=1")
        self.assertEqual(dict(read_pairs(self.path("out"))),
                         {b"one": b"same", b"two": b"same", b"three": b"same"})

    def test_no_words_give_an_empty_part(self):
        self.text("in/blank", " \n")
        self.run_job("--reducers=1")
        self.assertEqual(list(read_pairs(self.path("out"))), [])


def read_pairs(folder):
    for name in sorted(os.listdir(folder)):
        if not name.startswith("part-"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            keys = []
            for line in file.read().split(b"\n")[:-1]:
                key, value = line.split(b"\t")
                keys.append(key)
                yield key, value
            assert keys == sorted(keys)


if __name__ == "__main__":
    cluster.main()
