"""What the waits of cluster.py say when they wait in vain."""

import json
import os
import tempfile
import unittest
from unittest import mock

import cluster


class Silent:
    """A process that goes on and does nothing."""

    args, returncode = ["master/master"], None

    def poll(self):
        return self.returncode

    def said(self):
        return "its last words\n"


class WaitsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.ready = os.path.join(folder.name, "ready")
        self.watch = cluster.Watch(folder.name, cluster.RENAMED)

    @mock.patch.object(cluster, "DEADLINE_S", 0)
    def test_a_ready_file_that_does_not_come(self):
        with self.assertRaisesRegex(AssertionError, "^master/master did not write .*/ready within "
                                                    "0 s; it said:\nits last words\n$"):
            self.watch.wait_for(self.ready, Silent())

    def test_a_process_that_ends_before_it_is_ready(self):
        process = Silent()
        process.returncode = 3
        with self.assertRaisesRegex(AssertionError, "ended with 3 before it was ready:\nits last"):
            self.watch.wait_for(self.ready, process)

    def test_a_ready_file_that_is_there(self):
        with open(self.ready, "w") as f:
            json.dump({"listen": "127.0.0.1:7"}, f)
        self.assertEqual(self.watch.wait_for(self.ready, Silent()), {"listen": "127.0.0.1:7"})

    def test_looking_until_it_is_so(self):
        looks = iter([1, 2, 3])
        self.assertEqual(cluster.look_until("it is 3", lambda: next(looks), lambda n: n == 3), 3)

    def test_looking_in_vain(self):
        with self.assertRaisesRegex(AssertionError,
                                    r"^waited 0 s in vain until w2 is lost; last seen: \['w2'\]$"):
            cluster.look_until("w2 is lost", lambda: ["w2"], lambda seen: not seen, seconds=0)


if __name__ == "__main__":
    unittest.main()
