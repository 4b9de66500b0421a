"""Messages larger than any that we send, from a peer that knows the preamble: refused before memory
is taken for them, logged with the peer, and nobody else notices."""

import re
import struct

import cluster
import stranger
from cluster import UNRULY, read_output
from stranger import BULK, CLIENT, FETCHER, MASTER, WORKER

MESSAGE_BYTES_MAX = 16 << 20  # kMaxMessageBytes
SEGMENTS_MAX = 512            # kMaxSegments
# What a server may grow by: buffers of sockets and logs, nothing of the size of a message.
GROWTH_KIB_MAX = 8 << 10


def frame(*segment_bytes):
    """The head of a Cap'n Proto message with segments of these sizes."""
    head = struct.pack("<I", len(segment_bytes) - 1)
    head += b"".join(struct.pack("<I", size // 8) for size in segment_bytes)
    return head + bytes(-len(head) % 8)


MESSAGES = {
    "a message of 4294967296 bytes": frame(4 << 30),
    "a message of 16777224 bytes": frame(MESSAGE_BYTES_MAX + 8) + bytes(MESSAGE_BYTES_MAX + 8),
    "a message of 34359738376 bytes": frame(8, (32 << 30) - 16, 8, 8),
    "a message of 513 segments": frame(*[8] * (SEGMENTS_MAX + 1)) + bytes(8 * (SEGMENTS_MAX + 1)),
    "a message of 4294967296 segments": b"\xff" * 8 + bytes(1 << 20),
}
HEADERS = {
    "a line that does not end": b"GET /" + b"x" * (64 << 20),
    "a header that does not end": b"GET /jobs HTTP/1.1\r\nX: " + b"x" * (64 << 20),
    "headers that do not end": b"GET /jobs HTTP/1.1\r\n" + b"X: y\r\n" * (8 << 20),
}


class OversizedTest(cluster.ClusterTest):
    def memory_kib(self, process):
        """The most memory that it has used since this was last asked."""
        with open("/proc/%d/status" % process.pid) as f:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1))
        with open("/proc/%d/clear_refs" % process.pid, "w") as f:
            f.write("5")
        return peak

    def memory_before(self, process):
        """What it uses now."""
        self.memory_kib(process)
        return self.memory_kib(process)

    def held_job(self, master):
        """A job whose map stands at self.gate until it is opened."""
        self.gate = cluster.Gate(self.path("gate"))
        self.text("in/text", "still %s at work\n" % self.gate.word)
        job = self.job(UNRULY, "--master=" + master.address, "--input=" + self.path("in"),
                       "--output=" + self.path("out"), "--reducers=2", "--shuffle=network")
        self.gate.meet()
        return job

    def finish_undisturbed(self, master, job):
        """Lets the job end: nothing of it was lost meanwhile."""
        self.gate.open()
        job.finish()
        self.assertEqual(read_output(self.path("out")), {b"still": 1, b"at": 1, b"work": 1})
        attempts = self.millrace(master, "attempts", "1", "--json")
        self.assertEqual({(a["reason"], a["cause"]) for a in attempts}, {("first", "succeeded")})

    def refused(self, process, address, role, what, data):
        """Sends `data` after a valid preamble; the connection is closed, and the log says why."""
        s = stranger.welcomed(address, role)
        name = stranger.name(s)
        stranger.send_until_closed(s, data)
        process.wait_to_say("closing the connection with %s: .*%s" % (re.escape(name), what))

    def attack(self, ports):
        """Sends every message to each (process, address, role), and measures the processes."""
        for process, address, role in ports:
            stranger.welcomed(address, role).close()
            before = self.memory_before(process)
            for what, data in MESSAGES.items():
                with self.subTest(what, role=role):
                    self.refused(process, address, role, what, data)
            self.assertLess(self.memory_kib(process), before + GROWTH_KIB_MAX)

    def test_to_the_ports_of_a_running_cluster(self):
        master = self.master()
        worker = self.worker("--master=" + master.address, "--listen=127.0.0.1:0")
        job = self.held_job(master)
        self.attack([(master, master.address, CLIENT),
                     (master, master.address, WORKER),
                     (master, master.address, BULK),
                     (worker, worker.ready["listen"], FETCHER)])
        self.finish_undisturbed(master, job)

    def test_to_a_worker_that_waits_to_be_dialled(self):
        worker = self.worker("--listen=127.0.0.1:0")
        self.attack([(worker, worker.ready["listen"], role) for role in (MASTER, FETCHER)])
        master = self.master("--workers=" + worker.ready["listen"])
        self.assertEqual(len(self.workers_joined(master, 1)), 1)
        self.finish_undisturbed(master, self.held_job(master))

    def test_to_the_page_for_health_checks(self):
        master = self.master("--http=127.0.0.1:0")
        worker = self.worker("--master=" + master.address)
        job = self.held_job(master)
        page = master.ready["http"]
        before = self.memory_before(master)
        for what, data in HEADERS.items():
            with self.subTest(what):
                s = stranger.connect(page)
                name = stranger.name(s)
                self.assertNotRegex(stranger.send_until_closed(s, data), rb"^HTTP/1.1 [^45]")
                master.wait_to_say("http: refused %s: " % re.escape(name))
        self.assertLess(self.memory_kib(master), before + GROWTH_KIB_MAX)
        healthy = stranger.send_until_closed(stranger.connect(page),
                                             b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertRegex(healthy, rb"^HTTP/1.1 200 ")
        self.finish_undisturbed(master, job)

    def test_a_request_with_a_large_body(self):
        master = self.master("--http=127.0.0.1:0")
        page = master.ready["http"]
        before = self.memory_before(master)
        body = 64 << 20
        head = b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % body
        answer = stranger.send_until_closed(stranger.connect(page), head + bytes(body))
        self.assertRegex(answer, rb"^(HTTP/1.1 405 |$)")  # lost when it closes on what we still send
        self.assertLess(self.memory_kib(master), before + GROWTH_KIB_MAX)
        self.assertEqual(self.millrace(master, "jobs", "--json"), [])


if __name__ == "__main__":
    cluster.main()
