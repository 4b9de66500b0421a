#!/usr/bin/env python3
"""What scripts/labs lists, runs and refuses, and that demonstrations leave nothing behind. The
demonstrations, and the programs that play in them, are stubs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))

DEMO = '''#!/usr/bin/env python3
"""Shows %(name)s.

At length."""
import subprocess
import _stage

def play(stage):
    %(play)s

_stage.main(__doc__, play, ["apps/stub"])
'''

# Announces itself as a service does, and stays until it is stopped.
SERVER = '''#!/bin/sh
for flag; do case $flag in --ready_file=*) ready=${flag#*=} ;; esac; done
echo "here I am"
printf '{"listen": "127.0.0.1:1"}' >"$ready.new"
mv "$ready.new" "$ready"
exec cat "$FIFO"
'''


class LabsTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        os.makedirs(self.path("scripts/demos"))
        shutil.copy(os.path.join(HERE, "labs"), self.path("scripts/labs"))
        shutil.copy(os.path.join(HERE, "demos/_stage.py"), self.path("scripts/demos/_stage.py"))
        self.program("apps/stub/stub", "#!/bin/sh\necho \"$*\"\nexit ${CODE:-0}\n")
        self.program("apps/server/server", SERVER)
        os.mkfifo(self.path("fifo"))
        self.environment = dict(os.environ, MILLRACE_LABS_PROGRAMS=self.root, TMPDIR=self.root,
                                FIFO=self.path("fifo"), PYTHONDONTWRITEBYTECODE="1")
        self.demo("alpha", 'stage.run("ann", stage.program("apps/stub"), "hello")')

    def path(self, name):
        return os.path.join(self.root, name)

    def program(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o755)

    def demo(self, name, *play):
        self.program("scripts/demos/" + name,
                     DEMO % {"name": name, "play": "\n    ".join(play)})

    def labs(self, *arguments, code=0):
        done = subprocess.run([self.path("scripts/labs"), *arguments], env=self.environment,
                              cwd="/", capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def left(self):
        """What the demonstrations have left: their processes carry this test's folder in their
        environment, their files lie in it."""
        found = [name for name in os.listdir(self.root) if name.startswith("millrace-lab-")]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if self.root.encode() in f.read() and int(pid) != os.getpid():
                        found.append(pid)
            except OSError:
                pass
        return found

    def test_without_a_name_it_lists_them(self):
        self.demo("beta", "pass")
        said = self.labs()
        self.assertRegex(said, r"alpha +Shows alpha\.\n")
        self.assertRegex(said, r"beta +Shows beta\.\n")
        self.assertNotIn("_stage", said)

    def test_a_demonstration_shows_who_says_what(self):
        self.assertIn("ann | hello", self.labs("alpha"))
        self.assertEqual(self.left(), [])

    def test_an_unknown_name_lists_those_that_are_there(self):
        for name in ("nonsense", "_stage.py", "../labs", "demos/alpha"):
            self.assertIn("there are: alpha", self.labs(name, code=2))

    def test_a_flag_without_a_name_is_a_usage_error(self):
        self.assertIn("'--all'", self.labs("--all", code=2))
        self.labs("alpha", "--all", code=2)

    def test_help(self):
        self.assertIn("scripts/labs NAME [FLAGS]", self.labs("--help"))
        self.assertIn("At length.", self.labs("alpha", "--help"))

    def test_a_server_is_waited_for_and_stopped_at_the_end(self):
        self.demo("beta",
                  'server = stage.start("bob", stage.program("apps/server"), "--listen=x")',
                  'server.wait_to_say("here I am")',
                  'stage.run("ann", stage.program("apps/stub"), server.address)')
        self.assertIn("ann | 127.0.0.1:1", self.labs("beta"))
        self.assertEqual(self.left(), [])

    def test_an_end_that_is_not_as_expected_fails_it(self):
        self.environment["CODE"] = "3"
        self.assertIn("ann ended with exit code 3, not 0", self.labs("alpha", code=1))
        self.demo("beta", 'stage.run("ann", stage.program("apps/stub"), code=3)')
        self.labs("beta")

    def test_what_is_printed_is_told_from_what_is_said(self):
        self.demo("beta", 'path = stage.file("text", "hello\\n")',
                  'ann = stage.run("ann", "/bin/sh", "-c", "cat %s; echo aside >&2" % path)',
                  'assert ann.output == ["hello"], ann.output',
                  'assert sorted(ann.lines) == ["aside", "hello"], ann.lines')
        self.labs("beta")

    def test_nothing_is_left_when_it_fails_in_the_middle(self):
        self.demo("beta", 'stage.start("bob", stage.program("apps/server"), "--listen=x")',
                  'raise _stage.Failed("as it had to")')
        self.assertIn("beta: as it had to", self.labs("beta", code=1))
        self.assertEqual(self.left(), [])

    def test_nothing_is_left_after_ctrl_c(self):
        self.demo("beta", 'stage.start("bob", stage.program("apps/server"), "--listen=x").finish()')
        for number in (signal.SIGINT, signal.SIGTERM):
            running = subprocess.Popen([self.path("scripts/labs"), "beta"], env=self.environment,
                                       stdout=subprocess.PIPE, text=True)
            self.assertIn("here I am", running.stdout.readline())
            running.send_signal(number)
            running.communicate()
            self.assertEqual(running.returncode, 4)
            self.assertEqual(self.left(), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
