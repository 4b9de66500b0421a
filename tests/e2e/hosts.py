"""Hosts of their own for processes of a test: network namespaces on one switch. Needs root.

    with Hosts("red", "blue") as hosts:
        test.start("server", hosts.on("red", [SERVER, "--listen=%s:7000" % hosts.address("red")]))
        hosts.unplug("red")

A host is held by a process that does nothing; when it ends, the kernel takes the namespace down
with all that is in it.
"""

import os
import subprocess
import unittest


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
            self.hold(name)
        self.ip("switch", "link", "add", "br0", "type", "bridge", "stp_state", "0",
                "forward_delay", "0")
        self.ip("switch", "link", "set", "br0", "up")
        for name, address in self.addresses.items():
            self.ip("switch", "link", "add", "to-" + name, "type", "veth", "peer", "name", "eth0",
                    "netns", str(self.holders[name].pid))
            self.ip("switch", "link", "set", "to-" + name, "master", "br0", "up")
            self.ip(name, "addr", "add", address + "/24", "dev", "eth0")
            self.ip(name, "link", "set", "lo", "up")
            self.ip(name, "link", "set", "eth0", "up")

    def hold(self, name):
        """A process in a namespace of its own; returns once it is there."""
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo here; exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.holders[name] = holder
        if holder.stdout.readline() != b"here\n":
            raise OSError(holder.stderr.read().decode().strip())

    def ip(self, host, *arguments):
        done = subprocess.run(self.on(host, ["ip", *arguments]), capture_output=True, text=True,
                              env=dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin"))
        if done.returncode != 0:
            raise OSError("ip %s: %s" % (" ".join(arguments), done.stderr.strip()))

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
