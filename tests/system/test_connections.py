# SPDX-License-Identifier: BSD-2-Clause
"""Two hundred clients at once, without TLS; with it: test_http.py."""

import time

import pytest

from crowd import Crowd

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": False}
REQUESTS = 2000
CLIENTS = 200


def test_two_hundred_clients(clean):
    """Every reply is right; free memory is the same before and after (the fixture compares)."""
    with Crowd(clean, CLIENTS, REQUESTS) as crowd:
        assert clean.connections() >= CLIENTS
        begin = time.monotonic()
        crowd.run()
        print(f"{REQUESTS} requests in {time.monotonic() - begin:.1f} s, {crowd.lost} connections lost")


def stranger(m, sends, **options):
    """A connection that has had an answer (QEMU listens with a backlog of one), and goes on with this."""
    s = m.socket(**options)
    s.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(4096).startswith(b"HTTP/1.1 200")
    s.sendall(sends)
    return s


@pytest.mark.parametrize("sends", [
    b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n", b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 4,
], ids=["unfinished", "unread"])
def test_strangers_make_room(machine, sends):
    """They take every workspace, and all but a few connections: they wait for one another, the owner hardly for them."""
    slow = []
    try:
        for count in (80, 210):  # of 72, and of 224
            while len(slow) < count:
                try:
                    slow.append(stranger(machine, sends, timeout=20 * machine.patience, receive_bytes=4096))
                except ConnectionError:  # the oldest made room
                    pass
            begin = time.monotonic()
            assert machine.get("/host").status == 200
            assert time.monotonic() - begin < 10 * machine.patience
    finally:
        for s in slow:
            s.close()
