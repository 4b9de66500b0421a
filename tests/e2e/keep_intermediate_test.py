"""--keep_intermediate: map outputs lie where every host sees them, and outlive their workers."""

import json
import os

import cluster
from cluster import WORDCOUNT, count, read_output


class KeepIntermediateTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.input = self.text("in/words", b"".join(b"word%d and more\n" % (i * i % 9973)
                                                    for i in range(200000)))
        self.keep = self.path("keep")

    def run_job(self, *flags, code=0, failpoint=""):
        environment = dict(self.environment, MILLRACE_FAILPOINT=failpoint,
                           MILLRACE_FAILPOINT_LOG=self.path("failpoints"))
        return self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        "--reducers=4", "--split_mb=1", "--summary_json=" + self.path("summary"),
                        *flags, env=environment).finish(code)

    def test_a_worker_killed_when_its_maps_are_done_costs_none_of_them(self):
        self.run_job("--workers=4", "--shuffle=network", "--keep_intermediate=" + self.keep,
                     failpoint="reduce.launched:kill:once")
        self.assertEqual(read_output(self.path("out")), count([self.input]))
        with open(self.path("summary")) as f:
            summary = json.load(f)
        self.assertEqual(summary["workers"], {"joined": 4, "lost": 1})
        self.assertGreaterEqual(summary["reasons"]["worker_lost"], 1)
        self.assertEqual(summary["reasons"]["output_lost"], 0)
        self.assertEqual(os.listdir(self.keep), [], "what the job kept went with it")

    def test_a_job_in_one_process_keeps_nothing(self):
        self.run_job("--workers=inline", "--keep_intermediate=" + self.keep)
        self.assertFalse(os.path.exists(self.keep))

    def test_a_command_that_submits_nothing_makes_no_folder(self):
        keep = "--keep_intermediate=" + self.keep
        self.run_job("--master=127.0.0.1:1", "--connect_timeout=1s", keep, code=3)
        self.assertFalse(os.path.exists(self.keep))
        self.run_job("--workers=1", "--scratch_dir=" + self.path("in/words/scratch"), keep, code=2)
        self.assertFalse(os.path.exists(self.keep))

    def test_a_refused_job_takes_its_folder_back(self):
        master = self.master()
        flags = ("--master=" + master.address, "--input=" + self.input,
                 "--output=" + self.path("out"))
        self.job(WORDCOUNT, *flags, "--detach").finish()
        self.job(WORDCOUNT, *flags, "--keep_intermediate=" + self.keep).finish(2)
        self.assertFalse(os.path.exists(self.keep))

    def test_a_folder_that_cannot_be_used_is_named(self):
        file = self.text("file", "no folder")
        for keep, why in ((self.path("out/keep"), "lies inside the output folder"),
                          (self.path("in/keep"), "lies inside the input folder"),
                          (file, "is not a folder")):
            job = self.run_job("--workers=1", "--keep_intermediate=" + keep, code=2)
            self.assertIn("--keep_intermediate=%s %s" % (keep, why), job.said())


if __name__ == "__main__":
    cluster.main()
