"""What --input may name, how a file becomes records, and progress that programs read."""

import json
import os

import cluster
from cluster import WORDCOUNT, count, read_output


class InputsTest(cluster.ClusterTest):
    def run_job(self, *flags, code=0):
        """Runs a job on a local cluster, in the test's folder."""
        return self.job(WORDCOUNT, "--output=" + self.path("out"), "--workers=1", "--reducers=2",
                        *flags).finish(code)

    def check_counts(self, *paths):
        self.assertEqual(read_output(self.path("out")), count([self.path(p) for p in paths]))

    def test_a_list_of_paths_is_read_line_by_line(self):
        self.text("one", "one file\n")
        self.text("a, b*", "its name is no pattern\n")
        self.text("folder/deep/two", "another file\n")
        self.text("other", "not on the list\n")
        self.text("list", "one\n\n%s\nfolder\n" % self.path("a, b*"))
        self.run_job("--input=@list")
        self.check_counts("one", "a, b*", "folder/deep/two")

    def test_a_list_that_names_a_missing_file(self):
        self.text("list", "nowhere\n")
        said = self.run_job("--input=@list", code=2).said()
        self.assertIn(self.path("nowhere"), said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_two_stars_stand_for_any_number_of_folders(self):
        self.text("in/top.txt", "no folder\n")
        self.text("in/a/one.txt", "one folder\n")
        self.text("in/a/b/two.txt", "two folders\n")
        self.text("in/a/b/two.log", "another ending\n")
        self.text("in/.hidden/three.txt", "a hidden folder\n")
        self.run_job("--input=in/**/*.txt")
        self.check_counts("in/top.txt", "in/a/one.txt", "in/a/b/two.txt")

    def test_a_link_to_a_file_is_followed(self):
        self.text("real", "behind the link\n")
        self.text("in/plain", "beside the link\n")
        os.symlink("../real", self.path("in/link"))
        self.run_job("--input=in")
        self.check_counts("real", "in/plain")

    def test_a_loop_of_folder_links_is_refused(self):
        self.text("in/deep/file", "never counted\n")
        os.symlink("..", self.path("in/deep/up"))
        said = self.run_job("--input=in", code=2).said()
        self.assertIn(self.path("in/deep/up"), said)
        self.assertIn("loop", said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_a_whole_file_is_one_record_and_never_split(self):
        self.text("in/large", b"words of a large file\n" * (3 << 16))  # more than 4 MiB
        self.text("in/small", "words of a small file\n")
        summary = self.path("summary")
        self.run_job("--input=in", "--split_mb=1", "--input_format=whole_file",
                     "--summary_json=" + summary)
        self.check_counts("in/large", "in/small")
        with open(summary) as f:
            self.assertEqual(json.load(f)["tasks"]["map"], 2)

    def test_a_dry_run_says_what_would_be_done_and_does_nothing(self):
        self.text("in/large", b"words of a large file\n" * (3 << 16))  # more than 4 MiB
        self.text("in/packed.gz", b"\0" * (2 << 20))
        job = self.run_job("--input=in", "--split_mb=1", "--dry_run")
        self.assertIn("input: 2 files, 6.12 MiB\nmap tasks: 6, the largest with 2 MiB\n",
                      job.output())
        self.assertIn("in/packed.gz (gzip, 2 MiB)", job.output())
        self.assertFalse(os.path.exists(self.path("out")))

    def test_json_progress_is_one_object_a_line_and_nothing_else(self):
        self.text("in/text", "some words\n")
        job = self.start("job", [WORDCOUNT, "--input=in", "--output=out", "--workers=2",
                                 "--progress=json"]).finish()
        lines = [json.loads(line) for line in job.said().splitlines()]
        self.assertTrue(lines)
        for line in lines:
            self.assertIsInstance(line, dict)
        self.assertEqual(lines[-1]["state"], "SUCCEEDED")


if __name__ == "__main__":
    cluster.main()
