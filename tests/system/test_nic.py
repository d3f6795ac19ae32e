# SPDX-License-Identifier: BSD-2-Clause
"""Network cards, the ways of their interrupts, and polling where none arrives."""

import hashlib
import json
import os
import re
import socket
import subprocess

import pytest

from machine import API, BUILD, IMAGE_DIR, Machine, Monitor, igb_qemu

pytestmark = pytest.mark.qemu("the cards, chipsets and debugger of QEMU; Bochs has one card, which every test uses")

IGB = pytest.mark.skipif(not igb_qemu(), reason="no QEMU here emulates the 82576 (igb); versions from 8.0 on do")
UPLOAD_BYTES = 5 << 20
MSI = r"interrupts by MSI, vector 0x[0-9a-f]+\r?\n"
MSIX = r"interrupts by MSI-X, vector 0x[0-9a-f]+\r?\n"
INTX = r"interrupts by INTx, line \d+, GSI \d+, level, active high\r?\n"
POLLED = "no interrupt arrives; the card is polled every millisecond"


def use_the_network(m, driver):
    """Answers, takes an upload whole, and reports nothing odd."""
    m.wait_ready()
    log = m.serial()
    assert re.search(rf"net: [0-9a-f:.]+: {driver}, 52:54:", log)
    data = os.urandom(1 << 16) * (UPLOAD_BYTES >> 16)
    assert json.loads(m.upload("large", data).body)["size_bytes"] == UPLOAD_BYTES
    assert m.json("/images/large")["size_bytes"] == UPLOAD_BYTES
    assert m.delete("/images/large").status == 204
    for bad in ("panic", "stands still", "keep coming"):
        assert bad not in m.serial()


@pytest.mark.parametrize("chipset,nic,smp,driver,interrupts", [
    ("q35", "e1000e", 1, "e1000e", MSI),
    ("q35", "e1000", 1, "e1000", INTX),
    ("pc", "e1000e", 1, "e1000e", MSI),
    ("pc", "e1000", 2, "e1000", INTX),
    ("pc", "e1000-82545em", 1, "e1000", INTX),
    ("q35", "virtio-net-pci", 2, "virtio-net", MSIX),
    ("q35", "virtio-net-pci-non-transitional,event_idx=off,csum=off,guest_csum=off,ctrl_rx=off", 1, "virtio-net", MSIX),
    ("pc", "virtio-net-pci,vectors=0,host_mtu=1400", 1, "virtio-net", INTX),
    pytest.param("q35", "igb", 2, "igb", MSI, marks=IGB),
])
def test_card(chipset, nic, smp, driver, interrupts):
    with Machine(chipset=chipset, nic=nic, smp=smp) as m:
        use_the_network(m, driver)
        assert re.search(interrupts, m.serial())
        assert POLLED not in m.serial()
        assert ("CF8h" in m.serial()) == (chipset == "pc")
        assert m.json("/host")["cpu"]["count"] == smp


class Debugger:
    """QEMU's gdb server: stops the machine at a function of the hypervisor, then runs monitor commands."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(60)
        self.options = ["-S", "-gdb", f"unix:{path}"]  # QEMU connects: there is nothing to poll for

    def __enter__(self):
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(240)
        self.stream = self.connection.makefile("rb")
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.connection.close()
        self.listener.close()

    def _receive(self):
        while self.stream.read(1) != b"$":  # acknowledgements
            pass
        data = b""
        while (byte := self.stream.read(1)) != b"#":
            data += byte
        self.stream.read(2)
        self.connection.sendall(b"+")
        return data.decode()

    def ask(self, packet):
        data = packet.encode()
        self.connection.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        return self._receive()

    def stop_at(self, function):
        symbols = subprocess.run(["nm", f"{IMAGE_DIR}/hv.elf"], capture_output=True, text=True, check=True).stdout
        address = re.search(rf"(?m)^([0-9a-f]+) . {function}$", symbols).group(1)
        assert self.ask(f"Z1,{address},1") == "OK"
        assert self.ask("c").startswith("T05")
        assert self.ask(f"z1,{address},1") == "OK"

    def monitor(self, command):
        assert self.ask("qRcmd," + command.encode().hex()) == "OK"  # no output: it was understood


@pytest.mark.parametrize("line,reason", [
    (255, r"no interrupt: neither MSI nor a known line \(pin 1, line 255\)"),  # firmware knows of none
    (5, INTX),  # firmware is wrong: the card's interrupts do not come here
])
def test_polling(tmp_path, line, reason):
    """The card's Interrupt Line register lies; the host notices and gets its frames all the same."""
    debugger = Debugger(tmp_path / "gdb")
    with Machine(chipset="pc", nic="e1000,addr=3", extra=debugger.options) as m:
        with debugger:
            debugger.stop_at("pci_scan")
            debugger.monitor("o /w 0xcf8 0x8000183c")
            debugger.monitor(f"o /b 0xcfc {line}")
            assert debugger.ask("D") == "OK"
        use_the_network(m, "e1000")
        assert re.search(reason, m.serial())
        assert re.search(rf"W e1000: 0000:00:03.0: {POLLED}", m.serial())


def counter(m, name):
    """The metric of the only card."""
    return float(re.search(rf"(?m)^socle_nic_{name}\{{[^}}]*\}} (\S+)$", m.get("/metrics").body.decode()).group(1))


CARDS = ["e1000", "e1000e", "virtio-net-pci", pytest.param("igb", marks=IGB)]


@pytest.mark.parametrize("nic", CARDS)
def test_link(tmp_path, nic):
    """The cable is drawn and put back: the log says so, the metrics count it, and the API answers again."""
    monitor = Monitor(tmp_path / "monitor")
    with Machine(nic=f"{nic},id=card", extra=monitor.options) as m:
        m.wait_ready()
        assert (counter(m, "link_up"), counter(m, "link_changes_total")) == (1, 1)
        monitor.run("set_link card off")
        m.wait_serial("link is down", timeout=20)
        monitor.run("set_link card on")
        m.wait_serial("(?s)link is down.*link is up", timeout=20)
        m.wait_ready()
        assert (counter(m, "link_up"), counter(m, "link_changes_total")) == (1, 3)
        assert counter(m, "resets_total") == 0


class Saboteur(Debugger):
    """Stops the running machine and writes to what is behind physical addresses, registers included."""

    def run(self):
        self.connection.sendall(b"$c#63")

    def __enter__(self):
        super().__enter__()
        self.run()
        return self

    def stop(self):
        self.connection.sendall(b"\x03")
        assert self._receive().startswith("T")
        assert self.ask("Qqemu.PhyMemMode:1") == "OK"

    def read(self, address, count):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},{count:x}")), "little")

    def write(self, address, value, count):
        data = value.to_bytes(count, "little").hex()
        assert self.ask(f"M{address:x},{count:x}:{data}") == "OK"


def stop_transmitter(saboteur, bars):
    saboteur.write(bars[0] + 0x400, 0, 4)  # TCTL: not enabled


def break_ring(saboteur, bars):
    saboteur.write(bars[4] + 0x16, 1, 2)  # queue_select: transmit
    available = saboteur.read(bars[4] + 0x28, 4) | saboteur.read(bars[4] + 0x2c, 4) << 32
    index = saboteur.read(available + 2, 2)
    saboteur.write(available + 2, (index + 1000) & 0xffff, 2)  # more buffers than there are: the device gives up


def disturb(saboteur, sabotage, bars):
    saboteur.stop()
    sabotage(saboteur, bars)
    saboteur.run()


@pytest.mark.parametrize("nic,sabotage", [
    ("e1000", stop_transmitter),
    ("e1000e", stop_transmitter),
    ("virtio-net-pci", break_ring),
    pytest.param("igb", stop_transmitter, marks=IGB),
])
def test_reset_under_load(tmp_path, nic, sabotage):
    """The card is disturbed in the middle of an upload; the driver resets it, and the upload arrives whole."""
    saboteur, monitor = Saboteur(tmp_path / "gdb"), Monitor(tmp_path / "monitor")
    data = os.urandom(1 << 16) * (8 * UPLOAD_BYTES >> 16)
    with Machine(nic=nic, extra=saboteur.options + monitor.options) as m, saboteur:
        m.wait_ready()
        pci = monitor.run("info pci").split("Ethernet controller")[1].split("Bus ")[0]
        bars = {int(n): int(at, 16) for n, at in re.findall(r"BAR(\d): .* memory at 0x([0-9a-f]+)", pci)}
        connection = m.connect(timeout=120)
        connection.putrequest("PUT", f"{API}/images/large?kind=kernel")
        connection.putheader("Authorization", f"Bearer {m.token()}")
        connection.putheader("Content-Type", "application/octet-stream")
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders()
        half = len(data) // 2
        connection.send(data[:half])
        disturb(saboteur, sabotage, bars)
        for start in range(half, len(data), half // 16):
            # A ring's index lasts only until the driver writes it next: that may be before the device looks.
            if sabotage is break_ring and ", reset 1" not in m.serial():
                disturb(saboteur, sabotage, bars)
            connection.send(data[start:start + half // 16])
        assert connection.getresponse().status == 201
        m.wait_serial(r"W \S+: 0000:\S+: .*, reset 1", timeout=30)
        assert counter(m, "resets_total") >= 1
        assert m.json("/images/large")["sha256"] == hashlib.sha256(data).hexdigest()
        assert "did not come back" not in m.serial()
