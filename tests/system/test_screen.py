# SPDX-License-Identifier: BSD-2-Clause
"""The host's own console: status page on screen and serial line, log below."""

import os
import re

import pytest

from backend import compile_dtb
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


def page_of(m):
    """The status page as the serial line showed it last."""
    return re.findall(r"(?ms)^--\r?\n((?:\| [^\n]*\n)+)--", m.serial())[-1].replace("\r", "")


@pytest.mark.qemu("the same on every processor")
def test_what_the_page_tells():
    """VMs, an alarm, and use of CPU and memory; the last is no reason to print the page again."""
    with Machine() as m:
        m.wait_ready()
        m.wait_serial(r"\| VMs: 0 running, 0 off")
        assert re.search(r"(?m)^\| no alarms\n\| CPU: guests \d+\.\d\d, host \d+\.\d\d of 1   memory: \d+ of \d+ MiB free$", page_of(m))
        m.run_guest("triple-fault")
        m.wait_serial(r"\| ALARM: 1 VM has crashed")
        m.token()
        m.wait_serial(r"\| claimed")
        pages = m.serial().count("| claimed")
        samples = m.json("/host/metrics?step_ms=1000")
        while m.json("/host/metrics?step_ms=1000")["count"] < samples["count"] + 4:
            pass
        assert m.serial().count("| claimed") <= pages + 1
        assert m.delete("/vms/triple-fault").status == 204
        m.wait_serial(r"(?s)has crashed.*\| no alarms")


@pytest.mark.qemu("a card on a network of its own")
def test_the_page_says_what_is_wrong_with_the_network(tmp_path):
    """A host that asks for an address where nobody answers; then its cable is pulled."""
    monitor = Monitor(tmp_path / "monitor")
    dtb = compile_dtb(tmp_path, 'network { nic = "0000:00:09.0"; };')
    card = ["-netdev", "hubport,id=alone,hubid=7", "-device", "e1000e,netdev=alone,id=card,romfile=,addr=9"]
    with Machine(dtb=dtb, extra=[*card, *monitor.options]) as m:
        m.wait_serial(r"\| no network address yet: asking DHCP")
        m.wait_serial(r"\| no network: no DHCP answer in 10 s, still asking")
        monitor.run("set_link card off")
        m.wait_serial(r"\| no network: the card has no link; is its cable plugged in\?")
