"""The first bytes of a connection (rpc/preamble.h), for tests that play a peer."""

import functools
import os
import re
import socket
import subprocess

import cluster

CLIENT, WORKER, MASTER, FETCHER, BULK = range(1, 6)  # Role
NO_KEY = bytes(32)  # the proof of an end without a key


@functools.lru_cache(maxsize=None)
def our_version():
    """The protocol version of the binaries under test."""
    said = subprocess.check_output([cluster.MILLRACE, "--version"], text=True)
    return int(re.search(r"\(protocol (\d+)\)", said).group(1))


def greeting(byte, version=None):
    """What either end says first; `byte` is a role or a verdict."""
    version = our_version() if version is None else version
    return b"\x93millr\r\n" + version.to_bytes(4, "little") + bytes([byte]) + os.urandom(16)


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=cluster.DEADLINE_S)


def name(s):
    """What the other side calls us."""
    return "%s:%d" % s.getsockname()


def read_exactly(s, size):
    data = b""
    while len(data) < size:
        chunk = s.recv(size - len(data))
        assert chunk, "closed after %d bytes of %d" % (len(data), size)
        data += chunk
    return data


def welcomed(address, role):
    """A connection whose preamble went well, to a cluster without a key."""
    s = connect(address)
    s.sendall(greeting(role))
    assert read_exactly(s, 29)[12] == 0, "the greeting is refused"
    s.sendall(NO_KEY)
    assert read_exactly(s, 33) == b"\0" + NO_KEY, "the proof is refused"
    return s


def send_until_closed(s, data):
    """Sends `data`, or as much as is taken, and waits until the other side has closed; returns what
    it answered."""
    answer = b""
    with s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                answer += chunk
        except TimeoutError:
            raise
        except OSError:  # it has closed already
            pass
    return answer
