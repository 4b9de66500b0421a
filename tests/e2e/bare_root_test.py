"""The binaries run where nothing is installed: worker and job in a bare root folder."""

import os
import shutil
import subprocess

import cluster
from cluster import MASTER, WORDCOUNT, WORKER, read_output


class BareRootTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        self.mounted = None
        for folder in ("bin", "tmp", "shared"):
            os.makedirs(os.path.join(self.root, folder))
        for binary in (MASTER, WORKER, WORDCOUNT):
            shutil.copy(binary, os.path.join(self.root, "bin"))
        with open(os.path.join(self.root, "shared/text"), "w") as f:
            f.write("words in a bare room\n")

    def tearDown(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.mounted], check=True)
        super().tearDown()

    def bare(self, name, *arguments):
        """The command line that runs /bin/NAME with the bare folder as its root."""
        return ["unshare", "--root=" + self.root, "/bin/" + name, *arguments]

    def test_a_local_cluster_in_a_bare_root(self):
        job = self.start("job", self.bare("wordcount", "--input=/shared/text", "--workers=2",
                                          "--output=/shared/out", "--progress=none"),
                         env=dict(self.environment, TMPDIR="/tmp"), cwd="/")
        job.finish()
        self.assertEqual(read_output(os.path.join(self.root, "shared/out")),
                         {w: 1 for w in b"words in a bare room".split()})

    def test_a_worker_in_a_bare_root_gets_the_binary_shipped(self):
        # The same path for input and output on both sides, as on a shared file system.
        os.makedirs(self.root + self.folder)
        shared = self.path("data")
        os.mkdir(shared)
        os.makedirs(self.root + shared, exist_ok=True)
        subprocess.run(["mount", "--bind", shared, self.root + shared], check=True)
        self.mounted = self.root + shared
        with open(os.path.join(shared, "text"), "w") as f:
            f.write("shipped words\n")
        master = self.master()
        self.start("worker", self.bare("worker", "--master=" + master.address, "--slots=1",
                                       "--scratch_dir=/tmp"),
                   env=dict(self.environment, TMPDIR="/tmp"), cwd="/")
        self.workers_joined(master, 1)
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + shared + "/text",
                 "--output=" + shared + "/out", "--reducers=1").finish()
        self.assertEqual(read_output(shared + "/out"), {b"shipped": 1, b"words": 1})
        cached = [os.path.join(folder, name)
                  for folder, _, names in os.walk(self.root + "/tmp") for name in names]
        self.assertTrue(any(os.path.getsize(p) == os.path.getsize(WORDCOUNT) for p in cached),
                        "the binary came over the wire")


if __name__ == "__main__":
    cluster.main()
