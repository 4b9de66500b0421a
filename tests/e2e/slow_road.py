"""A road between two hosts on which what goes there takes longer than what comes back.

    slow_road.py --listen=HOST:PORT --to=HOST:PORT --there=SECONDS

Carries one connection. For kernels that have no netem.
"""

import argparse
import json
import os
import queue
import socket
import threading
import time


def carry(source, sink, delay):
    """What comes in, `delay` seconds later; nothing overtakes, and nothing waits for another."""
    under_way = queue.Queue()

    def deliver():
        while True:
            due, chunk = under_way.get()
            time.sleep(max(0, due - time.monotonic()))
            sink.sendall(chunk)

    threading.Thread(target=deliver, daemon=True).start()
    while chunk := source.recv(65536):
        under_way.put((time.monotonic() + delay, chunk))


def host_and_port(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", type=host_and_port, required=True)
    parser.add_argument("--to", type=host_and_port, required=True)
    parser.add_argument("--there", type=float, required=True)
    parser.add_argument("--ready_file", help="for tests: to be made when it listens")
    options = parser.parse_args()
    listener = socket.create_server(options.listen)
    if options.ready_file:
        with open(options.ready_file + ".new", "w") as f:
            json.dump({"listen": "%s:%d" % options.listen}, f)
        os.rename(options.ready_file + ".new", options.ready_file)
    near = listener.accept()[0]
    far = socket.create_connection(options.to)
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=carry, args=(near, far, options.there), daemon=True).start()
    carry(far, near, 0)


if __name__ == "__main__":
    main()
