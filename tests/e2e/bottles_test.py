"""The ring of //apps/bottles as real processes: who sings what, who dies, who leaves."""

import collections
import os
import re
import signal
import socket

import cluster
from hosts import Hosts

BOTTLES = os.path.abspath("apps/bottles/bottles")
ENDING = ("No more bottles of beer on the wall, no more bottles of beer. "
          "Go to the store, buy some more...")


def verse(number):
    count = "%d bottle%s" % (number, "" if number == 1 else "s")
    return ("%s of beer on the wall, %s of beer. Take one down, pass it around..." %
            (count, count))


def song_of(ring, place, bottles):
    """What the buddy `place` after the one that begins sings, in a ring of so many."""
    lines = [verse(number) for number in range(bottles - place, 0, -ring)]
    return lines + [ENDING] if (bottles - 1) % ring == place and bottles else lines


class BottlesTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.reserved = []

    def tearDown(self):
        for held in self.reserved:
            held.close()
        super().tearDown()

    def free_address(self):
        """One that nobody else is given, because a socket is bound to it that never listens."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self.reserved.append(held)
        return "127.0.0.1:%d" % held.getsockname()[1]

    def buddy(self, listen, following, *flags, wrap=lambda argv: argv):
        argv = wrap([BOTTLES, "--listen=" + listen, "--next=" + following, *flags])
        # A short song is over, and its ready file removed, before anybody looks.
        begins = any(flag.startswith("--bottles=") for flag in flags)
        return (self.start if begins else self.start_ready)("buddy", argv)

    def ring(self, size, bottles, *flags):
        """The last one begins. Returns the buddies, in the order in which they sing."""
        self.addresses = [self.free_address() for _ in range(size)]
        buddies = []
        for i, address in enumerate(self.addresses):
            begins = ["--bottles=%d" % bottles] if i == size - 1 else []
            buddies.append(self.buddy(address, self.addresses[(i + 1) % size], *begins, *flags))
        self.addresses = self.addresses[-1:] + self.addresses[:-1]
        return buddies[-1:] + buddies[:-1]

    def sung(self, buddies):
        return [line for buddy in buddies for line in buddy.output().splitlines()]

    def wait_until_sung(self, buddies, number):
        cluster.look_until("%d verses are sung" % number, lambda: len(self.sung(buddies)),
                           lambda sung: sung >= number)

    def expect_no_verse_twice(self, buddies, bottles):
        """Nor any missing, but those that were reported to be with a dead buddy."""
        said = "".join(buddy.said() for buddy in buddies)
        lost = {int(number) for number in re.findall(r"verse (\d+) was with \S+ and may not", said)}
        count = collections.Counter(self.sung(buddies))
        self.assertEqual([line for line, times in count.items() if times > 1], [])
        missing = {n for n in range(1, bottles + 1) if verse(n) not in count}
        self.assertLessEqual(missing, lost)
        for buddy in buddies:
            numbers = [int(line.split()[0]) for line in buddy.output().splitlines()
                       if line != ENDING]
            self.assertEqual(numbers, sorted(numbers, reverse=True))

    # --- The song ---

    def test_every_buddy_sings_its_verses_in_order_and_leaves(self):
        for size in (1, 2, 3, 5):
            for place, buddy in enumerate(self.ring(size, 99)):
                self.assertEqual(buddy.finish().output().splitlines(), song_of(size, place, 99))

    def test_the_song_needs_no_bottles(self):
        for bottles in (0, 1, 2):
            buddies = [buddy.finish() for buddy in self.ring(3, bottles)]
            self.assertEqual(self.sung(buddies),
                             [verse(n) for n in range(bottles, 0, -1)] + [ENDING])

    def test_a_long_song_takes_no_more_memory_than_a_short_one(self):
        peak = {}
        for bottles in (100, 10_000):
            buddies = self.ring(3, bottles)
            peaks = []
            for buddy in buddies:
                _, status, usage = os.wait4(buddy.pid, 0)
                buddy.returncode = os.waitstatus_to_exitcode(status)
                self.assertEqual(buddy.returncode, 0, buddy.said())
                peaks.append(usage.ru_maxrss)
            peak[bottles] = max(peaks)
            self.expect_no_verse_twice(buddies, bottles)
            self.assertEqual(len(self.sung(buddies)), bottles + 1)
        self.assertLess(peak[10_000], peak[100] + 2048)  # KiB

    def test_who_begins_may_be_there_before_the_others(self):
        first, second, third = (self.free_address() for _ in range(3))
        begins = self.buddy(first, second, "--bottles=30")
        begins.wait_to_say("waiting for buddy " + second)
        following = self.buddy(second, third)
        following.wait_to_say("waiting for buddy " + third)
        last = self.buddy(third, first)
        for place, buddy in enumerate([begins, following, last]):
            self.assertEqual(buddy.finish().output().splitlines(), song_of(3, place, 30))

    def test_names_lead_to_buddies_too(self):
        port = self.free_address().split(":")[1]
        buddy = self.buddy("localhost:" + port, "localhost:" + port, "--bottles=2")
        self.assertEqual(len(buddy.finish().output().splitlines()), 3)

    # --- Dead buddies ---

    def test_a_dead_buddy_is_reported_by_name(self):
        buddies = self.ring(3, 10_000, "--beat=1ms")
        self.wait_until_sung(buddies, 30)
        buddies[1].kill()
        said = buddies[0].finish(3).said()
        self.assertIn("buddy %s is dead: " % self.addresses[1], said)
        self.assertIn("--skip_dead", said)
        buddies[2].finish(3)  # the one before has left
        self.expect_no_verse_twice(buddies, 0)

    def test_the_song_goes_round_a_dead_buddy(self):
        for victim in (0, 1, 2):
            buddies = self.ring(3, 300, "--beat=2ms", "--skip_dead")
            self.wait_until_sung(buddies, 50)
            buddies[victim].kill()
            self.assertEqual(buddies[victim].wait(), -signal.SIGKILL)
            for buddy in buddies:
                if buddy is not buddies[victim]:
                    buddy.finish()
            before = buddies[victim - 1]
            self.assertIn("buddy %s is dead" % self.addresses[victim], before.said())
            self.expect_no_verse_twice(buddies, 300)
            self.assertGreater(len(self.sung(buddies)), 299)

    def test_at_full_speed_no_verse_is_repeated_either(self):
        for verses in (100, 1000, 2000, 3000):
            buddies = self.ring(3, 10_000, "--skip_dead")
            self.wait_until_sung(buddies, verses)
            buddies[1].kill()
            buddies[0].finish()
            buddies[2].finish()
            self.expect_no_verse_twice(buddies, 10_000)

    def test_who_is_left_alone_sings_to_the_end(self):
        buddies = self.ring(3, 300, "--beat=2ms", "--skip_dead")
        self.wait_until_sung(buddies, 50)
        buddies[1].kill()
        self.wait_until_sung(buddies, 100)
        buddies[2].kill()
        buddies[0].finish()
        self.expect_no_verse_twice(buddies, 300)
        self.assertEqual(buddies[0].output().splitlines()[-1], ENDING)

    def test_a_buddy_that_is_stopped_for_a_while_is_waited_for(self):
        buddies = self.ring(3, 300, "--beat=2ms", "--skip_dead")
        self.wait_until_sung(buddies, 50)
        buddies[1].send_signal(signal.SIGSTOP)
        # Whether it was stopped before or after its verse: all others have sung what they can.
        cluster.look_until("the song stands at the buddy",
                           lambda: [len(buddy.output().splitlines()) for buddy in buddies],
                           lambda sung: sung[2] == sung[0] - 1 and sung[1] in (sung[0], sung[2]))
        self.assertLess(len(self.sung(buddies)), 300)
        buddies[1].send_signal(signal.SIGCONT)
        for place, buddy in enumerate(buddies):
            self.assertEqual(buddy.finish().output().splitlines(), song_of(3, place, 300))

    def test_a_buddy_that_rests_can_be_sent_home(self):
        address = self.free_address()
        buddy = self.buddy(address, address)
        buddy.send_signal(signal.SIGTERM)
        self.assertEqual(buddy.finish().output(), "")

    # --- Hosts ---

    def test_buddies_on_hosts_of_their_own(self):
        with Hosts("ann", "bob", "cid") as hosts:
            buddies = self.ring_on(hosts, 99)
            for place, buddy in enumerate(buddies):
                self.assertEqual(buddy.finish().output().splitlines(), song_of(3, place, 99))

    def ring_on(self, hosts, bottles, *flags, slow=None):
        """The song stays for a second at each verse of the slow one."""
        names = list(hosts.addresses)
        buddies = []
        for i, name in enumerate(names):
            following = names[(i + 1) % len(names)]
            begins = ["--bottles=%d" % bottles] if i == len(names) - 1 else []
            begins += ["--beat=1s"] if name == slow else []
            buddies.append(self.buddy(
                "%s:7100" % hosts.address(name), "%s:7100" % hosts.address(following),
                "--insecure", *begins, *flags, wrap=lambda argv, host=name: hosts.on(host, argv)))
        return buddies[-1:] + buddies[:-1]

    def test_a_host_that_is_cut_off_is_not_dead(self):
        with Hosts("ann", "bob", "cid") as hosts:
            buddies = self.ring_on(hosts, 300, "--skip_dead", "--beat=2ms")
            self.wait_until_sung(buddies, 50)
            hosts.unplug("bob")
            hosts.wait_until_unheard("ann", "bob")
            hosts.drop_connections("ann", "bob")
            buddies[1].wait_to_say("waiting for buddy|buddy .* is dead")  # Ann, before Bob
            self.assertLess(len(self.sung(buddies)), 300)
            hosts.plug_in("bob")
            for place, buddy in enumerate(buddies):
                self.assertEqual(buddy.finish().output().splitlines(), song_of(3, place, 300))

    def test_a_buddy_killed_on_its_host_is_dead(self):
        for skip in ([], ["--skip_dead"]):
            with Hosts("ann", "bob", "cid") as hosts:
                buddies = self.ring_on(hosts, 300, "--beat=2ms", *skip)
                self.wait_until_sung(buddies, 50)
                buddies[1].kill()
                self.assertEqual(buddies[1].wait(), -signal.SIGKILL)
                said = buddies[0].finish(0 if skip else 3).said()
                self.assertIn("buddy %s:7100 is dead" % hosts.address("ann"), said)
                buddies[2].finish(0 if skip else 3)
                self.expect_no_verse_twice(buddies, 300 if skip else 0)

    def test_a_host_that_stays_cut_off_ends_the_song_and_is_named(self):
        with Hosts("ann", "bob", "cid") as hosts:
            buddies = self.ring_on(hosts, 99, "--skip_dead", "--patience=1s", slow="bob")
            self.wait_until_sung(buddies[2:], 2)  # Bob
            hosts.unplug("ann")  # to whom Cid, after Bob, will hand the song
            hosts.wait_until_unheard("cid", by="ann")
            hosts.drop_connections("cid", "ann")
            said = buddies[0].finish(3).said()
            self.assertRegex(said, "cannot reach buddy %s:7100" % hosts.address("ann"))
            self.assertNotIn("is dead", said)
            self.expect_no_verse_twice(buddies, 0)

    def test_who_dies_while_its_host_is_cut_off_is_dead_once_the_host_says_so(self):
        with Hosts("ann", "bob", "cid") as hosts:
            buddies = self.ring_on(hosts, 300, "--skip_dead", "--beat=2ms")
            self.wait_until_sung(buddies, 50)
            hosts.unplug("ann")
            hosts.wait_until_unheard("cid", "ann")
            hosts.drop_connections("cid", "ann")
            hosts.wait_until_it_dials_in_vain("cid")
            buddies[1].kill()
            self.assertEqual(buddies[1].wait(), -signal.SIGKILL)
            self.assertNotIn("is dead", buddies[0].said())
            hosts.plug_in("ann")
            for place in (0, 2):
                buddies[place].finish()
            self.assertIn("buddy %s:7100 is dead" % hosts.address("ann"), buddies[0].said())
            self.expect_no_verse_twice(buddies, 300)

    # --- The command line ---

    def complaint(self, *flags, code=2):
        return self.start("buddy", [BOTTLES, *flags]).finish(code).said()

    def test_a_missing_address_is_named_by_its_flag(self):
        self.assertIn("--listen is missing", self.complaint("--next=127.0.0.1:7102"))
        self.assertIn("--next is missing", self.complaint("--listen=127.0.0.1:7101"))

    def test_wrong_values_are_named_by_their_flag(self):
        ring = ["--listen=127.0.0.1:0", "--next=127.0.0.1:7101"]
        self.assertIn("--bottles=10001", self.complaint(*ring, "--bottles=10001"))
        self.assertIn("--bottles=-1", self.complaint(*ring, "--bottles=-1"))
        self.assertIn("--beat=soon", self.complaint(*ring, "--beat=soon"))
        self.assertIn("--next: ", self.complaint(ring[0], "--next=127.0.0.1:0"))
        self.assertIn("--insecure", self.complaint(ring[0], "--next=10.0.0.1:7101"))

    def test_a_next_one_that_never_comes_is_named_with_what_to_check(self):
        address, nobody = self.free_address(), self.free_address()
        said = self.complaint("--listen=" + address, "--next=" + nobody, "--bottles=5",
                              "--patience=100ms", code=3)
        self.assertIn("cannot reach buddy %s: " % nobody, said)
        self.assertIn("Connection refused", said)
        self.assertIn("is the server running there", said)

    def test_a_song_that_cannot_be_heard_ends_with_a_message(self):
        address = self.free_address()
        with open("/dev/full", "w") as full:
            log = self.path("full")
            process = cluster.subprocess.run(
                [BOTTLES, "--listen=" + address, "--next=" + address, "--bottles=5"],
                stdout=full, stderr=cluster.subprocess.PIPE, text=True, cwd=os.path.dirname(log))
        self.assertEqual(process.returncode, 1)
        self.assertIn("cannot write to standard output: No space left", process.stderr)

    def test_the_example_of_the_help_works_as_printed(self):
        text = self.start("help", [BOTTLES, "--help"]).finish().output()
        first, second = (re.search(r"terminal %d:\s+(bottles .*)" % n, text).group(1).split()[1:]
                         for n in (1, 2))
        with Hosts("one") as hosts:  # where the ports are free
            rests = self.start_ready("buddy", hosts.on("one", [BOTTLES, *first]))
            begins = self.start("buddy", hosts.on("one", [BOTTLES, *second]))
            for place, buddy in enumerate([begins, rests]):
                self.assertEqual(buddy.finish().output().splitlines(), song_of(2, place, 99))


if __name__ == "__main__":
    cluster.main()
