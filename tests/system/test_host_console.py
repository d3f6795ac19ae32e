# SPDX-License-Identifier: BSD-2-Clause
"""Keys of the host's own console, typed on its serial line and its PS/2 keyboard: log, network, power."""

import json
import random
import time

import pytest

from backend import compile_dtb, free_port
from machine import Machine, Monitor
from test_screen import lit_rows, read_ppm

pytestmark = pytest.mark.qemu("a serial line to type on, and a keyboard that its monitor presses")

SILENCE_S = 5  # for so long nobody may type before a console that has heard nonsense listens again
AFTER_STATUS = r"\| Keys: n network, l log, p power"


class Console(Machine):
    """A machine at whose console somebody sits. Answers are looked for behind what was there before."""

    def __init__(self, directory, dtb=None):
        self.monitor = Monitor(directory / "monitor")
        super().__init__(typed=True, dtb=dtb, nic="e1000e,id=card", extra=["-device", "VGA", *self.monitor.options])

    def answers(self, act, pattern, timeout=20):
        at = len(self.serial())
        act()
        return self.wait_serial(rf"(?s)\A.{{{at}}}.*?{pattern}", timeout)

    def type_for(self, keys, pattern):
        return self.answers(lambda: self.type_on_host(keys), pattern)

    def press_for(self, keys, pattern):
        return self.answers(lambda: [self.monitor.run(f"sendkey {key}") for key in keys.split()], pattern)

    def rows(self):
        self.monitor.run(f"screendump {self.directory}/screen.ppm")
        return lit_rows(*read_ppm(f"{self.directory}/screen.ppm"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with Console(tmp_path_factory.mktemp("console")) as m:
        m.wait_ready()
        m.token()
        m.wait_serial(r"\| claimed")
        yield m


def audited(m):
    """What was done by keys."""
    entries = map(json.loads, m.get("/audit").body.splitlines())
    return [(e["source"], e["method"], e["path"], e["status"], e["count"]) for e in entries if e.get("via") == "console"]


def test_log(machine):
    """Pages of it, and back; a terminal's cursor keys are no keys."""
    machine.type_for(b"l", r"\| Log   newest\r?\n(\| [^\n]+\n){22}\| Keys: b older, space newer, Esc back")
    machine.type_for(b"\x1b[Ab", r"\| Log   1 pages back\r?\n\| 0\.000 I socle: Socle")
    machine.type_for(b" ", r"\| Log   newest")
    machine.type_for(b"\x1b", AFTER_STATUS)


def test_keyboard_and_screen(machine):
    """The same by the PS/2 keyboard; a long page takes rows from the log, and gives them back."""
    assert not machine.rows()[8]
    machine.press_for("l", r"\| Log   newest")
    assert all(machine.rows()[:24])
    machine.press_for("esc", AFTER_STATUS)
    assert not machine.rows()[8]
    machine.press_for("p r", r"\| Restart\? 0 VMs shut down first\. Type sure and press Enter: _")
    machine.press_for("s u x", r"\| Nothing was changed\.")
    machine.press_for("esc", AFTER_STATUS)
    machine.press_for("n f 1 0 dot 0 dot 0 dot 9 slash 2 4 kp_enter", r"\| Gateway, nothing for none: _")
    machine.press_for("esc esc", AFTER_STATUS)
    assert machine.json("/host/network")["task"] is None


def test_network_by_keys(machine):
    """Without any network from DHCP to a fixed address, which answers once the cable is in; then back. Mistakes cost a sentence."""
    m = machine
    m.type_for(b"n", r"\| settings: DHCP\r?\n\| in force: address 10\.0\.2\.15/24 \(DHCP\)")
    m.answers(lambda: m.monitor.run("set_link card off"), r"\| Network   card 0000:00:01\.0, link down")
    m.type_for(b"f", r"\| Address and prefix, as 192\.0\.2\.10/24: _")
    m.type_for(b"10.0.2.300/24\r", r"\| This is no IPv4 address with a prefix")
    m.type_for(b"10.0.2.78\x7f7/24\r", r"\| Gateway, nothing for none: _")
    m.type_for(b"10.0.3.2\r", r"\| The gateway is no other host of the address's subnet\.")
    m.type_for(b"10.0.2.2\r", r"\| Name server, nothing for none: _")
    m.type_for(b"\r", r"\| new: fixed address 10\.0\.2\.77/24   gateway 10\.0\.2\.2   name servers none\r?\n.*Type sure and press Enter: _")
    m.type_for(b"sure\r", r"\| The new settings are in force\.")
    m.answers(lambda: m.monitor.run("set_link card on"), r"\| Network   card 0000:00:01\.0, link up")
    before, m.port = m.port, free_port()
    try:
        m.monitor.run(f"hostfwd_add n0 tcp:127.0.0.1:{m.port}-10.0.2.77:443")
        network = m.json("/host/network")
    finally:
        m.port = before
    assert network["settings"]["address"] == "10.0.2.77/24" and not network["settings"]["dhcp"]
    assert network["task"]["state"] == "succeeded" and network["previous"] is None
    m.type_for(b"d", r"\| new: DHCP\r?\n")
    m.type_for(b"sure\r", r"\| The new settings are in force\..*net: address 10\.0\.2\.15, gateway 10\.0\.2\.2 \(DHCP\)")
    m.type_for(b"\x1b", AFTER_STATUS)
    assert m.json("/host/network")["settings"]["dhcp"]
    assert audited(m) == [("console", "PATCH", "/api/v1/host/network", 202, 2),
                          ("console", "POST", "/api/v1/host/network/confirm", 200, 2)]


def test_garbage(machine):
    """A noisy line changes nothing, and is not listened to until it is silent."""
    m = machine
    before = {path: m.json(path) for path in ("/host/network", "/vms")}
    done = audited(m)
    pages = m.serial().count("| Keys:")
    m.answers(lambda: m.type_on_host(random.Random(7).randbytes(800)), "console: what is typed here means nothing")
    assert {path: m.json(path) for path in before} == before
    for _ in range(10):  # all of it has to come through first
        time.sleep(SILENCE_S + 1)
        m.type_on_host(b"\x03\x03")  # from wherever it has led to
        try:
            m.answers(lambda: m.type_on_host(b"l"), r"\| Log   newest", timeout=3)
            break
        except AssertionError:
            continue
    m.type_for(b"\x1b", AFTER_STATUS)
    assert {path: m.json(path) for path in before} == before
    assert audited(m) == done
    assert m.serial().count("| Keys:") - pages < 12


def test_power_off_with_a_vm(machine):
    """The last test: the question names the VMs, whose guests are asked; the host goes down after the last one."""
    m = machine
    m.run_guest("echo")
    m.wait_console("echo", "echo ready")
    m.press_for("p o", r"\| Power off\? 1 VM shut down first\. Type sure and press Enter: _")
    m.press_for("s u r e ret", r"host: 1 VMs are asked to switch themselves off.*\| The host powers off as soon as its VMs are off\.")
    assert m.state("echo") == "running"
    assert audited(m)[-1] == ("console", "POST", "/api/v1/host/poweroff", 202, 1)
    assert m.post("/vms/echo/poweroff").status == 200
    assert m.wait_exit(60) == 0


def test_keys_can_be_switched_off(tmp_path):
    dtb = compile_dtb(tmp_path, 'console { keys = "off"; };')
    with Console(tmp_path, dtb) as m:
        m.wait_ready()
        m.wait_serial(r"\| Keys are off \(socle\.dtb\)")
        m.type_on_host(b"nl")
        m.monitor.run("sendkey p")
        m.token()
        m.wait_serial(r"(?s)\| claimed.*\| Keys are off")
        m.run_guest("triple-fault")
        m.wait_serial(r"\| ALARM: 1 VM has crashed")
        assert not any(title in m.serial() for title in ("| Network", "| Log", "| Power"))
