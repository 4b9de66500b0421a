#!/usr/bin/env python3
"""Counts the test cases of one `bazel test` run.

    scripts/test_results.py EVENTS_FILE

EVENTS_FILE is what `--build_event_json_file` wrote. Prints `passed failed` and, on standard error,
one line for each test that did not pass. A test program counts by the cases in its test.xml; one
that fails without naming a case, is not built or does not end counts as one failure.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def count_cases(xml_text):
    """Returns (passed, names of failed) cases of a test.xml in the format of JUnit."""
    passed, failed = 0, []
    for case in ElementTree.fromstring(xml_text).iter("testcase"):
        if case.get("status") == "notrun" or case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname', '')}.{case.get('name', '')}".strip("."))
        else:
            passed += 1
    return passed, failed


def read_uri(uri):
    with open(urllib.parse.unquote(urllib.parse.urlparse(uri).path), encoding="utf-8",
              errors="replace") as file:
        return file.read()


def tests_of(events):
    """Returns label -> (status, URIs of its test.xml files) of each test that should have run."""
    tests = {}
    for event in events:
        ids = event["id"]
        if "targetConfigured" in ids and "testSize" in event.get("configured", {}):
            tests.setdefault(ids["targetConfigured"]["label"], ["NOT BUILT", []])
        elif "testSummary" in ids:
            tests.setdefault(ids["testSummary"]["label"], ["", []])[0] = (
                event.get("testSummary", {}).get("overallStatus", "NOT RUN"))
        elif "testResult" in ids:
            outputs = event.get("testResult", {}).get("testActionOutput", [])
            tests.setdefault(ids["testResult"]["label"], ["NOT RUN", []])[1].extend(
                output["uri"] for output in outputs if output["name"] == "test.xml")
    return tests


def count(events, read=read_uri):
    """Returns (passed, lines about what failed)."""
    passed, problems = 0, []
    for label, (status, uris) in sorted(tests_of(events).items()):
        failed_here = []
        for uri in uris:
            try:
                cases, failed = count_cases(read(uri))
            except (OSError, ElementTree.ParseError):
                cases, failed = 0, []
            passed += cases
            failed_here += failed
        if status == "PASSED" and not failed_here:
            if not uris:
                passed += 1
            continue
        problems += [f"{label} {case}" for case in failed_here] or [f"{label} {status}"]
    return passed, problems


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/test_results.py EVENTS_FILE")
    with open(sys.argv[1], encoding="utf-8") as file:
        passed, problems = count(json.loads(line) for line in file if line.strip())
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    print(passed, len(problems))


if __name__ == "__main__":
    main()
