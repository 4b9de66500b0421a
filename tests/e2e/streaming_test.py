"""Programs as mappers and reducers, on real processes."""

import json
import os
import re
import shlex
import shutil

import cluster
from cluster import STREAMING, count, fields, part_names

EXAMPLES = os.path.abspath("apps/streaming/examples")
TEXT = "to be or not to be\n\tthat is the question:\r\nwhether 'tis nobler\n" * 50


class StreamingTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.input = self.text("in/text", TEXT)

    def stream(self, *flags, code=0):
        return self.job(STREAMING, "--output=" + self.path("out"), *flags).finish(code)

    def run_job(self, *flags, code=0):
        return self.stream("--input=" + self.path("in"), "--workers=2", *flags, code=code)

    def lines(self):
        """The lines of all parts, in the order of the parts."""
        lines = []
        for name in part_names(self.path("out")):
            with open(self.path("out", name), "rb") as f:
                lines += f.read().split(b"\n")[:-1]
        return lines

    def check_counts(self):
        counted = {}
        for line in self.lines():
            word, number = line.split(b"\t")
            self.assertNotIn(word, counted)
            counted[word] = int(number)
        self.assertEqual(counted, count([self.input], fields))

    def example(self, *names):
        return "--file=" + ",".join(os.path.join(EXAMPLES, name) for name in names)


class ExamplesTest(StreamingTest):
    def test_python(self):
        self.run_job("--mapper=words.py", "--reducer=sums.py", self.example("words.py", "sums.py"),
                     "--reducers=3")
        self.check_counts()

    def test_awk(self):
        self.run_job("--mapper=words.awk", "--reducer=./sums.awk",
                     self.example("words.awk", "sums.awk"))
        self.check_counts()

    def test_shell(self):
        summary = self.path("summary")
        self.run_job("--mapper=words.sh", "--reducer=counts.sh", "--reducers=2",
                     self.example("words.sh", "counts.sh"), "--summary_json=" + summary)
        self.check_counts()
        with open(summary) as f:
            self.assertEqual(json.load(f)["counters"]["examples/reducers"], 2)

    def test_hadoops_spellings(self):
        self.stream("-D", "mapreduce.job.name=spelled", "-D", "mapreduce.job.reduces=2",
                    "-input", self.path("in"), "-mapper", "python3 words.py",
                    "-reducer", "awk -f sums.awk", "-file", os.path.join(EXAMPLES, "words.py"),
                    "-file", os.path.join(EXAMPLES, "sums.awk"), "--workers=2")
        self.check_counts()
        self.assertEqual(len(part_names(self.path("out"))), 2)


    def test_those_of_the_help_can_be_run(self):
        self.text("text", TEXT)
        self.text("logs/first", "an error 1\n")
        self.text("logs/second", "nothing to 2\n")
        shutil.copy(os.path.join(EXAMPLES, "words.py"), self.path("map.py"))
        shutil.copy(os.path.join(EXAMPLES, "sums.py"), self.path("sum.py"))
        said = self.start("help", [STREAMING, "--help"]).finish().output()
        examples = re.findall(r"^  (streaming .*)$", said, re.MULTILINE)
        self.assertEqual(len(examples), 3)
        for example in examples:
            self.job(STREAMING, *shlex.split(example)[1:], "--workers=2", "--overwrite").finish()


class RulesTest(StreamingTest):
    def test_map_only_output_is_what_the_program_wrote(self):
        self.run_job("--mapper=cat", "--reducer=NONE")
        self.assertEqual(self.lines(), TEXT.replace("\r\n", "\n").encode().split(b"\n")[:-1])

    def test_without_a_reducer_pairs_are_sorted(self):
        self.text("in/text", "b\t2\na\nb\t1\n")
        self.run_job("--mapper=cat", "--reducers=1")
        self.assertEqual(self.lines(), [b"a\t", b"b\t2", b"b\t1"])

    def test_a_file_cut_into_splits_is_read_once(self):
        self.text("in/text", "a line of words\n" * (1 << 18))  # 4 MiB
        self.run_job("--mapper=wc -l", "--reducer=awk '{n += $1} END {print n}'", "--split_mb=1",
                     "--reducers=1")
        self.assertEqual(self.lines(), [b"%d" % (1 << 18)])

    def test_a_whole_file_is_the_input_of_one_process(self):
        self.text("in/text", b"\0\r\n\xff")
        self.text("in/other", b"12345\r\n")
        self.run_job("--mapper=wc -c", "--input_format=whole_file", "--reducers=0")
        self.assertEqual(sorted(self.lines()), [b"4", b"7"])

    def test_each_file_has_a_process_that_knows_its_name(self):
        self.text("in/other", "x\n")
        self.run_job("--reducers=0", "--cmdenv=MINE=a b",
                     "--mapper=sh -c 'cat >/dev/null; echo \"$mapreduce_map_input_file $MINE\"'")
        self.assertEqual(self.lines(), [b"%s a b" % self.path("in", name).encode()
                                        for name in ("other", "text")])

    def test_a_reduce_has_no_input_file_even_where_a_map_ran_before(self):
        self.stream("--input=" + self.path("in"), "--workers=1", "--reducers=1", "--mapper=cat",
                    "--reducer=sh -c 'echo ${MILLRACE_INPUT_FILE-none}'")
        self.assertEqual(self.lines(), [b"none"])

    def test_programs_run_in_a_folder_of_their_own(self):
        self.run_job("--mapper=sh -c 'echo mine >scratch; ls'", "--reducers=0",
                     "--file=" + self.input)
        self.assertEqual(self.lines(), [b"scratch", b"text"])

    def test_it_runs_inline_too(self):
        self.stream("--input=" + self.path("in"), "--workers=inline", "--mapper=words.py",
                    "--reducer=sums.py", self.example("words.py", "sums.py"))
        self.check_counts()
        self.assertEqual(os.listdir(self.tmp), [])

    def test_on_a_running_cluster(self):
        master = self.master("--workers=2")
        self.stream("--input=" + self.path("in"), "--master=" + master.address,
                    "--mapper=words.py", "--reducer=sums.py", self.example("words.py", "sums.py"))
        self.check_counts()

    def test_a_gigabyte_of_standard_error_stops_nothing_and_fills_nothing(self):
        self.run_job("--mapper=sh -c 'cat; head -c 1G /dev/zero >&2'", "--reducers=0",
                     "--task_memory_mb=64")
        self.assertEqual(len(self.lines()), TEXT.count("\n"))

    def test_lines_may_be_escaped(self):
        self.text("in/text", "a\tb\\c\n")
        self.run_job("--mapper=cat", "--reducers=1", "--reducer=cat", "--escape_output")
        self.assertEqual(self.lines(), [rb"a\tb\\c"])
        self.run_job("--mapper=cat", "--reducers=1", "--reducer=cat", "--overwrite")
        self.assertEqual(self.lines(), [b"a\tb\\c"])

    def test_a_last_line_without_its_end_counts(self):
        self.run_job("--mapper=sh -c 'cat >/dev/null; printf \"a\\t1\\nb\"'", "--reducers=1",
                     "--reducer=sh -c 'cat; printf end'")
        self.assertEqual(self.lines(), [b"a\t1", b"b\t", b"end"])

    def test_a_program_may_close_its_input_and_go_on(self):
        self.text("in/text", "a line of words\n" * (1 << 18))
        self.run_job("--mapper=sh -c 'read line; exec <&-; echo $line'", "--reducers=0")
        self.assertEqual(self.lines(), [b"a line of words"])

    def test_a_combiner_changes_nothing_but_the_bytes_that_travel(self):
        bytes_sent = []
        for flags in (["--combiner=sums.py"], ["--overwrite"]):
            summary = self.path("summary")
            self.run_job("--mapper=words.py", "--reducer=sums.py", "--summary_json=" + summary,
                         self.example("words.py", "sums.py"), "--reducers=3", *flags)
            self.check_counts()
            with open(summary) as f:
                bytes_sent.append(json.load(f)["bytes"]["shuffled"])
        self.assertLess(bytes_sent[0], bytes_sent[1])

    def test_a_partitioner_chooses_the_parts(self):
        self.text("in/text", "b\nab\nabc\nc\nbcd\n" * 100)
        chooser = "awk '{print length($0) % ENVIRON[\"mapreduce_job_reduces\"]}'"
        self.run_job("--mapper=cat", "--reducer=uniq", "--reducers=3", "--partitioner=" + chooser)
        parts = []
        for name in part_names(self.path("out")):
            with open(self.path("out", name), "rb") as f:
                parts.append(f.read())
        self.assertEqual(parts, [b"abc\t\nbcd\t\n", b"b\t\nc\t\n", b"ab\t\n"])


class FailuresTest(StreamingTest):
    def fails(self, *flags, says):
        said = self.run_job("--max_attempts=1", *flags, code=1).said()
        for text in says:
            self.assertIn(text, said)

    def refused(self, *flags, says):
        said = self.run_job(*flags, code=2).said()
        for text in says:
            self.assertIn(text, said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_a_mapper_that_fails_is_reported_with_all_that_is_known(self):
        self.fails("--mapper=sh -c 'cat; echo the reason >&2; exit 3'",
                   says=["the mapper 'sh -c cat; echo the reason >&2; exit 3' exited with 3",
                         "given 150 records and had written 150 lines", "the reason"])

    def test_a_mapper_that_is_killed(self):
        self.fails("--mapper=sh -c 'echo reporter:status:half way >&2; kill -KILL $$'",
                   says=["the mapper", "was killed by SIGKILL", "its last status was 'half way'"])

    def test_a_failure_is_that_of_its_file_and_good_records_are_never_skipped(self):
        os.remove(self.input)
        bad, good = self.text("in/a", "bad\n"), self.text("in/b", "good\n")
        mapper = "--mapper=sh -c 'cat; test \"${mapreduce_map_input_file##*/}\" != a'"
        for flags in ([], ["--skip_bad_records=5"]):
            said = self.run_job(mapper, "--reducers=0", *flags, code=1).said()
            self.assertIn(bad + ": the mapper", said)
            self.assertNotIn(good, said)
        self.run_job(mapper, "--reducers=0", "--skip_bad_records=5", "--input_format=whole_file")
        self.assertEqual(self.lines(), [b"good"])
        with open(self.path("out/_skipped")) as f:
            self.assertEqual(f.read(), bad + ":0\t4\n")

    def test_a_record_with_a_line_end_is_named_and_can_be_skipped(self):
        self.text("in/text", b"one\0t\nwo\0three")
        self.fails("--mapper=cat", "--input_format=nul", "--reducers=0",
                   says=["a record has a line end in it", "at " + self.path("in/text:4")])
        self.run_job("--mapper=cat", "--input_format=nul", "--reducers=0", "--skip_bad_records=1")
        self.assertEqual(self.lines(), [b"one", b"three"])
        self.text("in/text", b"ab\ncd\n")
        self.fails("--mapper=cat", "--record_bytes=3", "--reducers=0", "--overwrite",
                   says=["a record has a line end in it", "at " + self.path("in/text:0")])

    def test_of_much_standard_error_the_end_is_reported(self):
        self.fails("--mapper=sh -c 'cat; head -c 1M /dev/zero >&2; echo the reason >&2; exit 3'",
                   says=["exited with 3", "the reason"])

    def test_lines_longer_than_memory_allows(self):
        self.fails("--mapper=head -c 9M /dev/zero", "--task_memory_mb=64",
                   says=["the mapper 'head -c 9M /dev/zero' wrote a line of more than 8 MiB"])
        self.fails("--mapper=cat /dev/zero", says=["wrote a line of more than 64 MiB"])
        self.fails("--mapper=cat", "--reducer=cat /dev/zero", says=["the reducer", "64 MiB"])
        self.text("in/text", "good\n" + "x" * (9 << 20))
        self.fails("--mapper=cat", "--task_memory_mb=64",
                   says=[self.path("in/text:5"), "the line that begins here", "--task_memory_mb"])

    def test_a_program_whose_interpreter_is_missing(self):
        self.text("map.py", "#!/no/such/python\n")
        os.chmod(self.path("map.py"), 0o755)
        self.fails("--mapper=map.py", "--file=map.py",
                   says=["the mapper: cannot start", "map.py: No such file", "interpreter"])

    def test_a_reducer_that_is_killed(self):
        self.fails("--mapper=cat", "--reducer=sh -c 'kill -SEGV $$'",
                   says=["the reducer", "was killed by SIGSEGV"])

    def test_a_combiner_that_changes_keys(self):
        self.fails("--mapper=cat", "--reducer=cat", "--combiner=sed s/to/too/",
                   says=["the combiner wrote a pair with the key", "it must keep the keys"])

    def test_a_partitioner_that_is_wrong(self):
        for wrong, says in (("sed s/.*/7/", "part 7 of 2"),
                            ("cat", "must write the number of a part"),
                            ("sh -c 'cat >/dev/null'", "no number for the last")):
            self.fails("--mapper=cat", "--reducers=2", "--partitioner=" + wrong, "--overwrite",
                       says=[says])

    def test_exit_codes_may_be_ignored(self):
        self.run_job("--mapper=sh -c 'cat; exit 3'", "--reducers=0",
                     "-D", "stream.non.zero.exit.is.failure=false")
        self.assertEqual(len(self.lines()), 150)

    def test_a_mapper_may_stop_reading(self):
        self.text("in/text", "a line of words\n" * (1 << 18))
        self.run_job("--mapper=head -n 2", "--reducers=0")
        self.assertEqual(self.lines(), [b"a line of words"] * 2)

    def test_programs_that_are_not_there(self):
        self.refused("--mapper=no-such-program", says=["--mapper", "no-such-program"])
        self.refused("--mapper=cat", "--reducer=./reduce.py",
                     says=["--reducer", self.path("reduce.py"), "No such file"])
        self.text("plain", "#!/bin/sh\n")
        self.refused("--mapper=cat", "--reducer=./plain", says=["plain", "chmod +x"])
        self.refused("--mapper=cat", "--file=nowhere", says=["--file", self.path("nowhere")])

    def test_what_is_not_supported(self):
        self.refused("--mapper=cat", "-archives", "x.zip", says=["-archives", "--file"])
        self.refused("--mapper=cat", "-inputformat", "NLineInputFormat", says=["NLineInputFormat"])
        self.refused("--mapper=cat", "-D", "mapreduce.output.fileoutputformat.compress=true",
                     says=["fileoutputformat.compress", "--output_compression=zstd"])
        self.refused(says=["--mapper is missing"])
        self.refused("--mapper=cat 'a", says=["--mapper", "not closed"])
        self.refused("--mapper=cat", "--reducer=NONE", "--reducers=4", says=["--reducers=4"])
        self.refused("--mappers=cat", says=["--mappers", "--mapper"])


if __name__ == "__main__":
    cluster.main()
