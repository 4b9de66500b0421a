"""//apps/join: pairs of records with one key from two inputs."""

import collections
import os

import cluster
from cluster import JOIN


def join(left, right, kind):
    """The joined lines, by the shortest way."""
    by_key = collections.defaultdict(lambda: ([], []))
    for side, lines in enumerate((left, right)):
        for line in lines:
            key, _, rest = line.partition(b"\t")
            by_key[key][side].append(rest)
    joined = []
    for key in sorted(by_key):
        lefts, rights = by_key[key]
        if not rights and kind in ("left", "outer"):
            rights = [b""]
        if not lefts and kind in ("right", "outer"):
            lefts = [b""]
        joined += [b"\t".join((key, one, other)) for other in rights for one in lefts]
    return joined


class JoinTest(cluster.ClusterTest):
    LEFT = [b"k%d\tleft %d" % (i % 70, i) for i in range(100)] + [b"alone on the left", b"\tempty"]
    RIGHT = [b"k%d\tright\t%d" % (i % 90, i) for i in range(130)] + [b"\tempty too"]

    def setUp(self):
        super().setUp()
        self.text("left", b"\n".join(self.LEFT) + b"\n")
        self.text("right/one", b"\n".join(self.RIGHT[:60]) + b"\n")
        self.text("right/two", b"\n".join(self.RIGHT[60:]))

    def run_job(self, *flags, code=0):
        return self.job(JOIN, "--output=" + self.path("out"), "--workers=2", *flags).finish(code)

    def output(self):
        lines = []
        for name in sorted(os.listdir(self.path("out"))):
            if name.startswith("part-"):
                with open(self.path("out/" + name), "rb") as file:
                    lines += file.read().split(b"\n")[:-1]
        return lines

    def test_every_kind_of_join(self):
        for kind in ("inner", "left", "right", "outer"):
            with self.subTest(kind=kind):
                self.run_job("--left=left", "--right=right", "--type=" + kind, "--reducers=1",
                             "--overwrite")
                self.assertEqual(self.output(), join(self.LEFT, self.RIGHT, kind))

    def test_several_parts_hold_the_same_lines(self):
        self.run_job("--left=left", "--right=right", "--reducers=5")
        self.assertEqual(sorted(self.output()), sorted(join(self.LEFT, self.RIGHT, "inner")))

    def test_a_file_may_be_joined_with_itself(self):
        self.run_job("--left=left", "--right=left", "--reducers=1")
        self.assertEqual(self.output(), join(self.LEFT, self.LEFT, "inner"))

    def test_its_help_is_about_its_own_inputs(self):
        text = self.start("help", [JOIN, "--help"]).finish().output()
        self.assertIn("\nUsage: join --left=P[,P...] --right=P[,P...] --output=DIR [flags]\n", text)
        self.assertNotIn("\n  --input=", text)
        self.assertIn("\n  --input_format=", text)

    def test_flags_that_make_no_sense_are_refused(self):
        for flags, why in ((("--left=left",), "--left and --right are needed"),
                           (("--left=left", "--right=right", "--type=full"), "--type=full"),
                           (("--left=left", "--right=right", "--input=left"),
                            "join has flags of its own for its inputs"),
                           (("--left=left", "--right=nowhere"), "nowhere")):
            self.assertIn(why, self.run_job(*flags, code=2).said())
            self.assertFalse(os.path.exists(self.path("out")))


if __name__ == "__main__":
    cluster.main()
