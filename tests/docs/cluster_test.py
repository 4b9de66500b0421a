#!/usr/bin/env python3
"""The commands of docs/cluster.md, on three hosts that are network namespaces.

`ssh HOST COMMAND` enters the host's namespace, in a home folder of its own; the shared folder is a
tmpfs in this test's own mount namespace, so nothing is left behind.
"""

import os
import select
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import page  # noqa: E402

ROOT = os.getcwd()  # of the runfiles
IP = "/sbin/ip"
SHARED = "/srv"  # /srv/millrace is made in it
HOSTS = ["node1", "node2", "node3"]

SSH = """#!/bin/bash
# ssh HOST COMMAND...
host=$1; shift
export HOME=$HOMES/$host
cd "$HOME" && exec /sbin/ip netns exec "$host" bash -c "$*"
"""
SCP = """#!/bin/bash
# scp [-p] FILE HOST:
if [[ $1 == -p ]]; then shift; fi
exec cp -p "$1" "$HOMES/${2%:}/"
"""
PACKAGE = """#!/bin/bash
exec "$RUNFILES/scripts/make_tarball" "$RUNFILES" dist
"""


def run(*arguments):
    subprocess.run(arguments, check=True)


def enter_own_namespaces():
    """Starts this program again with mounts and network of its own."""
    if os.environ.get("CLUSTER_TEST_INSIDE") != "1":
        os.environ["CLUSTER_TEST_INSIDE"] = "1"
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.execv("/usr/bin/unshare", ["unshare", *user, "--mount", "--net", sys.executable,
                                      os.path.abspath(__file__), *sys.argv[1:]])


def make_network():
    """One bridge, and three hosts 10.99.0.1 to 10.99.0.3 on it."""
    run("mount", "-t", "tmpfs", "none", "/run")
    run("mount", "-t", "tmpfs", "none", SHARED)
    os.mkdir("/run/netns")
    run(IP, "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
    run(IP, "link", "set", "br0", "up")
    for number, host in enumerate(HOSTS, 1):
        run(IP, "netns", "add", host)
        run(IP, "-n", host, "link", "add", "eth0", "type", "veth", "peer", "name", host, "netns",
            str(os.getpid()))
        run(IP, "link", "set", host, "master", "br0", "up")
        run(IP, "-n", host, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
        run(IP, "-n", host, "link", "set", "lo", "up")
        run(IP, "-n", host, "link", "set", "eth0", "up")


class ClusterTest(unittest.TestCase):
    def setUp(self):
        make_network()
        temporary = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.here = os.path.join(self.folder, "here")  # where the page is read
        self.homes = os.path.join(self.folder, "homes")
        for host in HOSTS:
            os.makedirs(os.path.join(self.homes, host))
        for name, text in [("bin/ssh", SSH), ("bin/scp", SCP), ("here/scripts/package", PACKAGE)]:
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755)
        self.environment = {**os.environ, "HOMES": self.homes, "RUNFILES": ROOT,
                            "PATH": f"{self.folder}/bin:{os.environ['PATH']}:/sbin:/usr/sbin"}
        self.addCleanup(self.stop_what_is_left)

    def stop_what_is_left(self):
        for host in HOSTS:
            pids = subprocess.run([IP, "netns", "pids", host], capture_output=True, text=True)
            for pid in pids.stdout.split():
                os.kill(int(pid), 9)

    def shell(self, commands):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=self.here,
                              env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0,
                         f"{commands}\n{done.stdout}\n{done.stderr}\n{self.logs()}")
        return done.stdout

    def logs(self):
        found = []
        for host in HOSTS:
            for name in ("master.log", "worker.log"):
                path = os.path.join(self.homes, host, name)
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        found.append(f"---- {host} {name}\n{file.read()[-2000:]}")
        return "\n".join(found)

    def test_the_commands_of_the_page(self):
        commands = [block.text for block in page.blocks("docs/cluster.md") if block.kind == "run"]
        package, key, text, master, workers, seen, job, jobs, stop, clean = commands
        for step in (package, key, text, master, workers):
            self.shell(step)
        self.assertEqual(sorted(os.listdir(os.path.join(self.homes, "node1/millrace/bin"))),
                         ["bottles", "chat", "clock_sync", "grep", "inverted_index", "join",
                          "master", "millrace", "secret_strings", "sort", "streaming", "top_k", "wordcount",
                          "wordcount_rpc", "worker"])
        self.wait_for_workers(seen)
        self.assertIn("the", self.shell(job))
        self.assertIn("wordcount", self.shell(jobs))
        self.compare_over_the_network(job)
        pids = self.service_pids()
        self.shell(stop)
        for pid in pids:
            self.wait_for_end(pid)
        self.shell(clean)
        self.assertEqual(sorted(os.listdir(os.path.join(self.homes, "node2"))),
                         ["worker.log", "worker.pid"])

    def wait_for_workers(self, seen):
        for _ in range(200):  # each question takes some milliseconds
            listed = self.shell(seen)
            if all(host in listed for host in HOSTS):
                return
        self.fail(f"not all workers have joined:\n{listed}\n{self.logs()}")

    def compare_over_the_network(self, job):
        """The hosts of this test are one kernel, so that --shuffle=auto may read in place."""
        again = job.split("\nssh node3")[0].replace("/counts", "/again")
        self.shell(again.rstrip()[:-1] + " --shuffle=network'")
        self.shell("cat /srv/millrace/counts/part-* | cmp - <(cat /srv/millrace/again/part-*)")

    def service_pids(self):
        pids = []
        for host in HOSTS:
            for name in ("master.pid", "worker.pid"):
                path = os.path.join(self.homes, host, name)
                if os.path.exists(path):
                    with open(path, encoding="ascii") as file:
                        pids.append(int(file.read()))
        self.assertEqual(len(pids), 4)
        return pids

    def wait_for_end(self, pid):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        ended, _, _ = select.select([fd], [], [], 30)
        os.close(fd)
        self.assertTrue(ended, f"process {pid} goes on after it was asked to end\n{self.logs()}")


if __name__ == "__main__":
    enter_own_namespaces()
    unittest.main()
