# SPDX-License-Identifier: BSD-2-Clause
"""The host's screen: status page at the top, log below."""

import os

import pytest

from machine import Machine, Monitor


def read_ppm(path):
    """Width, height and pixels of a picture."""
    with open(path, "rb") as f:
        assert f.readline() == b"P6\n"
        width, height = map(int, f.readline().split())
        f.readline()
        return width, height, f.read()


def lit_rows(width, height, pixels):
    """Text rows (16 pixels each) that show anything."""
    stride = 3 * width * 16
    return [any(pixels[row * stride:(row + 1) * stride]) for row in range(height // 16)]


@pytest.mark.qemu("Bochs takes no picture of its screen")
def test_status_and_log_on_screen(tmp_path):
    monitor = Monitor(tmp_path / "monitor")
    with Machine(extra=["-device", "VGA", *monitor.options]) as m:
        m.wait_ready()
        monitor.run(f"screendump {tmp_path}/screen.ppm")
        rows = lit_rows(*read_ppm(tmp_path / "screen.ppm"))
        assert rows[0] and rows[1], "no status lines at the top"
        assert sum(rows[9:]) > 10, "no log below them"
        if os.environ.get("KEEP_SCREEN"):
            os.replace(tmp_path / "screen.ppm", os.environ["KEEP_SCREEN"])
