# SPDX-License-Identifier: BSD-2-Clause
"""Hostile and clumsy HTTP: each gets its documented error, and everything else goes on."""

import os

import pytest

from crowd import Crowd

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}
REQUESTS = int(os.environ.get("SOCLE_REQUESTS", "10000"))
CLIENTS = 200


@pytest.fixture(autouse=True)
def goes_on(machine):
    yield
    assert machine.get("/health").status == 200
    assert "panic" not in machine.serial().lower()


HOST = b"Host: x\r\n"


def status(data):
    assert data.startswith(b"HTTP/1.1 "), data[:200]
    return int(data.split(b" ")[1])


@pytest.mark.parametrize("text,expected", [
    (b"NONSENSE\r\n\r\n", 400),
    (b"GET /api/v1/health HTTP/9.9\r\n\r\n", 400),
    (b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400),
    (b"GET / \x00 HTTP/1.1\r\n\r\n", 400),
    (b"PUT /api/v1/vms/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 400),
    (b"PUT /api/v1/vms/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"PUT /api/v1/vms/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    (b"PUT /api/v1/vms/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"GET /api/v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"DELETE /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 413),
    (b"PUT /api/v1/vms/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n", 413),
])
def test_errors(machine, text, expected):
    assert status(machine.raw(text.replace(HOST, HOST + machine.authorization()))) == expected


def test_head_options_keepalive(machine):
    connection = machine.connect()
    for _ in range(50):
        connection.request("GET", "/api/v1/health")
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read()
    connection.request("HEAD", "/api/v1/host")
    reply = connection.getresponse()
    assert reply.status == 200 and reply.read() == b""
    connection.request("OPTIONS", "/api/v1/vms")
    reply = connection.getresponse()
    assert "POST" in reply.headers["Allow"]
    reply.read()
    connection.close()


def test_pipelining(machine):
    one = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with machine.socket() as s:
        s.sendall(one * 4 + last)
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    assert data.count(b"HTTP/1.1 200") == 5


def test_request_id_and_expect(machine):
    reply = machine.get("/health", headers={"X-Request-Id": "abc-123"})
    assert reply.headers["X-Request-Id"] == "abc-123"
    assert "Server-Timing" in reply.headers
    with machine.socket() as s:
        s.sendall(b"PUT /api/v1/vms/x?dry_run=true HTTP/1.1\r\nHost: x\r\n" + machine.authorization() + b"Content-Type: application/json\r\n"
                  b"Content-Length: 23\r\nExpect: 100-continue\r\n\r\n")
        assert s.recv(1000).startswith(b"HTTP/1.1 100")
        s.sendall(b'{"boot":{"kernel":"k"}}')
        assert status(s.recv(10000)) == 200


def test_idle_connections(machine):
    idle = [machine.socket() for _ in range(80)]  # more than there are workspaces
    try:
        for _ in range(5):
            assert machine.get("/health").status == 200
    finally:
        for s in idle:
            s.close()


def test_two_hundred_clients(clean):
    """Every reply is right; free memory is the same before and after (the fixture compares)."""
    with Crowd(clean, CLIENTS, REQUESTS) as crowd:
        assert clean.connections() >= CLIENTS
        crowd.run()
    print(f"{REQUESTS} requests, {crowd.lost} connections lost")


def test_a_client_that_stops_reading(machine):
    data = b"x" * (4 << 20)
    machine.upload("slow", data, "raw")
    with machine.socket(receive_bytes=4096) as s:
        s.sendall(b"GET /api/v1/images/slow/data HTTP/1.1\r\nHost: x\r\n" + machine.authorization() + b"\r\n")
        assert s.recv(100)
        for _ in range(20):
            assert machine.get("/host").status == 200
    assert machine.delete("/images/slow").status == 204


def test_a_client_that_stops_writing(machine):
    with machine.socket() as s:
        s.sendall(b"PUT /api/v1/images/half?kind=raw HTTP/1.1\r\nHost: x\r\n" + machine.authorization() +
                  b"Content-Length: 1000000\r\n\r\n" + b"y" * 5000)
        for _ in range(5):
            assert machine.get("/host").status == 200
    assert machine.get("/images/half").status == 404
