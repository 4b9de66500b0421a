"""//apps/clock_sync as real processes on one host, whose true offset is the skew that was asked for."""

import os
import re
import signal
import time

import cluster
from hosts import Hosts

CLOCK_SYNC = os.path.abspath("apps/clock_sync/clock_sync")
SLOW_ROAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slow_road.py")
SERVER = ["--listen=127.0.0.1:0"]


def read(out):
    """{what: number} of a report."""
    found = {name: float(value) for name, value in
             re.findall(r"^(offset|rtt|error bound) [+±]?(-?[\d.]+) ms$", out, re.MULTILINE)}
    assert set(found) == {"offset", "rtt", "error bound"}, out
    return found


def set_by():
    """How far the machine's clock is from one that nobody can set."""
    return time.time() - time.monotonic()


class ClockSyncTest(cluster.ClusterTest):
    def server(self, *flags):
        return self.start_ready("server", [CLOCK_SYNC, *SERVER, *flags])

    def ask(self, server, *flags, code=0):
        return self.start("client", [CLOCK_SYNC, "--server=" + server.ready["listen"],
                                     *flags]).finish(code)

    def expect_offset(self, report, milliseconds):
        self.assertLessEqual(abs(report["offset"] - milliseconds), report["error bound"] + 0.001)
        self.assertLess(report["error bound"], 500)
        self.assertAlmostEqual(report["error bound"], report["rtt"] / 2, delta=0.001)

    def test_a_machine_agrees_with_itself(self):
        out = self.ask(self.server()).output()
        self.expect_offset(read(out), 0)
        self.assertIn("samples 8 good, 0 rejected, 0 unanswered", out)

    def test_a_skewed_clock_is_found_out_whichever_it_is(self):
        for skew, seconds in (("5s", 5), ("-5s", -5), ("1h", 3600), ("-1h", -3600)):
            server = self.server("--skew=" + skew)
            self.expect_offset(read(self.ask(server).output()), seconds * 1000)
            client = self.ask(self.server(), "--skew=" + skew)
            self.expect_offset(read(client.output()), -seconds * 1000)

    def test_what_the_server_does_in_between_does_not_count(self):
        began = time.monotonic()
        report = read(self.ask(self.server("--work=100ms"), "--samples=3").output())
        self.assertGreater(time.monotonic() - began, 0.3)
        self.assertLess(report["rtt"], 100)
        self.expect_offset(report, 0)

    def test_as_many_samples_as_wanted(self):
        self.assertIn("samples 1000 good", self.ask(self.server(), "--samples=1000").output())

    def test_the_clock_of_the_machine_is_never_set(self):
        before = set_by()
        self.ask(self.server("--skew=1h"))
        self.assertLess(abs(set_by() - before), 1)

    def test_hosts_of_their_own(self):
        with Hosts("red", "blue") as hosts:
            address = hosts.address("red") + ":7200"
            self.start_ready("server", hosts.on("red", [
                CLOCK_SYNC, "--listen=0.0.0.0:7200", "--skew=5s", "--insecure"]))
            ask = hosts.on("blue", [CLOCK_SYNC, "--server=" + address, "--insecure"])
            self.expect_offset(read(self.start("client", ask).finish().output()), 5000)
            hosts.unplug("red")
            said = self.start("client", ask).finish(3).said()
            self.assertIn("cannot connect to " + address, said)
            self.assertIn("is a private address", said)
            self.assertIn("is port 7200 open", said)

    def serve_on(self, hosts, *flags):
        return self.start_ready("server", hosts.on("red", [
            CLOCK_SYNC, "--listen=%s:7200" % hosts.address("red"), "--insecure", *flags]))

    def ask_from(self, hosts, *flags, way="red"):
        return self.start("client", hosts.on("blue", [
            CLOCK_SYNC, "--server=%s:7200" % hosts.address(way), "--insecure", *flags]))

    def samples(self, client):
        """(good, unanswered)"""
        found = re.search(r"samples (\d+) good, 0 rejected, (\d+) unanswered", client.output())
        return int(found[1]), int(found[2])

    def test_a_server_that_is_cut_off_for_a_while_is_asked_on(self):
        with Hosts("red", "blue") as hosts:
            self.serve_on(hosts, "--skew=5s", "--work=1ms")
            client = self.ask_from(hosts, "--samples=300")
            hosts.wait_until_connected("blue", "red")
            hosts.unplug("red")
            hosts.wait_until_unheard("blue", "red")
            self.assertIsNone(client.poll())
            hosts.plug_in("red")
            client.finish()
            good, unanswered = self.samples(client)
            self.assertEqual(good + unanswered, 300)
            self.assertLessEqual(unanswered, 2)
            self.expect_offset(read(client.output()), 5000)

    def test_what_was_learned_before_the_server_was_cut_off_counts(self):
        with Hosts("red", "blue") as hosts:
            server = self.serve_on(hosts, "--skew=-1h", "--work=1ms")
            for end in ("cut off", "killed"):
                client = self.ask_from(hosts, "--samples=10000")
                cluster.look_until("some questions are answered", lambda: self.sent(client),
                                   lambda number: number > 5000)
                if end == "cut off":
                    hosts.unplug("red")
                    hosts.wait_until_unheard("blue", "red")
                    hosts.drop_connections("blue", "red")
                else:
                    server.kill()
                client.finish()
                good, unanswered = self.samples(client)
                self.assertGreater(good, 0)
                self.assertLess(good, 10_000)
                self.assertEqual(unanswered, 1, "the connection was lost, and no more was asked")
                self.expect_offset(read(client.output()), -3_600_000)
                hosts.plug_in("red")

    def sent(self, client):
        """Bytes that the process has written, also to connections."""
        with open("/proc/%d/io" % client.pid) as f:
            return int(re.search(r"wchar: (\d+)", f.read())[1])

    def test_a_server_that_is_cut_off_before_it_answers_is_named(self):
        with Hosts("red", "blue") as hosts:
            self.serve_on(hosts, "--work=1h")
            client = self.ask_from(hosts)
            hosts.wait_until_connected("blue", "red")
            hosts.unplug("red")
            hosts.wait_until_unheard("blue", "red")
            hosts.drop_connections("blue", "red")
            said = client.finish(3).said()
            self.assertIn(hosts.address("red") + ":7200", said)

    def expect_half_the_asymmetry(self, report, skew, milliseconds):
        """The way there takes so much longer than the way back."""
        wrong = report["offset"] - skew
        self.assertLessEqual(abs(wrong), report["error bound"] + 0.001)
        self.assertAlmostEqual(wrong, milliseconds / 2, delta=20)
        self.assertAlmostEqual(report["error bound"], milliseconds / 2, delta=20)

    def test_a_way_there_that_is_longer_than_the_way_back(self):
        with Hosts("red", "road", "blue") as hosts:
            self.serve_on(hosts, "--skew=5s")
            self.start_ready("road", hosts.on("road", [
                "python3", SLOW_ROAD, "--listen=%s:7200" % hosts.address("road"),
                "--to=%s:7200" % hosts.address("red"), "--there=0.1"]))
            client = self.ask_from(hosts, way="road").finish()
            self.expect_half_the_asymmetry(read(client.output()), 5000, 100)

    def test_a_way_that_the_kernel_makes_longer(self):
        with Hosts("red", "blue") as hosts:
            try:
                hosts.run("blue", "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay",
                          "100ms")
            except OSError as error:
                self.skipTest("needs a kernel with netem: %s" % error)
            self.serve_on(hosts, "--skew=5s")
            client = self.ask_from(hosts).finish()
            self.expect_half_the_asymmetry(read(client.output()), 5000, 100)

    def test_a_server_that_ends_before_it_answers_is_named(self):
        server = self.server("--work=1h")
        client = self.start("client", [CLOCK_SYNC, "--server=" + server.ready["listen"]])
        server.kill()
        self.assertIn(server.ready["listen"], client.finish(3).said())

    def test_a_server_can_be_stopped(self):
        server = self.server()
        server.send_signal(signal.SIGTERM)
        server.finish()
        said = self.ask(server, code=3).said()
        self.assertIn("cannot connect to %s: Connection refused" % server.ready["listen"], said)
        self.assertIn("is the server running there", said)

    # --- The command line ---

    def complaint(self, *flags):
        return self.start("client", [CLOCK_SYNC, *flags]).finish(2).said()

    def test_a_missing_address_is_named_by_its_flag(self):
        said = self.complaint()
        self.assertIn("--server is missing", said)
        self.assertIn("--listen=HOST:PORT", said)

    def test_wrong_values_are_named_by_their_flag(self):
        self.assertIn("--listen and --server", self.complaint(*SERVER, "--server=127.0.0.1:1"))
        self.assertIn("--samples=0", self.complaint("--server=127.0.0.1:1", "--samples=0"))
        self.assertIn("--skew=soon", self.complaint(*SERVER, "--skew=soon"))
        self.assertIn("--work=soon", self.complaint(*SERVER, "--work=soon"))
        self.assertIn("--server: ", self.complaint("--server=127.0.0.1:0"))
        self.assertIn("--insecure", self.complaint("--server=10.0.0.1:7200"))

    def test_the_example_of_the_help_works_as_printed(self):
        text = self.start("help", [CLOCK_SYNC, "--help"]).finish().output()
        first, second = (re.search(r"terminal %d:\s+clock_sync (.*)" % n, text).group(1).split()
                         for n in (1, 2))
        with Hosts("one") as hosts:  # where the ports are free
            self.start_ready("server", hosts.on("one", [CLOCK_SYNC, *first]))
            client = self.start("client", hosts.on("one", [CLOCK_SYNC, *second])).finish()
            self.expect_offset(read(client.output()), 990)


if __name__ == "__main__":
    cluster.main()
