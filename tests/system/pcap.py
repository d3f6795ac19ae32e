# SPDX-License-Identifier: BSD-2-Clause
"""Readers of capture files: pcap as QEMU writes it, pcapng as the hypervisor does."""

import struct


def read_pcap(path):
    """(time, frame) of each; the last one may be incomplete while it is being written."""
    with open(path, "rb") as f:
        data = f.read()
    assert not data or struct.unpack_from("<I", data)[0] == 0xa1b2c3d4
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, micros, captured, _ = struct.unpack_from("<IIII", data, at)
        if at + 16 + captured > len(data):
            break
        frames.append((seconds + micros / 1e6, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return frames


def options(data):
    """code -> value."""
    found, at = {}, 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert length == 0 and at + 4 == len(data)
            return found
        assert code not in found
        found[code] = data[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    assert at == len(data) == 0, "no end of options"
    return found


class Pcapng:
    """A section with one interface. frames: (unix_ns, frame's bytes, bytes it had, flags)."""

    def __init__(self, data, is_whole=True):
        self.frames, self.statistics, self.interface = [], None, None
        at = 0
        while at + 12 <= len(data):
            kind, length = struct.unpack_from("<II", data, at)
            assert length % 4 == 0 and length >= 12
            if at + length > len(data) and not is_whole:
                return
            assert struct.unpack_from("<I", data, at + length - 4)[0] == length
            self._block(kind, data[at + 8:at + length - 4], at)
            at += length
        assert at == len(data) or not is_whole
        assert self.statistics or not is_whole

    def _block(self, kind, body, at):
        assert self.statistics is None, "blocks behind the end"
        if kind == 0x0a0d0d0a:
            assert at == 0 and struct.unpack_from("<IHHq", body) == (0x1a2b3c4d, 1, 0, -1)
        elif kind == 1:
            assert self.interface is None
            link, _, snap = struct.unpack_from("<HHI", body)
            found = options(body[8:])
            assert link == 1 and found[9] == b"\x09"  # Ethernet, nanoseconds
            self.interface = {"snap": snap, "name": found[2].decode()}
        elif kind == 6:
            interface, high, low, captured, length = struct.unpack_from("<IIIII", body)
            assert interface == 0 and captured <= min(length, self.interface["snap"])
            found = options(body[20 + (captured + 3) // 4 * 4:])
            self.frames.append((high << 32 | low, body[20:20 + captured], length, struct.unpack("<I", found.get(2, bytes(4)))[0]))
        elif kind == 5:
            found = options(body[12:])
            self.statistics = {"seen": struct.unpack("<Q", found[4])[0], "lost": struct.unpack("<Q", found[5])[0]}
        else:
            raise AssertionError(f"block {kind:#x}")
