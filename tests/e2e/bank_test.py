"""Calls that move money, between hosts: whatever is killed or unplugged, and when, the balance is
what the caller was told, in the modes of rpc/caller.h that promise it.

The bank has 100. It is struck at a failpoint or between a call and its reply, and what it then says
on its own proves that it was.
"""

import os
import signal

import cluster
from hosts import Hosts

BANK = os.path.abspath("tests/bank/bank")
ONCE = ("at_most_once", "exactly_once")
BEFORE, DURING, AFTER = "call.begin", "call.before_commit", "call.after_commit"
# Of a caller with a session the first transaction keeps that, and the second executes its call.
DURING_2ND, AFTER_2ND = DURING + ":2", AFTER + ":2"


def at(place, action):
    """The setting of a failpoint: "call.begin:kill", "call.after_commit:kill:2"."""
    name, *nth = place.split(":")
    return ":".join([name, action, *nth])


class BankTest(cluster.ClusterTest):
    def serve(self, hosts, *flags, failpoint=None):
        """The bank, or the bank started again: there is one database for each set of hosts."""
        environment = dict(self.environment)
        if failpoint:
            self.hits = self.path("hits-%02d" % len(self.processes))
            environment.update(MILLRACE_FAILPOINT=failpoint, MILLRACE_FAILPOINT_LOG=self.hits)
        return self.start_ready("bank", hosts.on("bank", [
            BANK, "--listen=%s:7400" % hosts.address("bank"), "--insecure",
            "--database=" + self.path("money-%d" % hosts.holders["bank"].pid), *flags]),
                                env=environment)

    def call(self, hosts, mode, *requests, patience="200ms", deadline="30s"):
        """The caller gives a silent connection up after its patience, and dials again."""
        return self.start("caller", hosts.on("caller", [
            BANK, "--server=%s:7400" % hosts.address("bank"), "--insecure", "--mode=" + mode,
            "--patience=" + patience, "--deadline=" + deadline, *requests]))

    def balance(self, hosts):
        done = self.call(hosts, "plain", "balance", patience="5s").finish().output()
        return int(done[len("done: "):])

    def expect_struck(self, place):
        with open(self.hits) as f:
            self.assertEqual(f.read().split()[0], place.split(":")[0])

    def wait_to_be_struck(self, bank, place):
        """Until the bank has been killed at its failpoint."""
        self.assertEqual(bank.wait(cluster.DEADLINE_S), -signal.SIGKILL)
        self.expect_struck(place)

    def wait_to_be_stopped(self, bank, place):
        def state():
            with open("/proc/%d/stat" % bank.pid) as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        cluster.look_until("the bank is stopped", state, lambda seen: seen == "T")
        self.expect_struck(place)

    def expect(self, caller, end, code):
        caller.finish(code)
        self.assertRegex(caller.output(), "(?s)^%s\n$" % end)

    # --- Nothing happens ---

    def test_a_caller_is_told_what_is_left(self):
        with Hosts("bank", "caller") as hosts:
            bank = self.serve(hosts)
            for i, mode in enumerate(["plain", "at_least_once", *ONCE], 1):
                self.expect(self.call(hosts, mode, "deduct 10"), "done: %d" % (100 - 10 * i), 0)
            self.expect(self.call(hosts, "at_most_once", "deduct 61"), "refused: too little money",
                        3)
            self.assertEqual(self.balance(hosts), 60)
            bank.send_signal(signal.SIGTERM)
            bank.finish()
            self.serve(hosts)
            self.assertEqual(self.balance(hosts), 60)

    # --- The bank is killed ---

    def kill_and_start_again(self, mode, place, *flags):
        """Returns what the caller is told, and the balance."""
        with Hosts("bank", "caller") as hosts:
            bank = self.serve(hosts, *flags, failpoint=at(place, "kill"))
            caller = self.call(hosts, mode, "deduct 10")
            self.wait_to_be_struck(bank, place)
            self.serve(hosts, *flags)
            caller.wait(cluster.DEADLINE_S)
            return caller.output().split(":")[0], self.balance(hosts)

    def test_a_plain_call_does_not_know_what_has_become_of_it(self):
        for place, balance in ((BEFORE, 100), (DURING, 100), (AFTER, 90)):
            self.assertEqual(self.kill_and_start_again("plain", place), ("unknown", balance))

    def test_a_call_at_least_once_may_be_executed_twice(self):
        for place, balance in ((BEFORE, 90), (DURING, 90), (AFTER, 80)):
            self.assertEqual(self.kill_and_start_again("at_least_once", place), ("done", balance))

    def test_a_call_that_runs_once_is_executed_once(self):
        for mode in ONCE:
            for place in (BEFORE, DURING, DURING_2ND, AFTER, AFTER_2ND):
                self.assertEqual(self.kill_and_start_again(mode, place), ("done", 90))

    def test_a_bank_that_forgets_its_replies_leaves_its_callers_in_doubt(self):
        for place, balance in ((BEFORE, 100), (DURING, 100), (AFTER, 90)):
            self.assertEqual(self.kill_and_start_again("at_most_once", place, "--forgetful"),
                             ("unknown", balance))

    # --- The network is cut ---

    def stop_before_the_reply(self, hosts, mode, **kwargs):
        """Returns the bank, which has executed a call and is stopped, and the caller."""
        place = AFTER_2ND if mode in ONCE else AFTER
        bank = self.serve(hosts, failpoint=at(place, "pause"))
        caller = self.call(hosts, mode, "deduct 10", **kwargs)
        self.wait_to_be_stopped(bank, place)
        return bank, caller

    def lose_the_reply(self, hosts, mode):
        bank, caller = self.stop_before_the_reply(hosts, mode)
        hosts.unplug("bank")
        bank.send_signal(signal.SIGCONT)
        bank.wait_to_say(r"deduct 10: 90\n")
        hosts.wait_until_unheard("bank")
        return bank, caller

    def test_a_reply_is_lost_and_the_network_comes_back(self):
        for mode, end, code, balance in (("plain", "unknown: .*", 3, 90),
                                         ("at_least_once", "done: 80", 0, 80),
                                         ("at_most_once", "done: 90", 0, 90),
                                         ("exactly_once", "done: 90", 0, 90)):
            with self.subTest(mode), Hosts("bank", "caller") as hosts:
                bank, caller = self.lose_the_reply(hosts, mode)
                if mode == "plain":  # has no reason to dial again
                    self.expect(caller, end, code)
                else:
                    caller.wait_to_say("dials\n(?s:.*)dials\n")
                hosts.plug_in("bank")
                self.expect(caller, end, code)
                self.assertEqual(self.balance(hosts), balance)
                self.assertEqual(bank.said().count("deduct 10: "), (100 - balance) / 10)

    def test_a_caller_that_is_patient_hears_the_reply_when_the_network_comes_back(self):
        for mode in ("plain", "at_least_once", *ONCE):
            with self.subTest(mode), Hosts("bank", "caller") as hosts:
                bank, caller = self.stop_before_the_reply(hosts, mode, patience="20s")
                hosts.unplug("bank")
                bank.send_signal(signal.SIGCONT)
                hosts.wait_until_unheard("bank")
                hosts.plug_in("bank")
                self.expect(caller, "done: 90", 0)
                self.assertEqual(caller.said().count("dials"), 1)
                self.assertEqual(self.balance(hosts), 90)

    def test_a_reply_is_lost_and_then_the_bank_is_killed(self):
        for mode, end, balance in (("at_least_once", "done: 80", 80),
                                   ("at_most_once", "done: 90", 90),
                                   ("exactly_once", "done: 90", 90)):
            with self.subTest(mode), Hosts("bank", "caller") as hosts:
                bank, caller = self.lose_the_reply(hosts, mode)
                bank.kill()
                bank.wait()
                hosts.plug_in("bank")
                self.serve(hosts)
                self.expect(caller, end, 0)
                self.assertEqual(self.balance(hosts), balance)

    def test_a_bank_that_stays_cut_off_leaves_the_caller_in_doubt(self):
        with Hosts("bank", "caller") as hosts:
            bank, caller = self.stop_before_the_reply(hosts, "at_most_once", deadline="1s")
            hosts.unplug("bank")
            self.expect(caller, "unknown: .*", 3)
            bank.send_signal(signal.SIGCONT)
            hosts.plug_in("bank")
            self.assertEqual(self.balance(hosts), 90)

    def test_a_call_that_never_reached_the_bank_is_refused_and_not_in_doubt(self):
        with Hosts("bank", "caller") as hosts:
            self.serve(hosts)
            hosts.unplug("bank")
            caller = self.call(hosts, "at_most_once", "deduct 10", deadline="1s")
            hosts.wait_until_it_dials_in_vain("caller")
            self.expect(caller, "refused: .*", 3)
            hosts.plug_in("bank")
            self.assertEqual(self.balance(hosts), 100)


if __name__ == "__main__":
    cluster.main()
