"""The order in which the values of a key come: --sort_values, --key_fields, --sort_fields."""

import json
import os
import random

import cluster
from cluster import STREAMING, WORDCOUNT, part_names


class OrderTest(cluster.ClusterTest):
    def run_job(self, *flags, code=0, where="--workers=2"):
        return self.job(STREAMING, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        where, "--mapper=cat", *flags).finish(code)

    def parts(self):
        """The lines of each part."""
        parts = []
        for name in part_names(self.path("out")):
            with open(self.path("out", name), "rb") as f:
                parts.append(f.read().split(b"\n")[:-1])
        return parts

    def check(self, lines, key_fields, by):
        """Each part is `lines`, sorted by `by` and else as they were, that have its keys; no key is
        in two parts."""
        def key_of(line):
            return line.split(b"\t")[:key_fields]
        ordered = sorted(lines, key=by)
        owner = {}
        for number, part in enumerate(self.parts()):
            for line in part:
                self.assertEqual(owner.setdefault(b"\t".join(key_of(line)), number), number)
        for number, part in enumerate(self.parts()):
            expected = [line for line in ordered if owner[b"\t".join(key_of(line))] == number]
            self.assertTrue(part == expected, "part %d is not in order" % number)
        self.assertEqual(sum(map(len, self.parts())), len(lines))

    def write(self, lines, files):
        """Puts about as many lines into each of the files."""
        for i in range(files):
            piece = lines[i * len(lines) // files:(i + 1) * len(lines) // files]
            self.text("in/%d" % i, b"".join(line + b"\n" for line in piece))


def events(count, seed):
    """Lines `user<TAB>kind<TAB>time<TAB>number`, of which many agree in three fields."""
    numbers = random.Random(seed)
    return [b"u%d\tk%d\t%03d\t%d" % (numbers.randrange(40), numbers.randrange(4),
                                     numbers.randrange(30), i) for i in range(count)]


class ValuesTest(OrderTest):
    def test_values_come_in_byte_order_over_maps_and_spills(self):
        numbers = random.Random(1)
        lines = [b"%d\t%d%s" % (numbers.randrange(1000), numbers.randrange(10 ** 6), b"." * 60)
                 for _ in range(560000)]
        # The first map has more pairs than its memory holds.
        self.text("in/0", b"".join(line + b"\n" for line in lines[:500000]))
        self.text("in/1", b"".join(line + b"\n" for line in lines[500000:530000]))
        self.text("in/2", b"".join(line + b"\n" for line in lines[530000:]))
        summary = self.path("summary")
        self.run_job("--sort_values", "--reducers=3", "--task_memory_mb=64",
                     "--summary_json=" + summary)
        with open(summary) as f:
            self.assertGreater(json.load(f)["counters"]["millrace/map_spills"], 0)
        self.check(lines, 1, by=lambda line: line.split(b"\t"))

    def test_a_reducer_gets_them_in_that_order(self):
        self.write([b"b\t2", b"a\t9", b"b\t10", b"a\t1", b"b\t1"], files=2)
        self.run_job("--sort_values", "--reducers=1", "--reducer=cat")
        self.assertEqual(self.parts(), [[b"a\t1", b"a\t9", b"b\t1", b"b\t10", b"b\t2"]])

    def test_in_one_process_and_on_a_running_cluster_the_output_is_the_same(self):
        lines = events(20000, seed=2)
        self.write(lines, files=3)
        master = self.master("--workers=2")
        for where in ("--workers=inline", "--master=" + master.address):
            self.run_job("--key_fields=2", "--sort_fields=3", "--reducers=3", "--overwrite",
                         where=where)
            self.check(lines, 2, by=lambda line: line.split(b"\t")[:3])

    def test_bytes_that_mean_something_in_between_mean_nothing(self):
        numbers = random.Random(3)
        def text():
            return bytes(numbers.choice(b"\0\1\xffab") for _ in range(numbers.randrange(4)))
        lines = [text() + b"\t" + text() for _ in range(3000)]
        self.write(lines, files=2)
        self.run_job("--sort_values", "--reducers=2")
        self.check(lines, 1, by=lambda line: line.split(b"\t"))


class FieldsTest(OrderTest):
    def test_lines_are_grouped_by_some_fields_and_sorted_by_more(self):
        lines = events(100000, seed=4)
        self.write(lines, files=5)
        self.run_job("--key_fields=1", "--sort_fields=3", "--reducers=4", "--reducer=cat")
        self.check(lines, 1, by=lambda line: line.split(b"\t")[:3])

    def test_hadoops_spellings(self):
        lines = events(20000, seed=5)
        self.write(lines, files=3)
        for partition in ("num.key.fields.for.partition=2",
                          "mapreduce.partition.keypartitioner.options=-k1,2"):
            self.job(STREAMING, "-D", "stream.num.map.output.key.fields=3", "-D", partition,
                     "-D", "mapreduce.job.reduces=3", "-input", self.path("in"), "-output",
                     self.path("out"), "-mapper", "cat", "-reducer", "cat", "-partitioner",
                     "org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner", "--workers=2",
                     "--overwrite").finish()
            self.check(lines, 2, by=lambda line: line.split(b"\t")[:3])

    def test_a_key_of_several_fields_alone(self):
        lines = events(20000, seed=6)
        self.write(lines, files=3)
        self.job(STREAMING, "-D", "stream.num.map.output.key.fields=2", "-input", self.path("in"),
                 "-output", self.path("out"), "-mapper", "cat", "-reducer", "cat", "--workers=2",
                 "-numReduceTasks", "3").finish()
        self.check(lines, 2, by=lambda line: line.split(b"\t")[:2])


class RefusedTest(OrderTest):
    def refused(self, binary, *flags, says):
        said = self.job(binary, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        "--workers=2", *flags).finish(2).said()
        self.assertIn(says, said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_what_does_not_go_together_is_named_before_anything_starts(self):
        self.text("in/text", "a\n")
        self.refused(WORDCOUNT, "--sort_values", says="both sort_values and an aggregate")
        self.refused(cluster.SORT, "--sort_values", says="both sort_values and total_order")
        self.refused(cluster.GREP, "--pattern=a", "--sort_values", says="both sort_values and map_only")
        self.refused(cluster.TOP_K, "--sort_values", says="is a chain of 2 jobs")
        self.refused(STREAMING, "--mapper=cat", "--combiner=cat", "--key_fields=2",
                     says="both key_fields and a combiner")
        self.refused(STREAMING, "--mapper=cat", "--sort_fields=2", says="needs key_fields")
        self.refused(STREAMING, "--mapper=cat", "--key_fields=3", "--sort_fields=2",
                     says="sort_fields=2 is less than key_fields=3")
        self.refused(STREAMING, "--mapper=cat", "--key_fields=x", says="--key_fields=x")


if __name__ == "__main__":
    cluster.main()
