"""Hosts that differ: a folder that is not shared, a scratch folder that cannot run programs.

A host is played by a worker in a mount namespace of its own, which makes it a host like any other:
it gets the job's binary shipped and fetches sources over the network.
"""

import cluster
from cluster import WORDCOUNT, WORKER, read_output


class OtherHostsTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.text("in/text", "words of one host\n")

    def worker_elsewhere(self, master, mount, name):
        """A worker whose host sees `mount` (arguments of mount(8)) instead of what is there."""
        script = "mount %s && exec \"$@\"" % mount
        return self.start_ready("worker", [
            "unshare", "--mount", "sh", "-c", script, "sh", WORKER, "--master=" + master.address,
            "--slots=1", "--name=" + name, "--scratch_dir=" + self.path("scratch-" + name)])

    def submit(self, master, code=0):
        return self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                        "--output=" + self.path("shared/out"), "--reducers=2").finish(code)

    def test_a_host_that_does_not_see_the_output_is_named(self):
        self.text("shared/.keep", "")
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("shared"), "blind")
        self.workers_joined(master, 1)
        said = self.submit(master, code=2).said()
        self.assertIn(self.path("shared/out"), said)
        self.assertIn("blind", said)

    def test_a_host_that_does_not_see_the_input_is_named(self):
        self.text("shared/.keep", "")
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("in"), "blind")
        self.workers_joined(master, 1)
        said = self.submit(master, code=2).said()
        self.assertIn(self.path("in/text"), said)
        self.assertIn("blind", said)

    def test_a_host_with_a_scratch_folder_that_cannot_run_programs_is_named(self):
        self.text("shared/.keep", "")
        self.text("scratch-mute/.keep", "")
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs -o noexec none " + self.path("scratch-mute"),
                              "mute")
        self.workers_joined(master, 1)
        said = self.submit(master, code=1).said()
        self.assertIn("noexec", said)
        self.assertIn("mute", said)

    def test_two_hosts_share_a_job(self):
        self.text("shared/.keep", "")
        master = self.master()
        for name in ("one", "two"):
            self.text("spare-%s/.keep" % name, "")
            self.worker_elsewhere(master, "-t tmpfs none " + self.path("spare-" + name), name)
        self.workers_joined(master, 2)
        self.submit(master)
        self.assertEqual(read_output(self.path("shared/out")),
                         {w: 1 for w in b"words of one host".split()})


if __name__ == "__main__":
    cluster.main()
