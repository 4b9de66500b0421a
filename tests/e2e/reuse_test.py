"""Map outputs of earlier jobs on the same cluster are used again, and only where nothing differs."""

import glob
import json
import os
import shutil

import cluster
from cluster import STREAMING, UNRULY, WORDCOUNT, count, part_names, read_output

ANAGRAMS = os.path.abspath("tests/docs/anagrams")
FILES = 8
REDUCERS = 2


class ReuseTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.inputs = [self.write(i, "stop tops") for i in range(FILES)]
        self.cluster = self.master()
        self.workers = [self.worker("--master=" + self.cluster.address, "--slots=1",
                                    "--name=" + name) for name in ("red", "blue")]
        self.workers_joined(self.cluster, 2)
        self.jobs = 0

    def write(self, number, words):
        """Writes an input file so long that each is the split of one map."""
        return self.text("in/%d" % number,
                         "".join("word%02d %s\n" % (number * i % 97, words) for i in range(45000)))

    def run_job(self, *flags, binary=WORDCOUNT):
        """Runs a job over all the input; returns its output folder and its summary."""
        self.jobs += 1
        output = self.path("out-%d" % self.jobs)
        report = self.path("summary-%d" % self.jobs)
        settings = ["--reducers=%d" % REDUCERS, "--split_mb=1", "--input_format=lines"]
        for flag in flags:
            settings = [s for s in settings if s.split("=")[0] != flag.split("=")[0]] + [flag]
        self.job(binary, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + output, "--summary_json=" + report, *settings).finish()
        with open(report) as f:
            return output, json.load(f)

    def maps_run(self):
        """How many map attempts the last job had."""
        attempts = self.millrace(self.cluster, "attempts", str(self.jobs), "--json")
        return sum(a["task"].startswith("map") for a in attempts)

    def assertNoMapRan(self, summary):
        self.assertEqual(summary["map_outputs_reused"], FILES)
        self.assertEqual(summary["attempts"]["total"], REDUCERS)
        self.assertEqual(summary["reasons"]["first"], REDUCERS)

    def assertEqualParts(self, a, b):
        self.assertEqual(part_names(a), part_names(b))
        for name in part_names(a):
            with open(os.path.join(a, name), "rb") as x, open(os.path.join(b, name), "rb") as y:
                self.assertEqual(x.read(), y.read(), name)

    def runs(self):
        return sorted(glob.glob(self.path("scratch-*", "**", "*.run"), recursive=True))

    def test_another_output_folder_needs_no_map(self):
        first, before = self.run_job()
        second, after = self.run_job()
        self.assertEqual(before["map_outputs_reused"], 0)
        self.assertNoMapRan(after)
        self.assertEqualParts(first, second)
        self.assertEqual(read_output(second), count(self.inputs))
        for same in ("counters", "tasks", "stages"):
            self.assertEqual(after[same], before[same], same)
        self.assertEqual(after["bytes"], before["bytes"])
        third, again = self.run_job()
        self.assertNoMapRan(again)
        self.assertEqual(len(self.runs()), FILES, "what was used again is not there twice")

        self.assertIn("reused    %d map outputs of earlier jobs" % FILES,
                      self.millrace(self.cluster, "job", "2"))
        self.assertIn("reused    the output of map-00003 of job-1",
                      self.millrace(self.cluster, "lineage", "2", "map-3"))
        lineage = self.millrace(self.cluster, "lineage", "3", "map-3", "--json")
        self.assertEqual(lineage["reused"], {"job": "job-1", "task": "map-00003"})
        self.assertEqual(lineage["attempts"], [])

    def test_other_parameters_of_the_reducer_need_no_map(self):
        self.run_job(binary=ANAGRAMS)
        output, summary = self.run_job("--smallest_group=3", binary=ANAGRAMS)
        self.assertNoMapRan(summary)
        fresh, summary = self.run_job("--smallest_group=3", "--reuse=off", binary=ANAGRAMS)
        self.assertEqual(summary["map_outputs_reused"], 0)
        self.assertEqualParts(output, fresh)

    def test_only_the_map_of_a_file_that_changed_runs(self):
        self.run_job()
        self.write(3, "lisp slip")
        output, summary = self.run_job()
        self.assertEqual(summary["map_outputs_reused"], FILES - 1)
        self.assertEqual(self.maps_run(), 1)
        self.assertEqual(read_output(output), count(self.inputs))

    def test_whatever_else_a_map_depends_on_makes_all_run(self):
        self.run_job()
        other_binary = self.path("wordcount")
        shutil.copy(WORDCOUNT, other_binary)
        with open(other_binary, "ab") as f:
            f.write(b"\0")
        for flags, binary in ((["--tokens=letters"], WORDCOUNT),
                              (["--reducers=3"], WORDCOUNT),
                              (["--input_format=whole_file"], WORDCOUNT),
                              (["--task_memory_mb=256"], WORDCOUNT),
                              ([], other_binary)):
            output, summary = self.run_job(*flags, binary=binary)
            self.assertEqual(summary["map_outputs_reused"], 0, flags)
            self.assertEqual(summary["reasons"]["first"],
                             summary["tasks"]["map"] + summary["tasks"]["reduce"])

    def test_other_splits_make_all_run(self):
        self.run_job()
        _, summary = self.run_job("--split_mb=2")
        self.assertEqual(summary["tasks"]["map"], FILES / 2)
        self.assertEqual(summary["map_outputs_reused"], 0)

    def test_an_output_that_was_damaged_is_made_again(self):
        def flip(path):
            with open(path, "r+b") as f:
                f.seek(20)
                byte = f.read(1)[0]
                f.seek(20)
                f.write(bytes([byte ^ 0x40]))

        first, _ = self.run_job()
        for damage in (flip, lambda path: os.truncate(path, 30), os.remove):
            for shuffle in ("auto", "network"):
                damage(self.runs()[0])
                output, summary = self.run_job("--shuffle=" + shuffle)
                self.assertEqual(summary["map_outputs_reused"], FILES)
                self.assertEqual(self.maps_run(), 1)
                self.assertEqualParts(output, first)
                self.assertEqual(len(self.runs()), FILES, "the new one has taken its place")

    def test_of_a_worker_that_was_lost_only_its_maps_run(self):
        first, _ = self.run_job()
        lost = len(glob.glob(self.path("scratch-01", "**", "*.run"), recursive=True))
        self.assertGreater(lost, 0)
        self.workers[0].kill()
        cluster.look_until("the worker is lost",
                           lambda: self.millrace(self.cluster, "workers", "--json"),
                           lambda workers: any(w["state"] == "lost" for w in workers))
        output, summary = self.run_job()
        self.assertEqual(summary["map_outputs_reused"], FILES - lost)
        self.assertEqual(self.maps_run(), lost)
        self.assertEqualParts(output, first)

    def test_without_reuse_nothing_is_taken_and_nothing_left(self):
        self.run_job("--reuse=off")
        self.assertEqual(self.runs(), [])
        self.run_job()
        _, summary = self.run_job("--reuse=off")
        self.assertEqual(summary["map_outputs_reused"], 0)

    def test_a_map_that_is_not_deterministic_always_runs(self):
        for _ in range(2):
            _, summary = self.run_job("--nodeterministic", binary=UNRULY)
            self.assertEqual(summary["map_outputs_reused"], 0)
        self.assertEqual(self.runs(), [])

    def script(self, name, content):
        path = self.text(name, "#!/bin/sh\n" + content)
        os.chmod(path, 0o755)
        return path

    def test_scripts_that_are_sent_are_used_again_until_they_change(self):
        flags = ["--mapper=map.sh", "--file=" + self.script("map.sh", "exec cut -d' ' -f2\n")]
        first, before = self.run_job("--reducer=uniq -c", *flags, binary=STREAMING)
        self.assertEqual(before["map_outputs_reused"], 0)
        output, summary = self.run_job("--reducer=uniq -c", *flags, binary=STREAMING)
        self.assertNoMapRan(summary)
        self.assertEqualParts(first, output)
        _, summary = self.run_job("--reducer=uniq", *flags, binary=STREAMING)
        self.assertNoMapRan(summary)
        self.script("map.sh", "exec cut -d' ' -f3\n")
        _, summary = self.run_job("--reducer=uniq -c", *flags, binary=STREAMING)
        self.assertEqual(summary["map_outputs_reused"], 0)

    def test_programs_that_are_not_sent_always_run_unless_a_version_stands_for_them(self):
        for flags, reused in (([], 0), ([], 0), (["--program_version=1"], 0),
                              (["--program_version=1"], FILES), (["--program_version=2"], 0)):
            _, summary = self.run_job("--mapper=cut -d' ' -f2", *flags, binary=STREAMING)
            self.assertEqual(summary["map_outputs_reused"], reused, flags)

    def test_a_declared_version_stands_for_the_binary(self):
        other_binary = self.path("unruly")
        shutil.copy(UNRULY, other_binary)
        with open(other_binary, "ab") as f:
            f.write(b"\0")
        self.run_job("--map_version=1", binary=UNRULY)
        _, summary = self.run_job("--map_version=1", binary=other_binary)
        self.assertNoMapRan(summary)
        _, summary = self.run_job("--map_version=2", binary=other_binary)
        self.assertEqual(summary["map_outputs_reused"], 0)


class ReuseLimitTest(cluster.ClusterTest):
    def test_a_cluster_may_retain_nothing(self):
        self.text("in/text", "a b c\n")
        master = self.master("--reuse_mb=0", "--workers=1")
        self.workers_joined(master, 1)
        for output in ("one", "two"):
            self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                     "--output=" + self.path(output), "--summary_json=" + self.path("s")).finish()
        with open(self.path("s")) as f:
            self.assertEqual(json.load(f)["map_outputs_reused"], 0)


if __name__ == "__main__":
    cluster.main()
