"""What a job tells of itself at its end: what it counted, where its time went, and which reduces
had too much to do."""

import json
import os
import resource

import cluster
from cluster import SORT, STREAMING, UNRULY, WORDCOUNT

WAYS = {"inline": ["--workers=inline"], "local": ["--workers=2"]}


class ReportTest(cluster.ClusterTest):
    def run_job(self, binary, *flags, output="out", code=0):
        """The job's summary, and what it printed."""
        summary = self.path("summary-of-" + output)
        process = self.start("job", [
            binary, "--input=" + self.path("in"), "--output=" + self.path(output),
            "--progress=plain", "--summary_json=" + summary, *flags]).finish(code)
        with open(summary) as f:
            return json.load(f), process.said()


class CountersTest(ReportTest):
    def test_records_of_each_stage_are_counted_and_told(self):
        self.text("in/a", "to be or\nnot to be\nto be\n")
        for name, flags in WAYS.items():
            summary, said = self.run_job(UNRULY, "--reducers=2", *flags, output=name)
            self.assertEqual(summary["counters"], {
                "millrace/map_input_bytes": 25, "millrace/map_input_records": 3,
                "millrace/map_output_bytes": summary["bytes"]["shuffled"],
                "millrace/map_output_records": 4, "millrace/map_spills": 0,
                "millrace/reduce_input_bytes": summary["bytes"]["shuffled"],
                "millrace/reduce_input_records": 4,
                "millrace/reduce_output_bytes": summary["bytes"]["output"],
                "millrace/reduce_output_records": 4, "millrace/reduce_spills": 0,
                "millrace/skipped_records": 0})
            self.assertIn("\n  records   3 in, 4 out of maps, 4 into reduces, 4 out\n", said)

    def test_what_failed_is_not_counted(self):
        self.text("once", "")
        self.text("in/a", "to be\nor !once:%s:!segv\n" % self.path("once"))
        summary, said = self.run_job(UNRULY, "--reducers=1", "--workers=2")
        self.assertEqual(summary["attempts"]["failed"], 1)
        self.assertEqual(summary["counters"]["millrace/map_input_records"], 2)
        self.assertEqual(summary["counters"]["millrace/reduce_output_records"], 3)

    def test_counters_of_user_code_are_listed_by_name(self):
        self.text("in/a", "one\ntwo\n")
        self.text("count.sh", "while read -r line; do\n"
                              "  echo reporter:counter:lines,seen,1 >&2; echo \"$line\"\n"
                              "done\necho reporter:counter:attempts,done,1 >&2\n")
        summary, said = self.run_job(STREAMING, "--mapper=sh " + self.path("count.sh"),
                                     "--reducer=NONE", "--workers=1")
        self.assertIn("\n  counters  attempts/done  1\n            lines/seen     2\n", said)
        self.assertEqual(summary["counters"]["lines/seen"], 2)

    def test_a_counter_of_millrace_itself_is_refused_by_name(self):
        self.text("in/a", "one\n")
        self.text("count.sh", "cat; echo reporter:counter:millrace,map_spills,9 >&2\n")
        _, said = self.run_job(STREAMING, "--mapper=sh " + self.path("count.sh"),
                               "--reducer=NONE", "--workers=1", "--max_attempts=1", code=1)
        self.assertIn("the counter millrace/map_spills", said)
        self.assertIn("name another group", said)


ENDS_S = 0.03
PHASES = ["read", "map", "aggregate", "sort", "spill", "shuffle", "merge", "reduce", "write",
          "control", "wait"]


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class ProfileTest(ReportTest):
    def profile(self, binary, *flags, output):
        """A profile, what it is of all CPU that the job's processes used, and what was printed."""
        before = cpu_of_children()
        summary, said = self.run_job(binary, "--profile", *flags, output=output)
        used_s = cpu_of_children() - before
        profile = summary["profile"]
        self.assertEqual(sorted(profile["phases"]), sorted(PHASES))
        self.assertEqual(sum(phase["cpu_us"] for phase in profile["phases"].values()),
                         profile["cpu_us"])
        self.assertFalse([name for name in summary["counters"] if "profile" in name])
        for phase in PHASES:
            self.assertRegex(said, r"\n  (profile)? +%s " % phase)
        self.assertNotIn("millrace.profile", said)
        # Beside the job: what it takes processes to end after the last report.
        told_s = profile["cpu_us"] / 1e6
        return profile["phases"], (told_s + min(ENDS_S, used_s - told_s)) / used_s, said

    def check_nearly_all(self, share, said):
        self.assertGreater(share, 0.95, said)
        self.assertLess(share, 1.05, said)

    def test_word_count_tells_where_nearly_all_of_its_time_went(self):
        text = b"".join(b"word%d of the %d\n" % (i * i % 99991, i % 7) for i in range(1500000))
        size = os.path.getsize(self.text("in/text", text))
        for name, flags in WAYS.items():
            phases, share, said = self.profile(WORDCOUNT, "--reducers=4", *flags, output=name)
            self.check_nearly_all(share, said)
            for phase in ("read", "map"):
                self.assertEqual(phases[phase]["bytes"], size)
            for phase in ("read", "map", "aggregate", "sort", "spill", "merge", "write", "control"):
                self.assertGreater(phases[phase]["cpu_us"], 0, said)

    def test_sort_tells_where_nearly_all_of_its_time_went(self):
        size = os.path.getsize(self.text("in/records", os.urandom(40 << 20)[:100 * 400000]))
        for name, flags in WAYS.items():
            phases, share, said = self.profile(
                SORT, "--record_bytes=100", "--key_bytes=10", "--reducers=4", *flags, output=name)
            self.check_nearly_all(share, said)
            self.assertEqual(phases["write"]["bytes"], size)
            for phase in ("read", "aggregate", "sort", "spill", "merge", "write"):
                self.assertGreater(phases[phase]["cpu_us"], 0, said)

    def test_a_reduce_that_fetches_has_a_shuffle(self):
        self.text("in/records", os.urandom(20 << 20)[:100 * 200000])
        phases, share, said = self.profile(
            SORT, "--record_bytes=100", "--key_bytes=10", "--reducers=2", "--workers=2",
            "--shuffle=network", output="out")
        self.check_nearly_all(share, said)
        self.assertGreater(phases["shuffle"]["cpu_us"], 1000, said)
        self.assertGreater(phases["shuffle"]["bytes"], 20000000, said)

    def test_programs_that_user_code_starts_are_user_code(self):
        self.text("in/text", "to be or not to be\n" * 500000)
        phases, share, said = self.profile(
            STREAMING, "--mapper=awk '{ for (i = 0; i < 9; ++i) n += i; print $1 \"\t1\" }'",
            "--reducer=cat", "--reducers=1", "--workers=1", output="out")
        self.check_nearly_all(share, said)
        self.assertGreater(phases["map"]["cpu_us"], 10000, said)

    def test_a_running_cluster_keeps_the_profile_of_a_job(self):
        self.text("in/text", "to be or not to be\n" * 50000)
        master = self.master()
        self.worker("--master=" + master.address, "--slots=1")
        self.workers_joined(master, 1)
        phases, _, _ = self.profile(WORDCOUNT, "--master=" + master.address, *self.access,
                                    "--reducers=1", output="out")
        self.assertGreater(phases["map"]["cpu_us"], 0)
        of_cluster = self.millrace(master, "job", "1", "--json")["profile"]["phases"]
        self.assertEqual(of_cluster["map"], phases["map"])
        self.assertLess(of_cluster["control"]["cpu_us"], phases["control"]["cpu_us"])

    def test_without_the_flag_there_is_none(self):
        self.text("in/text", "to be\n")
        summary, said = self.run_job(WORDCOUNT, "--workers=1")
        self.assertNotIn("profile", summary)
        self.assertNotIn("profile", said)


class SkewTest(ReportTest):
    def setUp(self):
        super().setUp()
        # 8000 of 20000 records have one key, which is hard to print.
        record = lambda key, i: key + b"%090d" % i
        text = b"".join(record(b"the\xff\n\t    ", i) for i in range(8000))
        text += b"".join(record(b"%010d" % (i * 7919 % 100003), i) for i in range(12000))
        self.text("in/records", text)

    def sort(self, *flags, output):
        summary, said = self.run_job(SORT, "--record_bytes=100", "--key_bytes=10", *flags,
                                     output=output)
        return summary, said

    def test_a_heavy_key_is_named_with_its_part(self):
        for name, flags in WAYS.items():
            summary, said = self.sort("--profile", "--reducers=16", *flags, output=name)
            part = summary["skew"]["parts"][0]
            self.assertGreater(part["bytes"], 3 * summary["skew"]["median_bytes"])
            self.assertEqual(part["keys"][0], {"key": "the\\xff\\n\\t    ", "is_cut": 0,
                                               "records": 8000, "bytes": 800000})
            self.assertRegex(said, r"\n  skew +part %d has .* %% of the reduce input, .* times the "
                             r"median: key \"the\\xff\\n\\t    \" 781 KiB in 8000 records" %
                             part["part"])
            self.assertIn("more reducers do not divide a key", said)

    def test_a_small_job_is_silent_about_it(self):
        summary, said = self.sort("--reducers=16", "--workers=1", output="out")
        self.assertNotIn("skew", summary)
        self.assertNotIn("skew", said)


if __name__ == "__main__":
    cluster.main()
