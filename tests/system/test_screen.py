# SPDX-License-Identifier: BSD-2-Clause
"""The host's screen: status page at the top, log below."""

import os
import socket
import time

from machine import Machine


def screendump(path, image):
    """Asks QEMU's monitor for a picture; returns width, height and the pixels."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.recv(4096)
        s.sendall(f"screendump {image}\n".encode())
        deadline = time.monotonic() + 20
        received = b""
        while received.count(b"(qemu)") < 1 and time.monotonic() < deadline:
            received += s.recv(4096)
        s.sendall(b"info version\n")  # answered when the picture is written
        s.recv(4096)
    with open(image, "rb") as f:
        assert f.readline() == b"P6\n"
        width, height = map(int, f.readline().split())
        f.readline()
        return width, height, f.read()


def lit_rows(width, height, pixels):
    """Text rows (16 pixels each) that show anything."""
    stride = 3 * width * 16
    return [any(pixels[row * stride:(row + 1) * stride]) for row in range(height // 16)]


def test_status_and_log_on_screen(tmp_path):
    path = str(tmp_path / "monitor")
    with Machine(extra=["-device", "VGA", "-chardev", f"socket,id=mon,path={path},server=on,wait=off",
                        "-mon", "chardev=mon,mode=readline"]) as m:
        m.wait_ready()
        rows = lit_rows(*screendump(path, str(tmp_path / "screen.ppm")))
        assert rows[0] and rows[1], "no status lines at the top"
        assert sum(rows[9:]) > 10, "no log below them"
        if os.environ.get("KEEP_SCREEN"):
            os.replace(tmp_path / "screen.ppm", os.environ["KEEP_SCREEN"])
