# SPDX-License-Identifier: BSD-2-Clause
"""A WebSocket client (RFC 6455) of its own, for the tests: whole frames, and broken ones on purpose."""

import base64
import hashlib
import os
import re
import struct

from backend import API

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def handshake(machine, path, headers=(), token=None, timeout=30):
    """Sends the request; returns the socket, status, headers (lower case) and what came behind the head."""
    key = base64.b64encode(os.urandom(16)).decode()
    fields = {"Host": "socle", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": key, "Authorization": f"Bearer {token or machine.token()}", **dict(headers)}
    head = f"GET {API}{path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
    s = machine.socket(timeout * machine.patience)
    s.sendall(head.encode() + b"\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = s.recv(4096)
        assert chunk, data
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    got = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    if status.split()[1] == "101":
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        assert got["sec-websocket-accept"] == base64.b64encode(digest).decode()
        assert got["upgrade"].lower() == "websocket" and got["connection"].lower() == "upgrade"
    return s, int(status.split()[1]), got, rest


def frame(opcode, payload=b"", fin=True, masked=True, length=None):
    """A client's frame; length: what it says of itself, if that is to be a lie."""
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if fin else 0)])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class WebSocket:
    def __init__(self, machine, path, protocol=None, **options):
        headers = {**options.pop("headers", {}), **({"Sec-WebSocket-Protocol": protocol} if protocol else {})}
        self.socket, status, self.headers, self.data = handshake(machine, path, headers, **options)
        assert status == 101, (status, self.data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _take(self, count):
        while len(self.data) < count:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError("the host closed the connection")
            self.data += chunk
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def send(self, opcode, payload=b"", **options):
        self.socket.sendall(frame(opcode, payload, **options))

    def receive(self):
        """The next frame: (opcode, payload)."""
        first, second = self._take(2)
        assert first & 0x80 and not first & 0x70, "a server of ours does not fragment"
        assert not second & 0x80, "a server does not mask"
        size = second & 127
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
            assert size >= 126
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
            assert size >= 65536
        return first & 15, self._take(size)

    def read_until(self, pattern):
        """Output of the console until it matches; returns it and the texts that came in between."""
        output, texts = b"", []
        while not re.search(pattern, output):
            opcode, payload = self.receive()
            assert opcode in (BINARY, TEXT), (opcode, payload)
            if opcode == BINARY:
                output += payload
            else:
                texts.append(payload.decode())
        return output, texts

    def close_code(self):
        """Reads to the end; returns the code of the host's close frame."""
        code = None
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    code = struct.unpack(">H", payload[:2])[0] if payload else None
        except (EOFError, ConnectionError):
            return code
