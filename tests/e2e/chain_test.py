"""Chains of jobs: //apps/top_k counts words, and a second job reads the counts."""

import collections
import glob
import json
import os
import signal

import cluster
from cluster import RELAY, TOP_K

WORDS = ["word%d" % i for i in range(500)]
LINES = [" ".join(WORDS[i * j % 500] for j in range(9)) for i in range(4000)]


def top(k):
    counts = collections.Counter(word for line in LINES for word in line.split())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:k]


class TopKTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        for i in range(4):
            self.text("in/%d" % i, "\n".join(LINES[i * 1000:(i + 1) * 1000]) + "\n")

    def settings(self, name="out", k=25):
        return ["--input=" + self.path("in"), "--output=" + self.path(name), "--k=%d" % k,
                "--split_mb=1"]

    def output(self, name="out"):
        folder = self.path(name)
        self.assertEqual(sorted(os.listdir(folder)), ["_SUCCESS", "part-00000-of-00001"])
        with open(os.path.join(folder, "part-00000-of-00001")) as part:
            pairs = [line.rstrip("\n").split("\t") for line in part]
        return [(word, int(count)) for word, count in pairs]


class ChainTest(TopKTest):
    def test_on_a_local_cluster(self):
        self.job(TOP_K, "--workers=2", *self.settings()).finish()
        self.assertEqual(self.output(), top(25))

    def test_inline(self):
        self.job(TOP_K, "--workers=inline", *self.settings()).finish()
        self.assertEqual(self.output(), top(25))

    def test_reducers_are_those_of_the_first_job(self):
        self.job(TOP_K, "--workers=2", "--reducers=7", "--summary_json=" + self.path("s"),
                 *self.settings()).finish()
        self.assertEqual(self.output(), top(25))
        with open(self.path("s")) as file:
            self.assertEqual(json.load(file)["tasks"], {"map": 7, "reduce": 1})

    def test_a_first_job_that_fails_fails_the_chain_and_leaves_nothing(self):
        self.text("in/long", "w" * (20 << 20))
        failed = self.job(TOP_K, "--workers=2", "--task_memory_mb=64", *self.settings()).finish(1)
        self.assertRegex(failed.said(), r'job "top_k" \(job-2\) ends with another of its chain: '
                                        r'job "count" \(job-1\) failed: no attempt of map-')
        self.assertFalse(os.path.exists(self.path("out")))

    def test_what_it_would_do(self):
        said = self.job(TOP_K, "--dry_run", *self.settings()).finish().output()
        self.assertIn("job: top_k\nafter: count, ", said)


class RelayTest(cluster.ClusterTest):
    """A chain whose jobs say what they have seen."""

    WAYS = {"inline": "--workers=inline", "local": "--workers=2"}

    def setUp(self):
        super().setUp()
        self.text("in/text", "to be or not to be\n" * 50)

    def run_job(self, name, *flags):
        """The summary of a job with output `name`, and what its jobs counted themselves."""
        self.job(RELAY, "--input=" + self.path("in"), "--output=" + self.path(name),
                 "--reducers=2", "--summary_json=" + self.path("summary"), *flags).finish()
        with open(self.path("summary")) as file:
            summary = json.load(file)
        return summary, {key: value for key, value in summary["counters"].items()
                         if key.startswith("relay/")}

    def test_what_each_job_counts_is_told_at_the_end_of_the_last(self):
        read = {}
        for name, way in self.WAYS.items():
            summary, counters = self.run_job(name, way, "--profile")
            self.assertEqual(counters, {"relay/job-0-records": 300, "relay/job-1-records": 300})
            read[name] = summary["profile"]["phases"]["read"]["bytes"]
        self.assertGreater(read["local"], 50 * len("to be or not to be\n"))
        self.assertEqual(read["inline"], read["local"])

    def test_both_jobs_may_have_one_side_file(self):
        file = "--file=" + self.text("secret", "sesame\n")
        for name, way in self.WAYS.items():
            _, counters = self.run_job(name, way, file)
            self.assertGreater(counters["relay/job-0-maps-with-sesame"], 0)
            self.assertGreater(counters["relay/job-1-maps-with-sesame"], 0)

    def test_two_side_files_of_one_name_are_refused(self):
        one, two = self.text("one", "1\n"), self.text("two", "2\n")
        said = self.job(RELAY, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        "--file=" + one, "--second_file=" + two).finish(2).said()
        self.assertIn("job 'second': has %s as the side file 'shared', which is %s already" %
                      (two, one), said)


class RunningClusterTest(TopKTest):
    def setUp(self):
        super().setUp()
        self.cluster = self.master()
        pause = dict(self.environment, MILLRACE_FAILPOINT="map.launched:pause:2")
        environment = pause if "lost" in self.id() else self.environment
        self.red = self.worker("--master=" + self.cluster.address, "--slots=1", "--name=red",
                               env=environment)
        self.workers_joined(self.cluster, 1)

    def submit(self, *flags, **settings):
        return self.job(TOP_K, "--master=" + self.cluster.address, "--reducers=3", *flags,
                        *self.settings(**settings))

    def test_another_k_needs_no_map_of_the_first_job(self):
        self.submit().finish()
        self.submit(name="again", k=5).finish()
        attempts = self.millrace(self.cluster, "attempts", "3", "--json")
        self.assertEqual([a["task"] for a in attempts if a["task"].startswith("map")], [])
        self.assertEqual(self.output("again"), top(25)[:5])

    def test_a_part_that_is_lost_between_them_is_made_again(self):
        job = self.submit()
        self.red.wait_to_say("failpoint map.launched hit")  # the first map of the second job
        [part] = glob.glob(self.path("out/_millrace/job-1-*/part-00001-*"))
        os.remove(part)
        self.red.send_signal(signal.SIGCONT)
        job.finish()
        self.assertEqual(self.output(), top(25))
        first = [a["task"] for a in self.millrace(self.cluster, "attempts", "1", "--json")]
        self.assertEqual(sorted(first), ["map-00000"] + ["reduce-00000", "reduce-00001",
                                                         "reduce-00001", "reduce-00002"])
        self.assertIn("reads     the part of reduce-00001 of job-1",
                      self.millrace(self.cluster, "lineage", "2", "map-1"))
        second = self.millrace(self.cluster, "attempts", "2", "--json")
        self.assertEqual([a["cause"] for a in second if a["task"] == "map-00001"],
                         ["fetch_failed", "succeeded"])

    def test_without_a_client(self):
        gone = self.submit("--detach").finish().output()
        self.assertEqual(gone, "job-2\n")
        self.millrace(self.cluster, "wait", "2")
        self.assertEqual(self.output(), top(25))
        jobs = self.millrace(self.cluster, "jobs", "--json")
        self.assertEqual([(j["name"], j["state"]) for j in jobs],
                         [("count", "SUCCEEDED"), ("top_k", "SUCCEEDED")])

    def test_cancelling_the_last_cancels_all(self):
        self.red.send_signal(signal.SIGSTOP)
        self.submit("--detach").finish()
        self.millrace(self.cluster, "cancel", "2")
        jobs = self.millrace(self.cluster, "jobs", "--json")
        self.assertEqual([j["state"] for j in jobs], ["CANCELLED", "CANCELLED"])
        self.assertFalse(os.path.exists(self.path("out")))
        self.red.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    cluster.main()
