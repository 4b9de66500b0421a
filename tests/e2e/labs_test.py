"""scripts/labs: every demonstration plays to its end on the real programs, and leaves nothing."""

import os
import re
import subprocess
import tempfile
import unittest

LABS = os.path.abspath("scripts/labs")
DEMOS = sorted(name for name in os.listdir("scripts/demos") if name[0] != "_")


class LabsTest(unittest.TestCase):
    played = {}  # what each has shown: none is played twice

    def play(self, name):
        if name not in self.played:
            self.played[name] = self.play_now(name)
        return self.played[name]

    def play_now(self, name):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, MILLRACE_LABS_PROGRAMS=os.getcwd(), TMPDIR=folder)
            done = subprocess.run([LABS, name], env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(os.listdir(folder), [], "files were left behind")
            self.assertEqual(self.left_behind(folder), [], "processes were left behind")
        return done.stdout

    def left_behind(self, folder):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if folder.encode() in f.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    def test_every_demonstration_ends_well_and_leaves_nothing(self):
        self.assertTrue(DEMOS)
        for name in DEMOS:
            with self.subTest(name):
                self.play(name)

    def test_the_ring_loses_a_buddy(self):
        said = self.play("bottles")
        self.assertIn("cid | No more bottles of beer on the wall", said)
        self.assertRegex(said, r"ann \| bottles: buddy \S+ is dead")
        self.assertIn("none of them twice", said)

    def test_the_clock_is_990_ms_ahead(self):
        self.assertRegex(self.play("clock_sync"), r"client \| offset \+9(89\.[5-9]|90\.)\d+ ms")

    def test_only_the_synchronous_way_adds_up_what_servers_take(self):
        said = self.play("wordcount_rpc")
        self.assertIn("client | map[I:1 am:1 bye:3 good:2 hello:3 night:1]\n", said)
        took = {way: float(took_s) for way, took_s in
                re.findall(r"--way=(\w+): ([\d.]+) s for 8 answers\n", said)}
        self.assertEqual(sorted(took), ["call_object", "callback", "future", "sync"])
        self.assertGreater(took.pop("sync"), 8)
        self.assertLess(max(took.values()), 8)
        self.assertRegex(said, r"client \| wordcount_rpc: asking \S+: .*still running there")
        self.assertRegex(said, r"client \| wordcount_rpc: cannot connect to \S+: Connection refused")

    def test_a_list_survives_the_death_of_a_server(self):
        said = self.play("secret_strings")
        self.assertEqual(said.count("client | olléh\n"), 2)
        self.assertIn("premium tier required", said)
        self.assertEqual(said.count("each once and in the order of the list"), 3)
        self.assertRegex(said, r"lost \S+ \(.*\); [12] words? of it must be reversed again")

    def test_the_room_goes_on_without_two_of_three(self):
        said = self.play("chat")
        self.assertIn("carol | alice: where is bob?", said)
        self.assertRegex(said, r"alice \| \* carol left \(did not read: \d+ messages waited\)")

    def test_only_the_call_that_runs_once_is_sure_and_right(self):
        said = self.play("calls")
        self.assertEqual(re.findall(r"caller \| (unknown|done: \d+)", said),
                         ["unknown", "done: 80", "done: 90", "done: 90"])
        self.assertEqual(re.findall(r"later \| done: (\d+)", said), ["90", "80", "90", "90"])

    def test_the_list_says_what_each_one_shows(self):
        listed = subprocess.run([LABS], capture_output=True, text=True, check=True).stdout
        for name in DEMOS:
            self.assertRegex(listed, r"\n  %s +[A-Z0-9].*\.\n" % name)


if __name__ == "__main__":
    unittest.main()
