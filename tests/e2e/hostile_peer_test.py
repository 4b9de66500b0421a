"""Bytes from strangers: refused, logged with the peer, and nobody else notices."""

import os
import random
import socket
import threading

import cluster
import stranger
from cluster import MILLRACE, WORDCOUNT, WORKER, read_output

OTHER_VERSION = 999


class PeerOfAnotherVersion:
    """Accepts one connection, reads the greeting and refuses it for its version."""

    VERDICT = 1  # kOtherVersion

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(cluster.DEADLINE_S)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.heard = b""
        self.thread = threading.Thread(target=self.refuse_one, daemon=True)
        self.thread.start()

    def refuse_one(self):
        with self.listener, self.listener.accept()[0] as s:
            s.settimeout(cluster.DEADLINE_S)
            while len(self.heard) < 29 and (chunk := s.recv(29 - len(self.heard))):
                self.heard += chunk
            s.sendall(stranger.greeting(self.VERDICT, OTHER_VERSION))
            s.recv(1)  # until the other side has closed


class HostilePeerTest(cluster.ClusterTest):
    def closed_by_peer(self, address, data):
        """Sends `data` and waits until the other side has closed; returns what it answered."""
        return stranger.send_until_closed(stranger.connect(address), data)

    def test_random_bytes_to_every_port(self):
        master = self.master()
        worker = self.worker("--master=" + master.address, "--listen=127.0.0.1:0")
        rng = random.Random(1)
        for process, address in ((master, master.address), (worker, worker.ready["listen"])):
            for size in (1, 8, 29, 1000, 100000):
                self.assertEqual(self.closed_by_peer(address, rng.randbytes(size)), b"")
            self.closed_by_peer(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            process.wait_to_say("127.0.0.1:[0-9]+.*does not speak Millrace's protocol")
        self.text("in/text", "still at work\n")
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--reducers=2", "--shuffle=network").finish()
        self.assertEqual(read_output(self.path("out")), {b"still": 1, b"at": 1, b"work": 1})

    def test_random_bytes_to_a_worker_that_nobody_has_dialled_yet(self):
        worker = self.worker("--listen=127.0.0.1:0")
        rng = random.Random(2)
        for size in (1, 8, 29, 1000, 100000):
            self.assertEqual(self.closed_by_peer(worker.ready["listen"], rng.randbytes(size)), b"")
        worker.wait_to_say("127.0.0.1:[0-9]+.*does not speak Millrace's protocol")
        master = self.master("--workers=" + worker.ready["listen"])
        self.assertEqual(len(self.workers_joined(master, 1)), 1)

    def test_random_bytes_to_the_page_for_health_checks(self):
        master = self.master("--http=127.0.0.1:0")
        page = master.ready["http"]
        rng = random.Random(3)
        # More connections than the page serves at a time: every one of them must be given back.
        for size in (1, 8, 29, 1000, 100000) * 10:
            self.closed_by_peer(page, rng.randbytes(size))
        healthy = self.closed_by_peer(page, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertRegex(healthy, rb"^HTTP/1.1 200 ")
        self.assertEqual(self.millrace(master, "jobs", "--json"), [])

    def test_another_protocol_version_is_named(self):
        master = self.master()
        self.closed_by_peer(master.address, stranger.greeting(stranger.CLIENT, OTHER_VERSION))
        master.wait_to_say("127.0.0.1:[0-9]+.*version %d" % OTHER_VERSION)

    def test_a_master_of_another_version_is_exit_6(self):
        self.text("in/text", "some words\n")
        commands = {
            "job": [WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out")],
            "millrace": [MILLRACE, "jobs"],
            "worker": [WORKER, "--scratch_dir=" + self.path("scratch")],
        }
        for name, argv in commands.items():
            with self.subTest(name):
                peer = PeerOfAnotherVersion()
                process = self.start(name, argv + ["--master=" + peer.address]).finish(6)
                peer.thread.join(cluster.DEADLINE_S)
                ours = int.from_bytes(peer.heard[8:12], "little")
                self.assertEqual(peer.heard[:8], stranger.greeting(0)[:8])
                self.assertRegex(process.said(), "%s speaks protocol version %d, .*version %d;" %
                                 (peer.address, OTHER_VERSION, ours))
        self.assertFalse(os.path.exists(self.path("out")), "nothing was done")


if __name__ == "__main__":
    cluster.main()
