"""--skip_bad_records: a job goes on without the records at which its mapper always fails."""

import gzip
import hashlib
import json
import os
import subprocess

import cluster
from cluster import UNRULY, part_names, read_output

GOOD = ["good words %d\n" % i for i in range(200)]


def zstd(lines):
    """One frame, with a checksum."""
    return subprocess.run(["zstd", "-q", "-c"], input="".join(lines).encode(), check=True,
                          stdout=subprocess.PIPE).stdout


class SkipRecordsTest(cluster.ClusterTest):
    def input_with(self, bad):
        """Writes GOOD with the lines {index: line} before some of it; where each bad line begins."""
        offsets, text = {}, ""
        for i, line in enumerate(GOOD + [""]):
            if i in bad:
                offsets[i] = len(text)
                text += bad[i]
            text += line
        self.text("in/text", text)
        self.text("oracle", "".join(GOOD))
        return offsets

    def run_job(self, *flags, code=0):
        return self.start("job", [
            UNRULY, "--input=" + self.path("in"), "--output=" + self.path("out"), "--workers=2",
            "--reducers=2", "--progress=plain", "--summary_json=" + self.path("summary"),
            *flags]).finish(code)

    def summary(self):
        with open(self.path("summary")) as f:
            return json.load(f)

    def skips(self, bad, *flags):
        offsets = self.input_with(bad)
        job = self.run_job("--skip_bad_records=%d" % len(bad), *flags)
        self.assertEqual(read_output(self.path("out"), listed=["_skipped"]),
                         cluster.count([self.path("oracle")]))
        records = [{"file": self.path("in/text"), "offset": offsets[i], "bytes": len(bad[i])}
                   for i in sorted(bad)]
        self.assertEqual(self.summary()["skipped_records"], records)
        with open(self.path("out/_skipped")) as f:
            self.assertEqual(f.read(), "".join("%s:%d\t%d\n" % (r["file"], r["offset"], r["bytes"])
                                               for r in records))
        self.assertIn("%d record%s skipped, listed in %s" %
                      (len(bad), "s" if len(bad) > 1 else "", self.path("out/_skipped")), job.said())
        return self.summary()

    def test_three_bad_lines_of_one_split_cost_no_more_than_their_failures(self):
        summary = self.skips({0: "!segv first\n", 77: "in the !segv middle\n", 200: "at the end !segv"},
                             "--max_attempts=4")
        self.assertEqual(summary["tasks"]["map"], 1)
        self.assertEqual(summary["attempts"]["failed"], 6, "two for each")
        self.assertEqual(summary["workers"]["lost"], 0)

    def test_every_way_to_fail_is_one(self):
        self.skips({3: "!segv\n", 5: "an !abort here\n", 9: "!throw\n", 10: "!exit:1\n", 20: "!exit:0\n"})

    def test_lines_close_to_each_other_are_told_apart(self):
        self.skips({200: "!segv\n", 199: "!abort\n", 198: "!segv\n"})

    def test_a_bad_line_needs_two_failures_whatever_the_limit(self):
        self.skips({7: "!segv\n"}, "--max_attempts=1")

    def test_one_more_than_the_limit_is_named_and_leaves_no_output(self):
        offsets = self.input_with({0: "!segv\n", 50: "!abort now\n", 100: "!exit:3 it\n"})
        job = self.run_job("--skip_bad_records=2", code=1)
        first = job.said()
        for words in ("map-00000 failed again at %s:%d (11 bytes)" % (self.path("in/text"), offsets[100]),
                      "2 bad records are skipped already", "--skip_bad_records=2",
                      "exited with 3"):
            self.assertIn(words, first)
        self.assertEqual([r["offset"] for r in self.summary()["skipped_records"]],
                         [offsets[0], offsets[50]])
        self.assertFalse(os.path.exists(self.path("out")))

    def test_without_the_flag_nothing_is_skipped(self):
        offsets = self.input_with({9: "!segv\n"})
        job = self.run_job(code=1)
        self.assertIn("failed 4 times in user code, its limit", job.said())
        self.assertIn("%s:%d" % (self.path("in/text"), offsets[9]), job.said())
        self.assertEqual(self.summary()["skipped_records"], [])

    def test_a_failure_that_does_not_return_skips_nothing(self):
        self.text("once", "")
        self.text("in/text", "good !once:%s:!segv\n" % self.path("once"))
        self.run_job("--skip_bad_records=3")
        self.assertEqual(read_output(self.path("out")), {b"good": 1})
        self.assertEqual(self.summary()["skipped_records"], [])

    def write_frames(self, damage):
        """Writes GOOD as four zstd frames of 50 lines, the second of which `damage` changes; returns
        its offset and length."""
        frames = [zstd(GOOD[i:i + 50]) for i in range(0, 200, 50)]
        frame = bytearray(frames[1])
        damage(frame)
        with open(self.text("in/text.zst", ""), "wb") as f:
            f.write(frames[0] + frame + frames[2] + frames[3])
        return len(frames[0]), len(frame)

    def test_a_damaged_zstd_frame_is_stepped_over(self):
        def content(frame):
            frame[len(frame) // 2] ^= 0xff

        def header(frame):
            frame[0] ^= 0xff

        def window(frame):
            self.assertEqual(frame[4] & 0x20, 0, "its header says how large a window it needs")
            frame[5] |= 0x80

        damaged, large = "damaged zstd data", "this zstd frame needs a window of more than 128 MiB"
        for damage, problem in ((content, damaged), (header, damaged), (window, large)):
            offset, length = self.write_frames(damage)
            job = self.run_job("--skip_bad_records=1", "--overwrite")
            # The line after the gap is lost: who knows that it is whole?
            self.text("oracle", "".join(GOOD[:50] + GOOD[101:]))
            self.assertEqual(read_output(self.path("out"), listed=["_skipped"]),
                             cluster.count([self.path("oracle")]))
            self.assertEqual(self.summary()["skipped_records"], [
                {"file": self.path("in/text.zst"), "offset": offset, "bytes": length}])
            self.assertIn("1 record skipped", job.said())
            job = self.run_job("--overwrite", code=1)
            self.assertRegex(job.said(), r"in/text\.zst:\d+: " + problem)
            self.assertEqual(self.summary()["attempts"]["failed"], 1, "no second one reads it better")

    def test_a_file_larger_than_a_split_is_cut_up_to_a_damaged_frame(self):
        # Each frame is larger than a split: half of the digits is what they cannot be packed to.
        lines = [hashlib.sha512(b"%d" % i).hexdigest() + "\n" for i in range(80000)]
        frames = [zstd(lines[i:i + 20000]) for i in range(0, 80000, 20000)]
        self.assertGreater(min(len(frame) for frame in frames), 1 << 20)
        offset, length = len(frames[0]) + len(frames[1]), len(frames[2])
        frames[2] = b"?" + frames[2][1:]
        packed = self.text("in/text.zst", b"".join(frames))
        said = self.run_job("--split_mb=1", code=2).said()
        self.assertIn("%s:%d: no zstd frame begins here" % (packed, offset), said)
        self.run_job("--split_mb=1", "--skip_bad_records=1")
        self.text("oracle", "".join(lines[:40000] + lines[60001:]))
        self.assertEqual(read_output(self.path("out"), listed=["_skipped"]),
                         cluster.count([self.path("oracle")]))
        self.assertEqual(self.summary()["tasks"]["map"], 2)
        self.assertEqual(self.summary()["skipped_records"], [
            {"file": packed, "offset": offset, "bytes": length}])

    def test_behind_damage_in_a_gzip_file_nothing_can_be_read(self):
        packed = bytearray(gzip.compress("".join(GOOD).encode()))
        packed[len(packed) // 2] ^= 0xff
        self.text("in/text.gz", bytes(packed))
        said = self.run_job("--skip_bad_records=9", code=1).said()
        self.assertRegex(said, r"in/text\.gz:\d+: damaged gzip data .*behind which nothing can be read")

    def test_the_list_is_no_input_of_another_job(self):
        self.skips({3: "!segv\n"})
        self.job(UNRULY, "--input=" + self.path("out"), "--output=" + self.path("again"),
                 "--escape_output", "--workers=1").finish()
        for name in part_names(self.path("again")):
            with open(self.path("again", name), "rb") as part:
                self.assertNotIn(self.path("in/text").encode(), part.read())


if __name__ == "__main__":
    cluster.main()
