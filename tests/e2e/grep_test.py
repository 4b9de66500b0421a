"""grep on real processes, compared with Python's own regular expressions."""

import gzip
import os
import re

import cluster
from cluster import GREP, part_names


def lines_of(data):
    """The lines of a file without their ends."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line[:-1] if line.endswith(b"\r") else line for line in lines]


class GrepTest(cluster.ClusterTest):
    def grep(self, *flags, code=0):
        return self.job(GREP, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        *flags).finish(code)

    def output(self):
        """The lines of the parts, in the order of the parts."""
        lines = []
        for name in part_names(self.path("out")):
            with open(self.path("out", name), "rb") as f:
                lines += f.read().split(b"\n")[:-1]
        return lines

    def test_lines_of_a_compressed_file_are_numbered_as_they_were(self):
        data = b"".join(b"line %d\n" % i for i in range(300000))  # several chunks
        self.text("in/packed.gz", gzip.compress(data))
        path = self.path("in/packed.gz").encode()
        for input_format in ("lines", "whole_file"):
            self.grep("--pattern=9999$", "--workers=1", "--input_format=" + input_format,
                      "--overwrite")
            self.assertEqual(self.output(), [b"%s:%d\tline %d" % (path, i + 1, i)
                                             for i in range(9999, 300000, 10000)])

    def expected(self, matches):
        """What grep has to print for the files in `in`, in the order of their names."""
        lines = []
        for folder, _, names in sorted(os.walk(self.path("in"))):
            for name in sorted(names):
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    for number, line in enumerate(lines_of(f.read()), 1):
                        if matches(line):
                            lines.append(b"%s:%d\t%s" % (path.encode(), number, line))
        return lines

    def check(self, pattern, *flags, matches=None):
        compiled = re.compile(pattern.encode())
        self.grep("--pattern=" + pattern, *flags)
        self.assertEqual(self.output(), self.expected(matches or compiled.search))

    def test_several_files(self):
        self.text("in/a", "one ant\ntwo bees\nan anthem\n")
        self.text("in/b", "nothing here\n")
        self.text("in/c", "want\n")
        self.check("ant", "--workers=2")

    def test_a_file_cut_into_many_splits_keeps_its_line_numbers(self):
        lines = ["line %d %s\n" % (n, "x" * (n * 7919 % 97)) for n in range(60000)]
        self.text("in/large", "".join(lines))
        self.text("in/small", "line 1237\n")
        self.assertGreater(os.path.getsize(self.path("in/large")), 3 << 20)
        self.check("7 x*$", "--split_mb=1", "--workers=2")
        self.assertGreater(len(part_names(self.path("out"))), 3)

    def test_line_ends_of_two_kinds_and_none_at_the_end(self):
        self.text("in/mixed", "ab\r\nab \nab\r\r\nxab")
        self.check("ab$", "--workers=1")

    def test_a_match_does_not_go_beyond_its_line(self):
        self.text("in/text", "a\nb\na b\r\na\r\nb\n" * 3)
        self.check(r"a\s+b|a[^b]$", "--workers=1")

    def test_bytes_of_every_kind(self):
        self.text("in/binary", bytes(n * n * 31 % 251 for n in range(200000)) + b"\0key\0\xff\n")
        self.text("in/latin", "stra\xdfe key\nk\xe4se\n".encode("latin-1"))
        self.text("in/nul", b"\0\0key\0\n\0\n")
        self.check("key|[a-c]{2}|k.s|[^x]\\W$", "--workers=2")

    def test_a_character_of_utf8_is_one_character(self):
        self.text("in/text", "käse\nkaese\n")
        self.check("k.se", "--workers=1", matches=lambda line: re.search("k.se", line.decode()))

    def test_empty_input(self):
        self.text("in/empty", "")
        self.check("x", "--workers=1")
        self.assertEqual(self.output(), [])

    def test_ignoring_case_and_inverting(self):
        self.text("in/text", "Ant\nbee\nGIANT\n\nwasp")
        self.check("(?i)ant", "--workers=1")
        self.check("ant", "--ignore_case", "--invert_match", "--workers=1", "--overwrite",
                   matches=lambda line: not re.search(b"(?i)ant", line))

    def test_the_empty_pattern_matches_every_line(self):
        self.text("in/text", "a\n\nb\r\n")
        self.check("", "--workers=inline")

    def test_whole_files_have_lines_too(self):
        self.text("in/text", "a\nb\na\n")
        self.check("a", "--workers=1", "--input_format=whole_file")

    def refused(self, *flags, says):
        self.text("in/text", "a\n")
        said = self.grep("--workers=1", *flags, code=2).said()
        for text in says:
            self.assertIn(text, said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_a_pattern_that_is_wrong_is_refused_with_the_place(self):
        self.refused("--pattern=a(b", says=["--pattern", "missing closing parenthesis",
                                            "at byte 3 of 'a(b'"])
        self.refused(says=["--pattern is missing"])

    def test_records_that_are_no_lines_are_refused(self):
        for flag in ("--input_format=nul", "--input_format=key_value", "--input_format=fixed",
                     "--record_bytes=3"):
            self.refused("--pattern=a", flag, says=[flag, "grep prints lines"])

    def test_reducers_are_refused(self):
        self.refused("--pattern=a", "--reducers=4", says=["--reducers=4", "map-only"])

    def test_a_line_that_takes_too_long_fails_the_job_and_is_named(self):
        self.text("in/text", "fine\n" + "x" * 60 + " y\n")
        said = self.grep("--workers=1", "--pattern=(x+x+)+y", "--max_attempts=1", code=1).said()
        self.assertIn(self.path("in/text") + ":5", said)
        self.assertIn("match limit", said)

    def test_a_bad_line_can_be_skipped(self):
        self.text("in/text", "fine\n" + "x" * 60 + " y\nxxy\n")
        self.grep("--workers=1", "--pattern=(x+x+)+y", "--skip_bad_records=1")
        self.assertEqual(self.output(), [self.path("in/text").encode() + b":3\txxy"])


if __name__ == "__main__":
    cluster.main()
