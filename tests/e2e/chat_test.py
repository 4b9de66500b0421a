"""A room and people in it as real processes: what is said arrives once and in one order, also when
one of them is killed, stopped or cut off."""

import os
import re
import signal
import socket
import threading
import time

import cluster
from hosts import Hosts

CHAT = os.path.abspath("apps/chat/chat")


class Wire:
    """A stretch of the network on the way to a server, that can be cut."""

    def __init__(self, address):
        self.server = address
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.whole = True
        self.lost = b""
        self.ends = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            if not self.whole:
                near.close()
                continue
            host, port = self.server.rsplit(":", 1)
            try:
                far = socket.create_connection((host, int(port)))
            except OSError:  # the server has ended
                near.close()
                continue
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        try:
            while chunk := source.recv(65536):
                if self.whole:
                    sink.sendall(chunk)
                else:
                    self.lost += chunk
        except OSError:
            pass
        self.hang_up([source, sink])

    def hang_up(self, ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """From now on what is sent is lost, and connections cannot be made."""
        self.whole = False

    def wait_to_lose(self, text):
        cluster.look_until("%r is lost" % text, lambda: self.lost, lambda lost: text in lost)

    def reset(self):
        self.hang_up(self.ends)
        self.ends = []

    def heal(self):
        """Connections can be made again; the old ones are lost."""
        self.reset()
        self.whole = True


class ChatTest(cluster.ClusterTest):
    def serve(self, *flags):
        server = self.start_ready("server", [CHAT, "--listen=127.0.0.1:0", *flags])
        server.address = server.ready["listen"]
        return server

    def join(self, address, name, *flags, wait=True, wrap=lambda argv: argv):
        """Starts a client; `type` and `end` are its keyboard."""
        keys = self.path("keys-%02d" % len(self.processes))
        os.mkfifo(keys)
        person = self.start(name, wrap(["sh", "-c", 'exec "$0" "$@" < %s' % keys, CHAT,
                                        "--server=" + address, "--name=" + name, *flags]))
        person.name = name
        person.keys = os.open(keys, os.O_WRONLY)  # blocks until the other end is there
        self.addCleanup(self.end, person)
        if wait:
            person.wait_to_say("you are " + name)
        return person

    def end(self, person):
        if person.keys is not None:
            os.close(person.keys)
            person.keys = None

    def type(self, person, *lines):
        os.write(person.keys, "".join(line + "\n" for line in lines).encode())

    def sees(self, person, *lines):
        """Waits until these lines, and no others, are what the person sees last."""
        watch = cluster.Watch(self.folder, cluster.WRITTEN)
        deadline = time.monotonic() + cluster.DEADLINE_S
        while person.output().split("\n")[-len(lines) - 1:-1] != list(lines):
            assert time.monotonic() < deadline, "%s sees\n%snot %s; it says\n%s" % (
                person.name, person.output(), lines, person.said())
            watch.wait()

    def seen(self, person):
        return person.output().split("\n")[:-1]

    def test_everybody_sees_what_the_others_say_in_one_order(self):
        server = self.serve()
        ann, bob, cat = [self.join(server.address, name) for name in ("ann", "bob", "cat")]
        self.type(ann, "hello", "you two")
        self.sees(bob, "ann: hello", "ann: you two")
        self.type(bob, "hello ann")
        self.sees(cat, "ann: hello", "ann: you two", "bob: hello ann")
        self.type(cat, "\x1b[2Jhi")
        self.sees(bob, "ann: hello", "ann: you two", "cat: ?[2Jhi")
        self.end(bob)
        bob.finish()
        self.sees(ann, "* bob joined", "* cat joined", "bob: hello ann", "cat: ?[2Jhi",
                  "* bob left")
        self.assertEqual(self.seen(cat), ["ann: hello", "ann: you two", "bob: hello ann",
                                          "* bob left"])
        cat.send_signal(signal.SIGINT)
        cat.finish()
        self.sees(ann, "* bob left", "* cat left")
        server.send_signal(signal.SIGTERM)
        server.finish()

    def test_many_talk_at_once_and_all_see_the_same_order(self):
        server = self.serve()
        ann, bob, cat, dan = [self.join(server.address, name)
                              for name in ("ann", "bob", "cat", "dan")]
        for i in range(20):
            for person in (ann, bob, cat):
                self.type(person, *["%d" % (10 * i + j) for j in range(10)])
        for person in (ann, bob, cat):
            self.end(person)
            person.finish()
        cluster.look_until("all have left", lambda: self.seen(dan),
                           lambda lines: sum(line.endswith(" left") for line in lines) == 3)
        order = [line for line in self.seen(dan) if not line.startswith("*")]
        for person in (ann, bob, cat):
            own = person.name + ": "
            self.assertEqual([line for line in order if line.startswith(own)],
                             [own + str(i) for i in range(200)])
            # Whoever leaves first does not see the rest.
            seen = [line for line in self.seen(person) if not line.startswith("*")]
            others = [line for line in order if not line.startswith(own)]
            self.assertEqual(seen, others[:len(seen)])

    def test_a_file_is_said_to_its_end(self):
        server = self.serve()
        ann = self.join(server.address, "ann")
        lines = ["line %d" % i for i in range(500)]
        text = self.text("lines", "\n".join(lines))  # the last one has no end
        self.start("bob", ["sh", "-c", 'exec "$0" "$@" < ' + text, CHAT,
                           "--server=" + server.address, "--name=bob"]).finish()
        self.sees(ann, "* bob joined", *["bob: " + line for line in lines], "* bob left")

    def test_a_client_without_input_leaves(self):
        server = self.serve()
        ann = self.join(server.address, "ann")
        for no_input in ("<&-", "</dev/null"):
            self.start("bob", ["sh", "-c", 'exec "$0" "$@" ' + no_input, CHAT,
                               "--server=" + server.address, "--name=bob"]).finish()
        self.sees(ann, *["* bob joined", "* bob left"] * 2)

    def test_a_client_whose_output_nobody_reads_any_more_says_so(self):
        server = self.serve()
        ann = self.join(server.address, "ann")
        out, end = os.pipe()
        os.close(out)
        keys, hand = os.pipe()
        self.addCleanup(os.close, hand)
        bob = self.start("bob", ["bash", "-c", 'exec "$0" "$@" <&%d >&%d' % (keys, end), CHAT,
                                 "--server=" + server.address, "--name=bob"], pass_fds=[keys, end])
        os.close(keys)
        os.close(end)
        bob.wait_to_say("you are bob")
        self.type(ann, "hello")
        bob.finish(1)
        self.assertIn("writing what is said: Broken pipe", bob.said())

    def test_a_killed_client_disturbs_nobody(self):
        server = self.serve("--grace=1s")
        ann, bob, cat = [self.join(server.address, name) for name in ("ann", "bob", "cat")]
        self.type(cat, "my last words")
        self.sees(bob, "* cat joined", "cat: my last words")
        cat.kill()
        self.type(ann, "cat?")
        self.sees(bob, "ann: cat?", "* cat left (connection lost for 1s)")
        self.type(bob, "gone")
        self.sees(ann, "* cat left (connection lost for 1s)", "bob: gone")
        for person in (ann, bob):
            self.assertNotIn("connection is lost", person.said())

    def test_a_client_that_stops_reading_is_dropped_and_delays_nobody(self):
        server = self.serve("--queue=64")
        ann, bob, cat = [self.join(server.address, name) for name in ("ann", "bob", "cat")]
        self.sees(bob, "* cat joined")
        cat.send_signal(signal.SIGSTOP)
        for i in range(64):
            self.type(ann, "%d" % i)
            self.sees(bob, "ann: %d" % i)
        self.type(ann, "one more")
        self.sees(bob, "ann: one more", "* cat left (did not read: 64 messages waited)")
        cat.send_signal(signal.SIGCONT)
        cat.finish(3)
        self.assertIn("you are not in the room any more: did not read: 64 messages waited",
                      cat.said())

    def test_a_client_that_was_cut_off_misses_nothing_and_says_nothing_twice(self):
        server = self.serve()
        wire = Wire(server.address)
        ann = self.join(server.address, "ann")
        bob = self.join(wire.address, "bob")
        self.type(ann, "one")
        self.sees(bob, "ann: one")
        wire.cut()
        self.type(ann, "two")
        self.type(bob, "can you hear me?")
        wire.wait_to_lose(b"two")
        wire.wait_to_lose(b"can you hear me?")
        self.type(ann, "three")
        self.join(server.address, "cat")
        self.sees(ann, "* bob joined", "* cat joined")
        wire.heal()
        bob.wait_to_say("connected again")
        self.sees(bob, "ann: one", "ann: two", "ann: three", "* cat joined")
        self.sees(ann, "* bob joined", "* cat joined", "bob: can you hear me?")
        self.assertEqual(bob.said().count("trying again"), 1)

    def test_a_client_that_comes_back_too_late_is_told_so(self):
        server = self.serve("--grace=1s")
        wire = Wire(server.address)
        ann = self.join(server.address, "ann")
        bob = self.join(wire.address, "bob")
        wire.cut()
        self.type(bob, "can you hear me?")
        wire.wait_to_lose(b"can you hear me?")
        bob.send_signal(signal.SIGSTOP)
        wire.reset()
        self.sees(ann, "* bob joined", "* bob left (connection lost for 1s)")
        wire.heal()
        bob.send_signal(signal.SIGCONT)
        bob.finish(3)
        self.assertIn("not in the room any more: connection lost for 1s", bob.said())
        self.assertIn("nobody has heard:\n  can you hear me?", bob.said())

    def test_the_second_of_one_name_is_refused(self):
        server = self.serve()
        ann = self.join(server.address, "ann")
        second = self.join(server.address, "ann", wait=False)
        second.finish(3)
        self.assertIn('chat: the name "ann" is taken', second.said())
        self.type(ann, "still here")
        self.end(ann)
        ann.finish()

    def test_a_server_that_is_started_anew_says_so(self):
        server = self.serve()
        ann = self.join(server.address, "ann")
        server.kill()
        server.wait()
        self.start_ready("server", [CHAT, "--listen=" + server.address])
        ann.finish(3)
        self.assertIn("the server was started anew", ann.said())

    # --- Hosts ---

    def serve_on(self, hosts, *flags):
        address = hosts.address("room") + ":7300"
        server = self.start_ready("server", hosts.on("room", [
            CHAT, "--listen=" + address, "--insecure", *flags]))
        server.address = address
        return server

    def join_from(self, hosts, *names):
        address = hosts.address("room") + ":7300"
        return [self.join(address, name, "--insecure",
                          wrap=lambda argv, host=name: hosts.on(host, argv)) for name in names]

    def expect_one_order(self, witness, *people):
        """The witness says nothing and nothing happens to it; the others were there all the time,
        and see the same but for what is their own."""
        order = [line for line in self.seen(witness) if not line.startswith("*")]
        self.assertEqual(len(order), len(set(order)), "something was heard twice")
        for person in people:
            self.assertEqual([line for line in self.seen(person) if not line.startswith("*")],
                             [line for line in order if not line.startswith(person.name + ": ")])
        return order

    def test_a_host_that_is_unplugged_for_a_while_misses_nothing(self):
        with Hosts("room", "ann", "bob", "cat") as hosts:
            self.serve_on(hosts)
            ann, bob, cat = self.join_from(hosts, "ann", "bob", "cat")
            self.type(ann, "one")
            self.sees(bob, "* cat joined", "ann: one")
            hosts.unplug("bob")
            self.type(ann, "two")
            self.type(bob, "can you hear me?")
            self.sees(cat, "ann: one", "ann: two")
            hosts.wait_until_unheard("bob")
            hosts.wait_until_unheard("room", by="bob")
            self.type(ann, "three")
            self.sees(cat, "ann: one", "ann: two", "ann: three")
            self.assertEqual(self.seen(bob)[-1], "ann: one")
            hosts.plug_in("bob")
            self.sees(bob, "ann: one", "ann: two", "ann: three")
            self.sees(cat, "ann: three", "bob: can you hear me?")
            self.sees(ann, "* bob joined", "* cat joined", "bob: can you hear me?")
            self.assertEqual(len(self.expect_one_order(cat, ann, bob)), 4)
            self.assertNotIn("connection is lost", bob.said())

    def test_a_host_that_loses_its_connection_too_comes_back_with_a_new_one(self):
        with Hosts("room", "ann", "bob", "cat") as hosts:
            self.serve_on(hosts)
            ann, bob, cat = self.join_from(hosts, "ann", "bob", "cat")
            self.sees(bob, "* cat joined")
            hosts.unplug("bob")
            self.type(ann, "one")
            self.type(bob, "can you hear me?")
            hosts.wait_until_unheard("bob")
            hosts.wait_until_unheard("room", by="bob")
            hosts.drop_connections("bob", "room")
            bob.wait_to_say("the connection is lost; trying again")
            self.type(bob, "or now?")
            self.type(ann, "two")
            self.sees(cat, "ann: one", "ann: two")
            hosts.wait_until_it_dials_in_vain("bob")
            hosts.plug_in("bob")
            bob.wait_to_say("connected again")
            self.sees(bob, "* cat joined", "ann: one", "ann: two")
            self.sees(cat, "ann: two", "bob: can you hear me?", "bob: or now?")
            self.sees(ann, "* cat joined", "bob: can you hear me?", "bob: or now?")
            self.assertEqual(len(self.expect_one_order(cat, ann, bob)), 4)

    def test_all_talk_while_one_host_after_the_other_is_unplugged(self):
        with Hosts("room", "ann", "bob", "cat") as hosts:
            self.serve_on(hosts)
            ann, bob, cat = self.join_from(hosts, "ann", "bob", "cat")
            for i, victim in enumerate(["bob", "ann", "room"]):
                for person in (ann, bob):
                    self.type(person, *["%d" % n for n in range(100 * i, 100 * i + 50)])
                hosts.unplug(victim)
                for person in (ann, bob):
                    self.type(person, *["%d" % n for n in range(100 * i + 50, 100 * i + 100)])
                hosts.wait_until_unheard(victim)
                hosts.plug_in(victim)
            cluster.look_until("all is heard", lambda: [len(self.seen(p)) for p in (ann, bob, cat)],
                               lambda seen: seen == [302, 301, 600])
            order = self.expect_one_order(cat, ann, bob)
            for person in (ann, bob):
                own = person.name + ": "
                self.assertEqual([line for line in order if line.startswith(own)],
                                 [own + str(n) for n in range(300)])

    def test_a_host_that_stays_cut_off_is_dropped_with_a_reason(self):
        with Hosts("room", "ann", "bob", "cat") as hosts:
            self.serve_on(hosts, "--grace=1s", "--queue=64")
            ann, bob, cat = self.join_from(hosts, "ann", "bob", "cat")
            hosts.unplug("bob")
            hosts.unplug("cat")
            # One that is not heard for longer than the grace, and one that does not read.
            hosts.drop_connections("room", "bob")
            self.sees(ann, "* cat joined", "* bob left (connection lost for 1s)")
            self.type(ann, *[str(i) for i in range(65)])
            self.sees(ann, "* bob left (connection lost for 1s)",
                      "* cat left (did not read: 64 messages waited)")
            self.type(bob, "can you hear me?")
            hosts.wait_until_unheard("bob")
            for name in ("bob", "cat"):
                hosts.plug_in(name)
            bob.finish(3)
            self.assertIn("not in the room any more: connection lost for 1s", bob.said())
            self.assertIn("nobody has heard:\n  can you hear me?", bob.said())
            cat.finish(3)
            self.assertIn("did not read: 64 messages waited", cat.said())
            self.end(ann)
            ann.finish()

    def test_a_client_killed_on_its_host_is_missed_and_nothing_else(self):
        with Hosts("room", "ann", "bob", "cat") as hosts:
            self.serve_on(hosts, "--grace=1s")
            ann, bob, cat = self.join_from(hosts, "ann", "bob", "cat")
            self.type(bob, "my last words")
            self.sees(cat, "bob: my last words")
            bob.kill()
            self.assertEqual(bob.wait(), -signal.SIGKILL)
            self.type(ann, "bob?")
            self.sees(cat, "bob: my last words", "ann: bob?", "* bob left (connection lost for 1s)")
            self.sees(ann, "bob: my last words", "* bob left (connection lost for 1s)")
            bob, = self.join_from(hosts, "bob")  # somebody new, under the same name
            self.type(bob, "back")
            self.sees(cat, "* bob left (connection lost for 1s)", "* bob joined", "bob: back")

    def test_a_server_killed_and_started_again_on_its_host_says_so(self):
        with Hosts("room", "ann", "bob") as hosts:
            server = self.serve_on(hosts)
            ann, bob = self.join_from(hosts, "ann", "bob")
            self.type(bob, "hello")
            self.sees(ann, "* bob joined", "bob: hello")
            hosts.unplug("room")
            self.type(ann, "heard by nobody")
            hosts.wait_until_unheard("ann")
            server.kill()
            server.wait()
            hosts.plug_in("room")
            self.serve_on(hosts)
            for person in (ann, bob):
                person.finish(3)
                self.assertIn("the server was started anew", person.said())
            self.assertIn("nobody may have heard:\n  heard by nobody", ann.said())
            self.assertNotIn("nobody has heard", bob.said())
            self.assertNotIn("heard by nobody", bob.output())
            ann, bob = self.join_from(hosts, "ann", "bob")
            self.type(ann, "again")
            self.sees(bob, "ann: again")

    # --- The command line ---

    def complaint(self, code, *flags):
        return self.start("chat", [CHAT, *flags]).finish(code).said()

    def test_what_is_missing_is_named(self):
        self.assertRegex(self.complaint(2), "--listen.*--server")
        self.assertRegex(self.complaint(2, "--listen=127.0.0.1:0", "--server=127.0.0.1:1"),
                         "--listen and --server do not go together")
        self.assertIn("--name", self.complaint(2, "--server=127.0.0.1:1"))
        self.assertIn("--name", self.complaint(2, "--server=127.0.0.1:1", "--name=two words"))
        self.assertIn("--server", self.complaint(2, "--server=nowhere", "--name=ann"))

    def test_an_address_where_nobody_listens_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = "127.0.0.1:%d" % free.getsockname()[1]
        said = self.complaint(3, "--server=" + address, "--name=ann")
        self.assertRegex(said, r"\Achat: cannot connect to %s: Connection refused; "
                         r"is it running there\?\n  - \S" % re.escape(address))

    def test_the_example_of_the_help_works_as_printed(self):
        help_text = self.start("chat", [CHAT, "--help"]).finish().output()
        serve, *joins = re.findall(r"(?m)^  chat (--\S+(?: --\S+)*)  +#", help_text)
        self.assertEqual(len(joins), 2)
        with Hosts("one") as hosts:  # where the port is free
            server = self.start("server", hosts.on("one", [CHAT, *serve.split()]))
            server.wait_to_say("chat listens on 127.0.0.1:7300")
            people = []
            for flags in joins:
                found = re.fullmatch("--server=(.*) --name=(.*)", flags)
                people.append(self.join(found[1], found[2],
                                        wrap=lambda argv: hosts.on("one", argv)))
            alice, bob = people
            self.type(bob, "hello")
            self.sees(alice, "* bob joined", "bob: hello")


if __name__ == "__main__":
    cluster.main()
