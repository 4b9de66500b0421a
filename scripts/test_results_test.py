#!/usr/bin/env python3
"""How the events of a Bazel run become two numbers."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import test_results  # noqa: E402

TWO_PASS = """<testsuites><testsuite name="A"><testcase name="a" classname="A" status="run"/>
<testcase name="b" classname="A" status="run"/><testcase name="DISABLED_c" status="notrun"/>
</testsuite></testsuites>"""
ONE_FAILS = """<testsuites><testsuite name="B"><testcase name="a" classname="B" status="run"/>
<testcase name="b" classname="B" status="run"><failure message="no"/></testcase>
</testsuite></testsuites>"""
ALL_PASS_BUT = "<testsuites><testsuite><testcase name='a' classname='C'/></testsuite></testsuites>"


def configured(label):
    return {"id": {"targetConfigured": {"label": label}},
            "configured": {"targetKind": "cc_test rule", "testSize": "SMALL"}}


def result(label, uri):
    return {"id": {"testResult": {"label": label}},
            "testResult": {"testActionOutput": [{"name": "test.log", "uri": "no"},
                                                {"name": "test.xml", "uri": uri}]}}


def summary(label, status):
    return {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}}


def run(label, uri, status):
    return [configured(label), result(label, uri), summary(label, status)]


class TestResultsTest(unittest.TestCase):
    files = {"two": TWO_PASS, "one": ONE_FAILS, "but": ALL_PASS_BUT, "cut": "<testsuites><tests"}

    def count(self, *events):
        return test_results.count(events, read=self.files.__getitem__)

    def test_cases_are_counted_and_disabled_ones_are_not(self):
        self.assertEqual(self.count(*run("//a:a", "two", "PASSED")), (2, []))

    def test_failed_cases_are_named(self):
        self.assertEqual(self.count(*run("//a:a", "two", "PASSED"), *run("//b:b", "one", "FAILED")),
                         (3, ["//b:b B.b"]))

    def test_a_program_that_fails_after_its_last_case_is_a_failure(self):
        self.assertEqual(self.count(*run("//c:c", "but", "FAILED")), (1, ["//c:c FAILED"]))

    def test_a_program_that_dies_without_a_report_is_a_failure(self):
        self.assertEqual(self.count(*run("//d:d", "cut", "TIMEOUT")), (0, ["//d:d TIMEOUT"]))

    def test_a_test_that_is_not_built_is_a_failure(self):
        self.assertEqual(self.count(configured("//e:e")), (0, ["//e:e NOT BUILT"]))

    def test_libraries_are_no_tests(self):
        self.assertEqual(self.count({"id": {"targetConfigured": {"label": "//l:l"}},
                                     "configured": {"targetKind": "cc_library rule"}}), (0, []))


if __name__ == "__main__":
    unittest.main()
