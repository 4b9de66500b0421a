"""A room and people in it as real processes: what is said arrives once and in one order, also when
one of them is killed, stopped or cut off."""

import os
import re
import signal
import socket
import threading
import time

import cluster

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

    def join(self, address, name, wait=True):
        """Starts a client; `type` and `end` are its keyboard."""
        keys = self.path("keys-%02d" % len(self.processes))
        os.mkfifo(keys)
        person = self.start(name, ["sh", "-c", 'exec "$0" "$@" < %s' % keys, CHAT,
                                   "--server=" + address, "--name=" + name])
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
        server = self.start("server", [CHAT, *serve.split()])
        server.wait_to_say("chat listens on 127.0.0.1:7300")
        people = []
        for flags in joins:
            found = re.fullmatch("--server=(.*) --name=(.*)", flags)
            people.append(self.join(found[1], found[2]))
        alice, bob = people
        self.type(bob, "hello")
        self.sees(alice, "* bob joined", "bob: hello")


if __name__ == "__main__":
    cluster.main()
