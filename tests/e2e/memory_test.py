"""Data larger than memory is the normal case: an executor spills instead of growing."""

import cluster
from cluster import WORDCOUNT

MIB = 1 << 20
WORDS = 4_000_000


class MemoryTest(cluster.ClusterTest):
    def test_an_executor_stays_within_its_limit_by_spilling(self):
        # Some 100 MiB of words, every one of them different, in one split.
        self.text("in/words", b"".join(b"word-number-%015d\n" % i for i in range(WORDS)))
        master = self.master("--workers=1")
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--reducers=2", "--split_mb=1000",
                 "--task_memory_mb=64").finish()
        attempts = self.millrace(master, "attempts", "1", "--json")
        for attempt in attempts:
            self.assertLessEqual(attempt["stats"]["peak_memory_bytes"], (64 + 64) * MIB, attempt)
        self.assertGreater(max(a["stats"]["spills"] for a in attempts), 0, "the map had to spill")
        lines = 0
        for part in cluster.part_names(self.path("out")):
            with open(self.path("out", part), "rb") as f:
                lines += sum(1 for line in f if line.endswith(b"\t1\n"))
        self.assertEqual(lines, WORDS)


if __name__ == "__main__":
    cluster.main()
