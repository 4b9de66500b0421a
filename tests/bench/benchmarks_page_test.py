"""The page and the plot that are made of results; and that workloads name what there is."""

import os
import unittest
import xml.dom.minidom

import benchmarks_page
import competitors
import growth_plot
import workloads

MACHINE = {"processor": "Some CPU", "cores": 2, "memory_gib": 23.5, "system": "Debian",
           "kernel": "6.1"}


def results(name, **changes):
    result = {"title": "Some work", "equal": True, "commands": {"Millrace": ["a", "b c"]},
              "seconds": {"Millrace": [2.5, 2.0, 2.2], "floor": [2.0], "DuckDB": [11, 12, 13]}}
    result.update(changes)
    return {"machine": MACHINE, "workloads": {name: result}}


class BenchmarksPageTest(unittest.TestCase):
    def test_medians_ratios_and_targets_are_shown(self):
        page = benchmarks_page.page(results("words"))
        self.assertIn("Some CPU, 2 cores, 23.5 GiB", page)
        self.assertIn("| Millrace | 2.20 s | 2.00 to 2.50 |  |  |", page)
        self.assertIn("| floor | 2.00 s | one run | Millrace takes 1.10 times as long |"
                      " at most 1.25: ok |", page)
        self.assertIn("| DuckDB | 12.00 s | 11.00 to 13.00 | 5.45 times as long as Millrace |"
                      " at least 5: ok |", page)
        self.assertIn("\na 'b c'\n", page)

    def test_what_was_missed_is_said(self):
        slow = {"Millrace": [3.0], "floor": [2.0], "DuckDB": [12.0]}
        page = benchmarks_page.page(results("words", seconds=slow, equal=False))
        self.assertIn("at most 1.25: missed", page)
        self.assertIn("at least 5: missed", page)
        self.assertIn("**The answers differed.**", page)

    def test_where_the_time_goes_is_said(self):
        profile = {"cpu_s": 2.5, "shares": {"read": 0.25, "map": 0.746, "reduce": 0.004},
                   "checksums": 0.0123}
        page = benchmarks_page.page(results("words", profile=profile))
        self.assertIn("\nCPU time of Millrace, 2.50 s: read 25 %, map 75 %. Checksums are about"
                      " 1.2 % of it", page)

    def test_without_millrace_there_is_no_ratio(self):
        page = benchmarks_page.page(results("words", seconds={"floor": [2.0], "Millrace": []}))
        self.assertIn("| floor | 2.00 s | one run |  |  |", page)

    def test_many_files_of_a_command_are_one_pattern(self):
        files = [f"/dev/shm/pieces/piece-{number:02d}.txt" for number in range(64)]
        self.assertEqual(benchmarks_page.short(["grep", "x", *files]), "grep x /dev/shm/pieces/*")

    def test_growth_is_a_table_and_a_plot(self):
        growth = {"Millrace": {"64": [0.2], "1024": [2.0, 3.0]},
                  "DuckDB": {"64": [2.0], "1024": [18.0, 18.0]}}
        page = benchmarks_page.page({"machine": MACHINE, "workloads": {"growth": growth}})
        self.assertIn("| Millrace | 0.20 s | 2.50 s |", page)
        plot = xml.dom.minidom.parseString(growth_plot.draw(growth))
        lines = plot.getElementsByTagName("polyline")
        self.assertEqual(len(lines), 2)
        first, last = lines[0].getAttribute("points").split()
        self.assertLess(float(first.split(",")[0]), float(last.split(",")[0]))
        self.assertGreater(float(first.split(",")[1]), float(last.split(",")[1]), "upwards")


    def test_scale_is_a_table_and_two_plots(self):
        row = {"workers": 100, "maps": 10_000, "reduces": 100, "lost": 1, "again": 93,
               "cpu_us": 20.4, "bytes": 190.2, "journal_bytes": 83.0, "cpu_seconds": 0.2}
        scale = {"sizes": [row, dict(row, maps=1_000_000, cpu_us=30.0, cpu_seconds=30.3)],
                 "memory": {"workers": 250, "maps": 100_000, "reduces": 1000, "peak_mib": 300.4,
                            "limit_mib": 1024, "journal_mib": 20.1, "news_mib": 7.25,
                            "news_calls": 200, "largest_kib": 60.2}}
        page = benchmarks_page.page({"machine": MACHINE, "workloads": {"scale": scale}})
        self.assertIn("| 10,000 | 100 | 100 | 1 | 93 | 20 us | 0.2 s | 190 bytes | 83 bytes |", page)
        self.assertIn("the peak of the process is 300\nMiB", page)
        plots = benchmarks_page.scale_plots(scale)
        for name, lines in {"benchmarks-scale-cpu.svg": 1, "benchmarks-scale-bytes.svg": 2}.items():
            self.assertIn(name, page)
            plot = xml.dom.minidom.parseString(plots[name])
            self.assertEqual(len(plot.getElementsByTagName("polyline")), lines)
        self.assertIn(">1M<", plots["benchmarks-scale-cpu.svg"])


class WorkloadsTest(unittest.TestCase):
    def test_targets_are_for_programs_that_take_part(self):
        for name, workload in workloads.WORKLOADS.items():
            self.assertIn(workloads.MILLRACE, workload.programs, name)
            self.assertLessEqual(set(workload.least), set(workload.programs), name)
            self.assertEqual(workload.most is not None and workloads.FLOOR not in workload.programs,
                             False, name)

    def test_what_is_installed_is_for_programs_that_take_part(self):
        programs = {name for workload in workloads.WORKLOADS.values() for name in workload.programs}
        self.assertLessEqual({*competitors.NODE_MODULES, *competitors.PROGRAMS}, programs)

    def test_each_command_names_scripts_that_are_there(self):
        folder = os.path.dirname(os.path.realpath(__file__))
        work = competitors.Work(folder, "/output", "/scratch", 2, "/node", "/programs")
        for name, workload in workloads.WORKLOADS.items():
            for program in workload.programs.values():
                for word in " ".join(program(work)).split():
                    if word.startswith(competitors.HERE + "/"):
                        self.assertTrue(os.path.exists(word.split("/*")[0]), (name, word))


if __name__ == "__main__":
    unittest.main()
