"""Hosts that differ: a folder that is not shared, a scratch folder that cannot run programs, job
binaries that are damaged or made for another machine.

A host is played by a worker in a mount namespace of its own, which makes it a host like any other:
it gets the job's binary shipped and fetches sources over the network.
"""

import glob
import os
import shutil

import cluster
from cluster import STREAMING, TOP_K, WORDCOUNT, WORKER, part_names, read_output

E_MACHINE = 18  # where an ELF header says for which machine it is
ARM_64 = 183


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

    def flags(self, master, output="out"):
        return ["--master=" + master.address, "--input=" + self.path("in"),
                "--output=" + self.path("shared", output), "--reducers=2"]

    def submit(self, master, code=0, output="out"):
        return self.job(WORDCOUNT, *self.flags(master, output)).finish(code)

    def test_a_host_that_does_not_see_the_output_is_named(self):
        self.text("shared/.keep", "")
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("shared"), "blind")
        self.workers_joined(master, 1)
        said = self.submit(master, code=2).said()
        self.assertIn(self.path("shared/out"), said)
        self.assertIn("blind", said)

    def test_a_chain_that_such_a_host_refuses_leaves_nothing(self):
        self.text("shared/.keep", "")
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("shared"), "blind")
        self.workers_joined(master, 1)
        said = self.job(TOP_K, *self.flags(master)).finish(2).said()
        self.assertIn("blind", said)
        cluster.look_until("what was staged is gone", lambda: os.listdir(self.path("shared")),
                           lambda names: names == [".keep"])

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
        self.assertRegex(said, self.path("scratch-mute") + r"/\S+ lies on a file system that is "
                         "mounted noexec.*--scratch_dir")
        self.assertIn("on worker mute", said)

    def test_a_binary_that_was_damaged_between_two_jobs_is_fetched_again(self):
        self.text("shared/.keep", "")
        self.text("spare/.keep", "")
        master = self.master()
        worker = self.worker_elsewhere(master, "-t tmpfs none " + self.path("spare"), "one")
        self.workers_joined(master, 1)
        self.submit(master)
        copies = [p for p in glob.glob(self.path("scratch-one/**"), recursive=True)
                  if os.path.isfile(p) and os.path.getsize(p) == os.path.getsize(WORDCOUNT)]
        self.assertEqual(len(copies), 1, "the binary was shipped")
        self.damage(copies[0])
        self.submit(master, output="again")
        worker.wait_to_say("%s is damaged and will be fetched again" % copies[0])
        for output in ("out", "again"):
            self.assertEqual(read_output(self.path("shared", output)),
                             {w: 1 for w in b"words of one host".split()})

    def damage(self, path):
        """Changes a byte in the middle. The old file may still be running, so it is replaced."""
        with open(path, "rb") as f:
            content = bytearray(f.read())
        content[len(content) // 2] ^= 1
        with open(path + ".damaged", "wb") as f:
            f.write(content)
        os.chmod(path + ".damaged", 0o700)
        os.rename(path + ".damaged", path)

    def test_a_job_built_for_another_machine_is_named(self):
        self.text("shared/.keep", "")
        master = self.master("--workers=2")
        self.workers_joined(master, 2)
        job = self.start("job", self.built_for(ARM_64) + self.flags(master)).finish(1)
        self.assertIn("it is for ARM 64, and this host runs x86-64 programs; build the job for "
                      "x86-64 Linux", job.said())
        self.assertFalse(os.path.exists(self.path("shared/out")))

    def built_for(self, machine):
        """The command line of a client whose host runs programs for that machine, played by a host
        on which another file lies over the one that runs."""
        shutil.copy(WORDCOUNT, self.path("job"))
        shutil.copy(WORDCOUNT, self.path("foreign"))
        with open(self.path("foreign"), "r+b") as f:
            f.seek(E_MACHINE)
            f.write(machine.to_bytes(2, "little"))
        script = "exec 9<%s && mount --bind %s %s && exec /proc/self/fd/9 \"$@\"" % (
            self.path("job"), self.path("foreign"), self.path("job"))
        return ["unshare", "--mount", "sh", "-c", script, "sh", "--progress=none"]

    def test_scripts_reach_a_host_that_does_not_see_them(self):
        self.text("shared/.keep", "")
        self.text("home/map.py", "import sys\nfor line in sys.stdin:\n"
                  "    print(open('extra').read() + line.strip())\n")
        self.text("home/count.sh", "#!/bin/sh\nexec uniq -c\n")
        self.text("home/words", "also ")
        self.text("home/none", "")
        os.chmod(self.path("home/count.sh"), 0o755)
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("home"), "far")
        self.workers_joined(master, 1)
        self.job(STREAMING, *self.flags(master), "--mapper=python3 map.py", "--reducer=count.sh",
                 "--file=map.py,words#extra,none,count.sh", cwd=self.path("home")).finish()
        lines = []
        for part in part_names(self.path("shared/out")):
            with open(self.path("shared/out", part)) as f:
                lines += [line.split() for line in f]
        self.assertEqual(lines, [["1", "also", "words", "of", "one", "host"]])

    def test_a_program_that_only_the_client_has_is_named_with_host_and_reason(self):
        self.text("shared/.keep", "")
        self.text("home/map.sh", "#!/bin/sh\ncat\n")
        os.chmod(self.path("home/map.sh"), 0o755)
        master = self.master()
        self.worker_elsewhere(master, "-t tmpfs none " + self.path("home"), "far")
        self.workers_joined(master, 1)
        said = self.job(STREAMING, *self.flags(master), "--max_attempts=1",
                        "--mapper=%s" % self.path("home/map.sh")).finish(1).said()
        self.assertIn("on worker far", said)
        self.assertIn("the mapper: %s: No such file or directory" % self.path("home/map.sh"), said)
        self.assertIn("--file", said)

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
