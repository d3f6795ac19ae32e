# SPDX-License-Identifier: BSD-2-Clause
"""Many clients at once: each keeps its connection, and every reply must be the right one for its request."""

import http.client
import json
import threading

from machine import API

CONNECTS_MAX = 3  # of a client, to have its first answer: QEMU's user network resets some new connections (tests/README.md)
PATHS = {  # path: a member that its answer has
    "/health": "state", "/host/memory-is-not-there": "hint", "/vms": "items", "/tokens": "items", "/openapi.json": "paths",
    "/networks?limit=1": "items",
}


class Crowd:
    """`clients` threads, each with one connection; they begin their share of `requests` when all have had an answer."""

    def __init__(self, m, clients, requests):
        self.m, self.clients, self.requests = m, clients, requests
        self.lost = 0  # connections that ended before their first answer
        self.wrong = []
        self.door = threading.Lock()  # QEMU listens with a backlog of one
        self.connected = threading.Barrier(clients + 1)
        self.go = threading.Event()
        self.threads = [threading.Thread(target=self._client, args=(i,), daemon=True) for i in range(clients)]

    def _ask(self, connection, number):
        path, member = list(PATHS.items())[number % len(PATHS)]
        headers = {"X-Request-Id": f"crowd-{number}"}
        connection.request("GET", API + path, headers=headers)
        reply = connection.getresponse()
        body = json.loads(reply.read())
        want = 404 if member == "hint" else 200
        if reply.status != want or member not in body or reply.headers["X-Request-Id"] != headers["X-Request-Id"]:
            self.wrong.append((number, reply.status, str(reply.headers), str(body)[:200]))

    def _connect(self, number):
        for _ in range(CONNECTS_MAX):
            connection = self.m.connect(60 * self.m.patience)
            try:
                with self.door:
                    self._ask(connection, number)
                return connection
            except (ConnectionError, http.client.HTTPException):
                connection.close()
                self.lost += 1
        raise ConnectionError(f"client {number} could not connect")

    def _client(self, number):
        try:
            connection = self._connect(number)
            self.connected.wait(120 * self.m.patience)
            self.go.wait()
            for i in range(number + self.clients, self.requests, self.clients):
                self._ask(connection, i)
            connection.close()
        except Exception as error:  # whatever it is, the test is to hear of it
            self.wrong.append((number, repr(error)))
            self.connected.abort()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        try:
            self.connected.wait(120 * self.m.patience)
        except threading.BrokenBarrierError:
            raise AssertionError(self.wrong[:5]) from None
        return self

    def run(self):
        self.go.set()
        for thread in self.threads:
            thread.join(600)
            assert not thread.is_alive()
        assert not self.wrong, (len(self.wrong), self.wrong[:5])
        assert self.lost <= 2

    def __exit__(self, *_):
        self.go.set()
