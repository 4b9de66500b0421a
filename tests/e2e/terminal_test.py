"""Progress on a real terminal: one line that is drawn again, and a clean screen afterwards."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

import cluster
from cluster import UNRULY, read_output

CLEAR = b"\r\x1b[K"


class Screen:
    """What is to be seen of bytes that go to a terminal; knows the bar's one escape sequence."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [""]
        self.widest = 0

    def show(self, data):
        for token in re.findall(r"\r\x1b\[K|\r\n|[^\r\n\x1b]+|.", data.decode(), re.DOTALL):
            if token == CLEAR.decode():
                self.lines[-1] = ""
            elif token == "\r\n":
                self.lines.append("")
            else:
                assert token.isprintable(), "%r is not for this terminal" % token
                self.lines[-1] += token
                self.widest = max(self.widest, len(self.lines[-1]))
        return self


class TerminalTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.gate = cluster.Gate(self.path("gate"))
        self.text("held/text", "before %s after\n" % self.gate.word)

    def start_on_terminal(self, columns, *flags):
        """Starts a job in a session of its own, on a terminal of that width."""
        self.terminal, end = pty.openpty()
        self.addCleanup(os.close, self.terminal)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        job = subprocess.Popen([UNRULY, "--workers=2", "--input=" + self.path("held"),
                                "--output=" + self.path("out"), "--reducers=2", *flags],
                               preexec_fn=lambda: os.login_tty(end), pass_fds=[end],
                               env=self.environment, cwd=self.folder)
        self.processes.append(job)
        os.close(end)
        return job

    def shown_until(self, pattern):
        """Reads until the pattern was shown; returns all of it."""
        return self.read(lambda shown: re.search(pattern, shown))

    def shown_to_the_end(self):
        return self.read(lambda shown: False)

    def read(self, is_enough):
        """Reads until it is enough, or nobody has the terminal open any more."""
        shown = b""
        while not is_enough(shown):
            ready, _, _ = select.select([self.terminal], [], [], cluster.DEADLINE_S)
            assert ready, "after %r nothing more was shown" % shown
            try:
                shown += os.read(self.terminal, 65536)
            except OSError:  # EIO
                break
        return shown

    def run_with_bar(self, columns, *flags):
        """Lets the bar be drawn some times while the map stands at the gate; returns the bytes."""
        job = self.start_on_terminal(columns, *flags)
        self.gate.meet()
        shown = self.shown_until(b"(?s)(" + re.escape(CLEAR) + b".*){5}")
        self.gate.open()
        shown += self.shown_to_the_end()
        self.assertEqual(job.wait(cluster.DEADLINE_S), 0, shown)
        self.assertEqual(read_output(self.path("out")), {b"before": 1, b"after": 1})
        return shown

    def test_the_bar_is_one_line_that_is_drawn_again(self):
        shown = self.run_with_bar(80)  # a terminal needs no flag
        screen = Screen(80).show(shown)
        self.assertRegex(screen.lines[0],
                         r"^\[#{20}\] map 1/1  reduce 2/2  SUCCEEDED  .*/s  2 workers")
        self.assertNotRegex("\n".join(screen.lines[1:]), r"map \d+/\d+  reduce|\[#*-*\]")
        self.assertEqual(screen.lines[-1], "", "the prompt gets a line of its own")
        self.assertLess(screen.widest, 81)

    def test_a_narrow_terminal_gets_whole_numbers(self):
        shown = self.run_with_bar(20, "--progress=bar")
        bar, _, _ = shown.partition(b"\r\n")
        for drawn in bar.split(CLEAR):
            self.assertRegex(drawn, rb"^(\d+% map [01]/1( .*)?)$")
            self.assertLess(len(drawn), 20, "a full line would wrap")
        self.assertEqual(Screen(20).show(shown).lines[0], "100% map 1/1")

    def test_plain_lines_have_no_escape_codes_even_on_a_terminal(self):
        job = self.start_on_terminal(80, "--progress=plain")
        self.gate.meet()
        shown = self.shown_until(rb"map 0/1.*\n")
        self.gate.open()
        shown += self.shown_to_the_end()
        self.assertEqual(job.wait(cluster.DEADLINE_S), 0, shown)
        self.assertNotIn(b"\x1b", shown)
        self.assertNotIn(b"\r", shown.replace(b"\r\n", b""))
        self.assertRegex(shown, rb"(?m)^job-1  map 1/1  reduce 2/2  SUCCEEDED  .*\r\n")
        self.assertTrue(shown.endswith(b"\n"))

    def test_ctrl_c_on_the_terminal_leaves_a_clean_line(self):
        job = self.start_on_terminal(80)
        self.gate.meet()
        shown = self.shown_until(rb"map 0/1")
        os.write(self.terminal, b"\x03")
        shown += self.shown_to_the_end()
        self.assertEqual(job.wait(cluster.DEADLINE_S), 4, shown)
        lines = Screen(80).show(shown.replace(b"^C", b"")).lines
        self.assertIn("cancelling; Ctrl-C again leaves at once", lines)
        self.assertIn("CANCELLED", "\n".join(lines))
        self.assertEqual(lines[-1], "")


if __name__ == "__main__":
    cluster.main()
