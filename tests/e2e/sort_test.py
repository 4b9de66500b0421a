"""//apps/sort: the parts, in the order of their names, are the input in order."""

import glob
import gzip
import os
import random

import cluster
from cluster import SORT


class SortTest(cluster.ClusterTest):
    def run_job(self, *flags, code=0):
        return self.job(SORT, "--input=in", "--output=" + self.path("out"), "--workers=2",
                        *flags).finish(code)

    def parts(self):
        parts = []
        for path in sorted(glob.glob(self.path("out") + "/part-*")):
            with open(path, "rb") as file:
                parts.append(file.read())
        return parts

    def lines(self, count):
        numbers = random.Random(1)
        return [b"%d %s\n" % (numbers.randrange(10 ** 9), b"x" * numbers.randrange(30))
                for _ in range(count)]

    def test_lines_are_in_one_order_over_all_parts(self):
        lines = self.lines(200000)
        self.text("in/one", b"".join(lines[:120000]))
        self.text("in/two", b"".join(lines[120000:]))
        self.run_job("--reducers=7", "--split_mb=1")
        parts = self.parts()
        self.assertEqual(len(parts), 7)
        self.assertEqual(b"".join(parts), b"".join(sorted(lines)))
        sizes = [len(part) for part in parts]
        self.assertLess(max(sizes), 2 * sum(sizes) / len(sizes), "parts are about equal")

    def test_records_of_a_fixed_size(self):
        numbers = random.Random(2)
        records = [numbers.randbytes(100) for _ in range(50000)]
        self.text("in", b"".join(records))
        self.run_job("--record_bytes=100", "--key_bytes=10", "--reducers=5", "--split_mb=1")
        self.assertEqual(b"".join(self.parts()),
                         b"".join(sorted(records, key=lambda record: record[:10])))

    def test_equal_keys_stay_in_the_order_of_the_input(self):
        records = [b"%02d%06d" % (i * 7 % 10, i) for i in range(300000)]
        self.text("in", b"".join(records))
        self.run_job("--record_bytes=8", "--key_bytes=2", "--reducers=3", "--split_mb=1")
        self.assertEqual(b"".join(self.parts()),
                         b"".join(sorted(records, key=lambda record: record[:2])))

    def test_a_field_may_be_the_key(self):
        lines = [b"c  2 x\n", b"a\t10 y\n", b"only-one\n", b" b 1\n", b"d 10 z\n"]
        self.text("in", b"".join(lines))
        self.run_job("--key=2", "--reducers=1")
        self.assertEqual(self.parts(),
                         [b"only-one\n b 1\na\t10 y\nd 10 z\nc  2 x\n"])

    def test_a_field_that_no_record_has_is_empty_and_not_looked_for_any_longer(self):
        self.text("in", b"b 1\na 2\n")
        self.run_job("--key=4000000000", "--reducers=1")
        self.assertEqual(self.parts(), [b"b 1\na 2\n"])

    def test_carriage_returns_stay(self):
        self.text("in", b"b\r\na\r\nc")
        self.run_job("--reducers=1")
        self.assertEqual(self.parts(), [b"a\r\nb\r\nc\n"])

    def test_one_key_for_all_is_one_full_part(self):
        self.text("in", b"same\n" * 1000)
        self.run_job("--reducers=4")
        self.assertEqual(sorted(map(len, self.parts())), [0, 0, 0, 5000])

    def test_no_input_gives_empty_parts(self):
        self.text("in", b"")
        self.run_job("--reducers=3")
        self.assertEqual(self.parts(), [b"", b"", b""])

    def test_what_no_sample_sees_is_in_order_all_the_same(self):
        # All places of the sample lie in the long line, or in the file that holds nothing.
        self.text("in/a.gz", gzip.compress(b""))
        self.text("in/b", b"z" * 9000000 + b"\nd\nc\nb\na\n")
        self.run_job("--reducers=4")
        parts = self.parts()
        self.assertEqual(len(parts), 4)
        whole = b"".join(parts)
        self.assertEqual(whole[:10], b"a\nb\nc\nd\nzz")
        self.assertEqual(len(whole), 9000009)

    def test_in_one_process_the_output_is_the_same(self):
        lines = self.lines(20000)
        self.text("in", b"".join(lines))
        self.job(SORT, "--input=in", "--output=" + self.path("out"), "--workers=inline",
                 "--reducers=3").finish()
        self.assertEqual(b"".join(self.parts()), b"".join(sorted(lines)))

    def test_keys_that_make_no_sense_are_refused(self):
        self.text("in", b"x\n")
        for flags, why in ((("--key=0",), "--key=0: needs a number from 1"),
                           (("--key=two",), "--key=two"),
                           (("--key=1", "--record_bytes=2"), "--key is for lines"),
                           (("--key_bytes=3",), "--key_bytes is for records"),
                           (("--record_bytes=2", "--key_bytes=0"), "--key_bytes=0")):
            self.assertIn(why, self.run_job(*flags, code=2).said())
            self.assertFalse(os.path.exists(self.path("out")))


if __name__ == "__main__":
    cluster.main()
