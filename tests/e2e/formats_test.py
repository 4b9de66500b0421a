"""How records lie in input and output: terminators, sizes, key/value files, compression."""

import glob
import gzip
import json
import os
import struct

import cluster
from cluster import SORT, WORDCOUNT, count, read_output


class FormatsTest(cluster.ClusterTest):
    def run_job(self, program, *flags, code=0, out="out"):
        return self.job(program, "--output=" + self.path(out), "--workers=2",
                        "--summary_json=" + self.path("summary"), *flags).finish(code)

    def tasks(self):
        with open(self.path("summary"), encoding="utf-8") as file:
            return json.load(file)["tasks"]

    def parts(self, out="out"):
        return [self.bytes_of(path) for path in sorted(glob.glob(self.path(out) + "/part-*"))]

    def bytes_of(self, path):
        with open(path, "rb") as file:
            return file.read()

    # --- Input ---

    def test_nul_separated_records_may_have_line_ends(self):
        self.text("in", b"two\nlines\0one\0two\nlines\0\0last")
        self.run_job(SORT, "--input=in", "--input_format=nul", "--reducers=1")
        self.assertEqual(self.parts(), [b"\0last\0one\0two\nlines\0two\nlines\0"])

    def test_a_gzip_file_is_one_piece(self):
        text = b"".join(b"word%d and others\n" % (i % 1000) for i in range(200000))
        self.text("plain", text)
        self.text("in/packed.gz", gzip.compress(text[:1000001]) + gzip.compress(text[1000001:]))
        self.run_job(WORDCOUNT, "--input=in", "--split_mb=1", "--reducers=2")
        self.assertEqual(read_output(self.path("out")), count([self.path("plain")]))
        self.assertEqual(self.tasks()["map"], 1)

    def test_without_decompression_a_gzip_file_is_bytes(self):
        packed = self.text("in/packed.gz", gzip.compress(b"some words\n"))
        self.run_job(WORDCOUNT, "--input=in", "--input_compression=none", "--reducers=1",
                     "--escape_output")
        self.assertNotIn(b"words\t1\n", b"".join(self.parts()))
        self.assertTrue(os.path.getsize(packed))

    def test_damage_in_a_gzip_file_fails_the_job_and_is_named(self):
        packed = bytearray(gzip.compress(b"".join(b"%d\n" % (i * i) for i in range(10000))))
        packed[len(packed) // 2] ^= 0xff
        self.text("in/packed.gz", bytes(packed))
        said = self.run_job(WORDCOUNT, "--input=in", "--reducers=1", code=1).said()
        self.assertRegex(said, r"in/packed\.gz:\d+: damaged gzip data")
        self.assertFalse(os.path.exists(self.path("out/_SUCCESS")))

    def test_a_file_that_is_not_what_its_name_says_is_refused(self):
        self.text("in/plain.zst", b"no zstd at all\n" * 200000)
        said = self.run_job(WORDCOUNT, "--input=in", "--split_mb=1", code=2).said()
        self.assertIn("in/plain.zst:0: no zstd frame begins here", said)

    def test_an_input_that_is_no_whole_number_of_records_is_refused(self):
        self.text("in", b"x" * 250)
        said = self.run_job(SORT, "--input=in", "--record_bytes=100", code=2).said()
        self.assertIn("has 250 bytes, which is no whole number of records of 100", said)
        self.assertFalse(os.path.exists(self.path("out")))

    # --- Output, and output as input ---

    def test_zstd_parts_are_read_again_in_pieces_of_whole_frames(self):
        text = b"".join(b"line %d of many, %d\n" % (i, i * i) for i in range(1500000))
        self.text("in", text)
        self.run_job(SORT, "--input=in", "--reducers=1", "--output_compression=zstd", out="packed")
        self.assertEqual(os.listdir(self.path("packed")).count("part-00000-of-00001.zst"), 1)
        self.run_job(SORT, "--input=packed", "--split_mb=1", "--reducers=1")
        self.assertGreater(self.tasks()["map"], 2)
        self.assertEqual(b"".join(self.parts()), b"".join(sorted(text.splitlines(True))))

    def test_key_value_files_hold_any_bytes_and_can_be_cut(self):
        self.text("in", b"".join(b"%d words\n" % (i % 90001) for i in range(300000)))
        self.run_job(WORDCOUNT, "--input=in", "--reducers=1", "--output_format=key_value",
                     out="pairs")
        with open(glob.glob(self.path("pairs") + "/part-*")[0], "rb") as file:
            pairs = dict(read_pairs(file))
        self.assertEqual(pairs[b"words"], b"300000")
        self.assertEqual(len(pairs), 90002)
        self.run_job(WORDCOUNT, "--input=pairs", "--input_format=key_value", "--reducers=1",
                     "--split_mb=1")
        self.assertGreater(self.tasks()["map"], 1)

    def test_a_text_is_no_key_value_file(self):
        self.text("in", b"some words\n")
        said = self.run_job(WORDCOUNT, "--input=in", "--input_format=key_value", "--reducers=1",
                            code=1).said()
        self.assertIn("no key/value file", said)

    def test_nul_separated_output(self):
        self.text("in", b"b a b\n")
        self.run_job(WORDCOUNT, "--input=in", "--reducers=1", "--output_format=nul")
        self.assertEqual(self.parts(), [b"a\t1\0b\t2\0"])

    def test_formats_that_exclude_each_other_are_refused(self):
        self.text("in", b"words\n")
        for flags, why in (
                (("--input_format=fixed",), "--input_format=fixed needs --record_bytes=N"),
                (("--input_format=nul", "--record_bytes=3"), "exclude each other"),
                (("--output_format=key_value", "--output_compression=zstd"), "choose one"),
                (("--output_format=key_value", "--escape_output"), "--escape_output is for"),
                (("--output_format=csv",), "--output_format=csv"),
                (("--record_bytes=0",), "--record_bytes=0")):
            said = self.run_job(WORDCOUNT, "--input=in", *flags, code=2).said()
            self.assertIn(why, said)
            self.assertFalse(os.path.exists(self.path("out")))


def read_pairs(file):
    assert file.read(8) == b"MLRKVS1\n"
    while header := file.read(16):
        size = struct.unpack("<QII", header)[1]
        payload = file.read(size)
        at = 0
        while at < size:
            key_size, value_size = struct.unpack_from("<II", payload, at)
            at += 8
            yield payload[at:at + key_size], payload[at + key_size:at + key_size + value_size]
            at += key_size + value_size


if __name__ == "__main__":
    cluster.main()
