"""What is wrong with a command is said in one line: what, where, why and what to do next."""

import os
import socket

import cluster
from cluster import (GREP, INDEX, JOIN, MASTER, MILLRACE, SORT, STREAMING, TOP_K, WORDCOUNT,
                     WORKER)


class BadInputTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.input = self.text("in/text", "some words\n")
        self.before = sorted(os.listdir(self.folder))

    def refused(self, *command, code=2, says=()):
        process = self.start("refused", list(command)).finish(code)
        for text in says:
            self.assertIn(text, process.said())
        return process.said()

    def job_refused(self, *flags, says, code=2, command=(WORDCOUNT,)):
        given = [f.split("=")[0] for f in flags]
        defaults = {"--input": self.path("in"), "--output": self.path("out"), "--workers": "1"}
        if "--master" in given:
            del defaults["--workers"]
        flags = list(flags) + [k + "=" + v for k, v in defaults.items() if k not in given]
        self.refused(*command, *flags, says=says, code=code)
        self.assertFalse(os.path.exists(self.path("out")), "a refused job leaves no output folder")
        self.assertEqual(os.listdir(self.tmp), [], "a refused job leaves no temporary files")

    def test_missing_input(self):
        self.job_refused("--input=" + self.path("nowhere"), says=[self.path("nowhere"), "No such"])

    def test_a_pattern_without_matches(self):
        self.job_refused("--input=" + self.path("in/*.log"), says=["in/*.log", "match"])

    def test_input_is_a_fifo(self):
        os.mkfifo(self.path("fifo"))
        self.job_refused("--input=" + self.path("fifo"), says=[self.path("fifo"), "FIFO"])

    def test_unreadable_input(self):
        os.chmod(self.input, 0)
        command = [WORDCOUNT]
        if os.geteuid() == 0:
            # Root reads everything by these capabilities. Without them it is a user like others;
            # another user cannot be had where, as in a test's sandbox, only one exists.
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", WORDCOUNT]
        self.job_refused(says=[self.input, "ermission"], command=command)

    def test_no_input_at_all(self):
        self.refused(WORDCOUNT, "--output=" + self.path("out"), says=["--input"])

    def test_no_output_at_all(self):
        self.refused(WORDCOUNT, "--input=" + self.path("in"), says=["--output"])

    def test_output_is_not_empty(self):
        os.mkdir(self.path("full"))
        self.text("full/mine", "precious")
        self.job_refused("--output=" + self.path("full"), says=[self.path("full"), "--overwrite"])
        with open(self.path("full/mine")) as f:
            self.assertEqual(f.read(), "precious")

    def test_output_inside_the_input(self):
        self.job_refused("--output=" + self.path("in/out"), says=["inside"])

    def test_output_is_a_file(self):
        self.job_refused("--output=" + self.input, says=[self.input])

    def test_reducers(self):
        self.job_refused("--reducers=-1", says=["--reducers", "-1"])
        self.job_refused("--reducers=100000", says=["--reducers", "100000", "99999"])
        self.job_refused("--reducers=0", says=["--reducers", "map-only"])
        self.job_refused("--reducers=many", says=["--reducers", "many"])

    def test_workers(self):
        self.job_refused("--workers=0", says=["--workers", "0"])
        self.job_refused("--workers=several", says=["--workers", "several"])

    def test_an_unknown_flag_suggests_the_nearest(self):
        self.job_refused("--reducer=3", says=["--reducer", "--reducers"])
        self.refused(MASTER, "--worker=3", says=["--worker", "--workers"])
        self.refused(WORKER, "--slot=3", says=["--slot", "--slots"])
        self.refused(MILLRACE, "--masters=x", "jobs", says=["--masters", "--master"])

    def test_tokens(self):
        self.job_refused("--tokens=sentences", says=["--tokens", "sentences", "fields", "letters"])

    def test_an_unreachable_master_is_exit_3(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % s.getsockname()[1]
        self.job_refused("--master=" + address, "--connect_timeout=1s", says=[address], code=3)
        self.refused(MILLRACE, "--master=" + address, "--connect_timeout=1s", "jobs",
                     says=[address], code=3)

    def test_a_malformed_address(self):
        self.job_refused("--master=nonsense", says=["nonsense", "HOST:PORT"])
        self.refused(MASTER, "--listen=127.0.0.1:99999999", says=["99999999"])

    def test_an_address_in_use(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            address = "127.0.0.1:%d" % s.getsockname()[1]
            self.refused(MASTER, "--listen=" + address, "--state_dir=" + self.path("state2"),
                         says=[address, "in use"])
            self.refused(WORKER, "--listen=" + address, says=[address, "in use"])

    def test_a_state_folder_in_use_names_the_other_master(self):
        first = self.master("--state_dir=" + self.path("shared-state"))
        self.refused(MASTER, "--listen=127.0.0.1:0", "--state_dir=" + self.path("shared-state"),
                     says=[self.path("shared-state"), str(first.pid)])

    def test_beyond_loopback_needs_a_key(self):
        self.refused(MASTER, "--listen=0.0.0.0:0", "--state_dir=" + self.path("state3"),
                     says=["--cluster_key_file", "--insecure"])
        self.refused(WORKER, "--listen=0.0.0.0:0", says=["--cluster_key_file", "--insecure"])

    def test_pages_for_other_machines_need_consent(self):
        self.refused(MASTER, "--listen=127.0.0.1:0", "--http=0.0.0.0:0",
                     "--state_dir=" + self.path("state5"), says=["--http=0.0.0.0:0", "--insecure"])

    def test_a_key_file_that_others_can_read(self):
        key = self.text("key", "k" * 32)
        os.chmod(key, 0o644)
        self.refused(MASTER, "--listen=127.0.0.1:0", "--cluster_key_file=" + key,
                     "--state_dir=" + self.path("state4"), says=[key, "chmod 600"])

    def test_another_key_is_refused(self):
        keys = []
        for name in ("ours", "theirs"):
            keys.append(self.text(name, name * 10))
            os.chmod(keys[-1], 0o600)
        master = self.master("--cluster_key_file=" + keys[0])
        self.refused(MILLRACE, "--master=" + master.address, "--cluster_key_file=" + keys[1],
                     "jobs", says=[master.address, "key"], code=3)
        self.refused(MILLRACE, "--master=" + master.address, "--cluster_key_file=" + keys[0],
                     "jobs", code=0)

    def fails_at_once(self, text, *says):
        """A record that is too long fails every attempt, so there is only one."""
        self.text("in/text", text)
        job = self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out"),
                       "--workers=2", "--task_memory_mb=64", "--joblog=" + self.path("log"))
        first = job.finish(1).said().split("\n")[0]
        for part in says + ("--task_memory_mb allows",):
            self.assertIn(part, first)
        self.assertEqual(first.count(self.input + ":"), 1, first)
        with open(self.path("log")) as f:
            self.assertEqual(len(f.readlines()), 2, "a head and one attempt")

    def test_a_line_that_is_too_long_fails_the_job_at_once(self):
        lines = "a line of words\n" * (1 << 17)
        self.fails_at_once(lines + "x" * (10 << 20), self.input + ":2097152: the line", "8388608")

    def test_a_word_that_is_too_long_fails_the_job_at_once(self):
        self.fails_at_once("a few\nshort words\n" + "x" * (7 << 20) + "\n",
                           self.input + ":18: the mapper emitted a key of 7340032 bytes")

    def test_a_report_over_an_input_file(self):
        other = self.path("other-name")
        os.link(self.input, other)
        self.job_refused("--summary_json=" + self.input, says=["--summary_json", "is an input file"])
        self.job_refused("--joblog=" + other, says=["--joblog=" + other, self.input])
        with open(self.input) as f:
            self.assertEqual(f.read(), "some words\n")

    def test_a_ready_file_over_something_else(self):
        for service in (MASTER, WORKER):
            self.refused(service, "--listen=127.0.0.1:0", "--ready_file=" + self.input,
                         says=["--ready_file: " + self.input])
        with open(self.input) as f:
            self.assertEqual(f.read(), "some words\n")

    def test_two_jobs_with_one_output(self):
        gate = cluster.Gate(self.path("gate"))
        self.text("held/text", gate.word + "\n")
        master = self.master("--workers=1")
        first = self.job(cluster.UNRULY, "--master=" + master.address,
                         "--input=" + self.path("held"), "--output=" + self.path("both"))
        gate.meet()
        self.refused(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                     "--output=" + self.path("both"), says=[self.path("both")])
        gate.open()
        first.finish()

    def test_help_and_version(self):
        for binary in (WORDCOUNT, MASTER, WORKER, MILLRACE):
            help_text = self.start("help", [binary, "--help"]).finish(0).output()
            for text in ("Exit codes", "Examples"):
                self.assertIn(text, help_text)
            version = self.start("version", [binary, "--version"]).finish(0).output()
            self.assertRegex(version, r"\d+\.\d+.*protocol \d+")

    def test_the_help_of_a_job_has_three_examples(self):
        for binary in (GREP, INDEX, JOIN, SORT, STREAMING, TOP_K, WORDCOUNT):
            text = self.start("help", [binary, "--help"]).finish(0).output()
            examples = text.partition("\nExamples\n")[2].partition("\n\n")[0].splitlines()
            name = os.path.basename(binary)
            self.assertEqual([line.split()[0] for line in examples], [name] * 3)


if __name__ == "__main__":
    cluster.main()
