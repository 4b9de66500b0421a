"""Bytes from strangers: refused, logged with the peer, and nobody else notices."""

import os
import random
import socket

import cluster
from cluster import WORDCOUNT, read_output


class HostilePeerTest(cluster.ClusterTest):
    def closed_by_peer(self, address, data):
        """Sends `data` and waits until the other side has closed; returns what it answered."""
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=cluster.DEADLINE_S) as s:
            answer = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while chunk := s.recv(65536):
                    answer += chunk
            except OSError:  # it has closed already
                pass
            return answer

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

    def test_another_protocol_version_is_named(self):
        master = self.master()
        # The first bytes of a client of protocol 999 (rpc/preamble.h).
        hello = b"\x93millr\r\n" + (999).to_bytes(4, "little") + bytes([1]) + os.urandom(16)
        self.closed_by_peer(master.address, hello)
        master.wait_to_say("127.0.0.1:[0-9]+.*version 999")


if __name__ == "__main__":
    cluster.main()
