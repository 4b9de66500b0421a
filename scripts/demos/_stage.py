"""What the demonstrations share: a stage on which processes play, and on which nothing stays.

    #!/usr/bin/env python3
    \"\"\"One line on what is shown.\"\"\"
    import _stage

    def play(stage):
        stage.say("A server, and a client that asks it.")
        server = stage.start("server", stage.program("apps/clock_sync"), "--listen=127.0.0.1:0")
        stage.run("client", stage.program("apps/clock_sync"), "--server=" + server.address)

    _stage.main(__doc__, play, ["apps/clock_sync"])

Every line that a process prints is shown with the process's name before it, as it comes. Processes
are waited for, never slept for; what still runs at the end is stopped.
"""

# Ctrl-C ends this at once, and not with a trace of what was being imported or built, until `main`
# knows what to stop.
import _signal

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = "MILLRACE_LABS_PROGRAMS"  # the folder under which the programs are; else they are built
DEADLINE_S = 60  # of every wait; reached only when something is broken


class Failed(Exception):
    """The demonstration did not go as it must."""


class Player:
    """A process whose lines are shown, and kept: all in `lines`, and in `output` those of standard
    output alone. `took_s` is how long it ran, once it has finished."""

    def __init__(self, stage, name, argv, **kwargs):
        self.stage, self.name, self.lines, self.output = stage, name, [], []
        self.address = self.took_s = None
        self.began = time.monotonic()
        with stage.undisturbed():
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            text=True, errors="replace", **kwargs)
            stage.players.append(self)
        self.listeners = [threading.Thread(target=self.listen, args=[stream], daemon=True)
                          for stream in (self.process.stdout, self.process.stderr)]
        for listener in self.listeners:
            listener.start()

    def listen(self, stream):
        for line in stream:
            self.stage.heard(self, line.rstrip("\n"), is_output=stream is self.process.stdout)

    def wait_to_say(self, text):
        """Until the process has printed a line with this in it."""
        self.stage.wait_until("%s says %r" % (self.name, text),
                              lambda: any(text in line for line in self.lines))

    def type(self, line):
        """For a process that was started with `stdin=subprocess.PIPE`."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.stage.say("kill -9 %s" % self.name)
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self, code=0):
        """Waits for the end; an exit code that is not expected fails the demonstration."""
        try:
            got = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Failed("%s does not end" % self.name) from None
        self.took_s = time.monotonic() - self.began
        for listener in self.listeners:
            listener.join()
        if got != code:
            raise Failed("%s ended with exit code %d, not %d" % (self.name, got, code))
        return self


class Stage:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-lab-")
        self.players = []
        self.held = []
        self.news = threading.Condition()
        self.is_busy = False  # a process is being started: it must be known before we may end
        self.is_stopped = False

    # --- Ctrl-C ---

    def stop(self, signum, frame):
        self.is_stopped = True
        if not self.is_busy:
            sys.exit(4)  # through `finally`

    @contextlib.contextmanager
    def undisturbed(self):
        self.is_busy = True
        yield
        self.is_busy = False
        if self.is_stopped:
            sys.exit(4)

    # --- What is seen ---

    def say(self, text):
        with self.news:
            print("\n== %s" % text, flush=True)

    def heard(self, player, line, is_output):
        with self.news:
            player.lines.append(line)
            if is_output:
                player.output.append(line)
            print("%12s | %s" % (player.name, line), flush=True)
            self.news.notify_all()

    def wait_until(self, what, is_so):
        with self.news:
            if not self.news.wait_for(is_so, DEADLINE_S):
                raise Failed("waited in vain until " + what)

    # --- Who plays ---

    def program(self, package):
        """The binary of apps/NAME."""
        return os.path.join(os.environ[BUILT], package, os.path.basename(package))

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, text):
        """Its path."""
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def free_address(self):
        """On this machine. Nobody else is given it, because a socket is bound to it that never
        listens."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self.held.append(held)
        return "127.0.0.1:%d" % held.getsockname()[1]

    def start(self, name, program, *flags, wait=True, **kwargs):
        """A process; one with --listen is waited for, and has its `address`, unless it may have
        ended before anybody looks."""
        argv = [program, *flags]
        ready = self.path("ready-%d" % len(self.players))
        wait = wait and any(flag.startswith("--listen=") for flag in flags)
        if wait:
            argv.append("--ready_file=" + ready)
        player = Player(self, name, argv, **kwargs)
        if wait:
            player.address = self.wait_for_file(player, ready)["listen"]
        return player

    def wait_for_file(self, player, path):
        deadline = time.monotonic() + DEADLINE_S
        while not os.path.exists(path):
            if player.process.poll() is not None:
                raise Failed("%s ended before it was ready" % player.name)
            if time.monotonic() > deadline:
                raise Failed("%s is not ready" % player.name)
            with self.news:
                self.news.wait(0.02)
        with open(path) as f:
            return json.load(f)

    def run(self, name, program, *flags, code=0, **kwargs):
        """A process, to its end."""
        return self.start(name, program, *flags, **kwargs).finish(code)

    def close(self):
        self.is_busy = True  # until all is away
        for player in self.players:
            if player.process.poll() is None:
                player.process.terminate()
        for player in self.players:
            try:
                player.process.wait(10)
            except subprocess.TimeoutExpired:
                player.process.kill()
                player.process.wait()
        for held in self.held:
            held.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def build(packages):
    if os.environ.get(BUILT):
        return
    done = subprocess.run(["bazel", "build", "--output_filter=NOTHING", "--ui_event_filters=-info",
                           *("//" + package for package in packages)],
                          cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode != 0:
        sys.exit(2)
    os.environ[BUILT] = os.path.join(ROOT, "bazel-bin")


def main(doc, play, packages, add_flags=None):
    """The main program of a demonstration. `add_flags(parser)` adds flags of its own, which `play`
    gets as its second argument."""
    parser = argparse.ArgumentParser(
        prog="scripts/labs " + os.path.basename(sys.argv[0]), description=doc, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 all was as it must be; 1 something was not; 2 wrong usage, or the "
               "programs cannot be built; 4 stopped")
    if add_flags:
        add_flags(parser)
    options = parser.parse_args()
    build(packages)
    stage = Stage()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stage.stop)
    try:
        if add_flags:
            play(stage, options)
        else:
            play(stage)
    except Failed as failed:
        print("%s: %s" % (os.path.basename(sys.argv[0]), failed), file=sys.stderr)
        sys.exit(1)
    finally:
        stage.close()
