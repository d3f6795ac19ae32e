# SPDX-License-Identifier: BSD-2-Clause
"""Network cards, the ways of their interrupts, and polling where none arrives."""

import json
import os
import re
import socket
import subprocess

import pytest

from machine import BUILD, Machine

pytestmark = pytest.mark.qemu("the cards, chipsets and debugger of QEMU; Bochs has one card, which every test uses")

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
        symbols = subprocess.run(["nm", f"{BUILD}/hv.elf"], capture_output=True, text=True, check=True).stdout
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
