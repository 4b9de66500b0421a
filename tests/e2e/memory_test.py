"""Data ten times as large as memory is the normal case: an executor spills instead of growing."""

import cluster
from cluster import SORT, WORDCOUNT

MIB = 1 << 20
TASK_MB = 64  # the least that is allowed
ROWS = 10 * TASK_MB * MIB // 1000
STEP = 7**9  # has no factor in common with ROWS: its multiples, modulo ROWS, are all rows
FILLER = b"x" * 989


def row(number, end):
    return b"%010d" % number + FILLER + end


class MemoryTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        with open(self.text("in/rows", ""), "wb") as f:
            f.writelines(row(i * STEP % ROWS, b"\n") for i in range(ROWS))
        self.cluster = self.master("--workers=1")

    def run_job(self, binary, *flags):
        """Runs a job whose map reads everything; checks the memory of its attempts."""
        self.job(binary, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--reducers=1", "--split_mb=1000",
                 "--task_memory_mb=%d" % TASK_MB, *flags).finish()
        attempts = self.millrace(self.cluster, "attempts", "1", "--json")
        for attempt in attempts:
            self.assertLessEqual(attempt["stats"]["peak_memory_bytes"], 2 * TASK_MB * MIB, attempt)
        self.assertGreaterEqual(max(a["stats"]["spills"] for a in attempts), 8, "10 times its memory")

    def check_rows(self, end):
        """The output has every row, in order, and nothing else."""
        with open(self.path("out/part-00000-of-00001"), "rb") as f:
            for number in range(ROWS):
                self.assertEqual(f.readline(), row(number, end))
            self.assertEqual(f.read(), b"")

    def test_words_that_are_all_different_are_counted_within_the_limit(self):
        self.run_job(WORDCOUNT)
        self.check_rows(b"\t1\n")

    def test_rows_are_sorted_within_the_limit(self):
        self.run_job(SORT)
        self.check_rows(b"\n")


if __name__ == "__main__":
    cluster.main()
