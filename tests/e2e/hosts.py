"""Hosts of their own for processes of a test: network namespaces on one switch. Needs root.

    with Hosts("red", "blue") as hosts:
        test.start("server", hosts.on("red", [SERVER, "--listen=%s:7000" % hosts.address("red")]))
        hosts.unplug("red")
        hosts.wait_until_unheard("red")  # what it has sent meanwhile is lost

A host is held by a process that does nothing; when it ends, the kernel takes the namespace down
with all that is in it.
"""

import os
import subprocess
import unittest

import cluster

ESTABLISHED, DIALLING = "01", "02"  # of /proc/net/tcp


class Hosts:
    def __init__(self, *names):
        self.addresses = {name: "10.98.0.%d" % number for number, name in enumerate(names, 1)}
        self.holders = {}

    def __enter__(self):
        try:
            self.make()
        except OSError as error:
            self.__exit__()
            raise unittest.SkipTest("needs root, and network namespaces: %s" % error) from error
        return self

    def __exit__(self, *exception):
        for holder in self.holders.values():
            holder.communicate()  # closes its input, at which it ends

    def make(self):
        for name in ["switch", *self.addresses]:
            self.holders[name] = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", "echo here; exec cat"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for holder in self.holders.values():
            if holder.stdout.readline() != b"here\n":
                raise OSError(holder.stderr.read().decode().strip())
        self.batch("switch", "link add br0 type bridge stp_state 0 forward_delay 0",
                   "link set br0 up", *[line for name in self.addresses for line in (
                       "link add to-%s type veth peer name eth0 netns %d" %
                       (name, self.holders[name].pid),
                       "link set to-%s master br0 up" % name)])
        for name, address in self.addresses.items():
            self.batch(name, "addr add %s/24 dev eth0" % address, "link set lo up",
                       "link set eth0 up")

    def batch(self, host, *lines):
        self.run(host, "ip", "-batch", "-", input="\n".join(lines))

    def ip(self, host, *arguments):
        self.run(host, "ip", *arguments)

    def run(self, host, *argv, **kwargs):
        """Runs a command there to its end; returns what it prints."""
        done = subprocess.run(self.on(host, argv), capture_output=True, text=True, **kwargs,
                              env=dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin"))
        if done.returncode != 0:
            raise OSError("%s: %s" % (" ".join(argv), done.stderr.strip()))
        return done.stdout

    def address(self, name):
        return self.addresses[name]

    def on(self, name, argv):
        """The command line that runs `argv` there; its process is that of the program."""
        return ["nsenter", "--net=/proc/%d/ns/net" % self.holders[name].pid, *argv]

    def unplug(self, name):
        """What is sent to and from the host is lost from now on, without a word."""
        self.ip("switch", "link", "set", "to-" + name, "down")

    def plug_in(self, name):
        self.ip("switch", "link", "set", "to-" + name, "up")

    # --- What becomes of connections ---

    def connections(self, name, other=None, state=ESTABLISHED):
        """[how often its last bytes were sent again] of the host's connections (with `other`)."""
        with open("/proc/%d/net/tcp" % self.holders[name].pid) as f:
            rows = [line.split() for line in f.readlines()[1:]]
        end = other and "".join("%02X" % int(part)
                                for part in reversed(self.address(other).split("."))) + ":"
        return [int(row[6], 16) for row in rows
                if row[3] == state and (end is None or row[2].startswith(end))]

    def wait_until_connected(self, name, other):
        cluster.look_until("%s is connected with %s" % (name, other),
                           lambda: self.connections(name, other), bool)

    def wait_until_unheard(self, *names, by=None):
        """Until one of these sends again what nobody (`by`) has acknowledged: so it was lost."""
        cluster.look_until("%s: not heard" % " or ".join(names), lambda: [
            times for name in names for times in self.connections(name, by)], any)

    def wait_until_it_dials_in_vain(self, name):
        cluster.look_until("%s dials and nobody answers" % name,
                           lambda: self.connections(name, state=DIALLING), bool)

    def drop_connections(self, name, *others):
        """The host's own ends of its connections with `others` break now, and not only when its
        timeouts say so. While it is unplugged the other ends hear nothing of it."""
        for other in others:
            self.run(name, "ss", "--kill", "dst", self.address(other))
            if self.connections(name, other):
                raise unittest.SkipTest("needs a kernel with CONFIG_INET_DIAG_DESTROY")
