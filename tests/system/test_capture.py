# SPDX-License-Identifier: BSD-2-Clause
"""Captures of networks: what guests say to each other, whole and as it was, or the number of what was lost."""

import shutil
import subprocess
import time

import pytest

from machine import API, BUILD, uses_bochs
from pcap import Pcapng

pytestmark = pytest.mark.slow  # the same on every processor

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G", "tls": False}

ICMP, ECHO_REQUEST, ECHO_REPLY = 1, 8, 0
OUTBOUND, INBOUND = 2, 1


class Capture:
    """One under way: its file has begun."""

    def __init__(self, machine, network, **query):
        self.connection = machine.connect(timeout=300)
        words = "&".join(f"{key}={value}" for key, value in query.items())
        self.connection.request("GET", f"{API}/networks/{network}/capture?{words}")
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        assert self.reply.getheader("Content-Type") == "application/vnd.tcpdump.pcap"
        self.data = self.reply.read(28)

    def finish(self):
        self.data += self.reply.read()
        self.connection.close()
        return Pcapng(self.data)

    def leave(self):
        self.reply.close()
        self.connection.close()


def pings(frames, kind):
    return [f for f in frames if f[1][12:14] == b"\x08\x00" and f[1][23] == ICMP and f[1][34] == kind]


def shell(machine, vm, command, pattern):
    """Types a command; its echo must not match the pattern."""
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=120)[1]


@pytest.fixture(autouse=True)
def pool(machine):
    """The packet pool grows with the number of cards there ever were at a time, and stays: before `clean` counts."""
    machine.upload_file("warm", f"{BUILD}/guest/vmlinuz")
    machine.create_vm("warm", {"kernel": "warm"}, nics=[{"id": f"net{i}", "network": "uplink"} for i in range(3)])
    assert machine.delete("/vms/warm?force=true").status == 204
    assert machine.delete("/images/warm").status == 204


@pytest.fixture
def guests(clean):
    """one and two, which reach each other."""
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    assert clean.put("/networks/inside", {"kind": "isolated"}).status == 201
    for number, name in enumerate(("one", "two"), 1):
        clean.create_vm(name, {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"},
                        128 << 20, nics=[{"id": "net0", "network": "inside"}])
        clean.wait_console(name, r"SOCLE-GUEST-READY", timeout=180)
        shell(clean, name, f"ip addr add 10.9.0.{number}/24 dev eth0; ip link set eth0 up; echo up-$((40+2))", r"up-42\r?\n")
    yield clean
    for name in ("one", "two"):
        assert clean.delete(f"/vms/{name}?force=true").status == 204
    assert clean.delete("/networks/inside").status == 204


def test_what_guests_say(guests, tmp_path):
    whole = Capture(guests, "inside", ms=6000)
    of_one = Capture(guests, "inside", vm="one", nic="net0", ms=6000, snap_bytes=60)
    other = Capture(guests, "inside", vm="one", nic="net7", ms=6000)
    shell(guests, "one", "ping -c 5 -i 0.2 10.9.0.2 | sed s/^/ping-/", r"ping-5 packets transmitted, 5 packets received")
    file = whole.finish()
    assert file.interface == {"snap": 9216, "name": "inside"}
    assert len(pings(file.frames, ECHO_REQUEST)) == len(pings(file.frames, ECHO_REPLY)) == 5
    assert any(f[1][12:14] == b"\x08\x06" for f in file.frames)
    assert file.statistics == {"seen": len(file.frames), "lost": 0}
    times = [f[0] for f in file.frames]
    assert times == sorted(times) and abs(times[-1] / 1e9 - time.time()) < 24 * 3600
    assert all(len(f[1]) == f[2] and f[3] == 0 for f in file.frames)
    request = pings(file.frames, ECHO_REQUEST)[0][1]
    assert request[26:34] == bytes([10, 9, 0, 1, 10, 9, 0, 2])

    file = of_one.finish()
    assert file.interface == {"snap": 60, "name": "inside/one/net0"}
    assert all(f[3] == OUTBOUND and len(f[1]) == 60 and f[2] == 98 for f in pings(file.frames, ECHO_REQUEST))
    assert all(f[3] == INBOUND for f in pings(file.frames, ECHO_REPLY))
    assert len(pings(file.frames, ECHO_REQUEST)) == len(pings(file.frames, ECHO_REPLY)) == 5
    assert other.finish().frames == []

    if shutil.which("tcpdump"):
        (tmp_path / "one.pcapng").write_bytes(whole.data)
        told = subprocess.run(["tcpdump", "-n", "-r", tmp_path / "one.pcapng", "icmp"], capture_output=True, text=True, check=True).stdout
        assert told.count("ICMP echo request") == told.count("ICMP echo reply") == 5


def test_what_the_switch_drops_is_seen(guests):
    """Frames under another's address, which no other guest gets."""
    capture, of_two = Capture(guests, "inside", ms=6000), Capture(guests, "inside", vm="two", ms=6000)
    shell(guests, "one", "ip link add link eth0 mv address 52:00:00:00:00:77 type macvlan && ip addr del 10.9.0.1/24 dev eth0 && "
          "ip addr add 10.9.0.1/24 dev mv && ip link set mv up; ping -c 2 -W 1 10.9.0.2 | sed s/^/fake-/", r"fake-2 packets")
    fake = bytes.fromhex("520000000077")
    assert any(f[1][6:12] == fake for f in capture.finish().frames)
    assert not any(f[1][6:12] == fake for f in of_two.finish().frames)


def wait_free(machine, wanted):
    deadline = time.monotonic() + 30
    while machine.free_bytes() != wanted:
        assert time.monotonic() < deadline, (machine.free_bytes(), wanted)
        time.sleep(0.1)


def test_the_client_leaves(clean, problem):
    """At most four; who leaves makes room, and gives the memory back."""
    before = clean.free_bytes()
    captures = [Capture(clean, "uplink", ms=3600000) for _ in range(4)]
    assert clean.free_bytes() < before
    assert int(clean.get("/networks/uplink/capture").headers["Retry-After"]) > 0
    problem(clean.get("/networks/uplink/capture"), 503, "busy")
    for capture in captures:
        capture.leave()
    wait_free(clean, before)
    Capture(clean, "uplink", ms=1).finish()
    wait_free(clean, before)


def test_the_network_goes(clean):
    assert clean.put("/networks/lab", {"kind": "nat"}).status == 201
    capture = Capture(clean, "lab", ms=3600000)
    assert clean.delete("/networks/lab").status == 204
    assert capture.finish().statistics == {"seen": 0, "lost": 0}


def test_losses_are_counted(clean):
    """Who does not read loses frames, and is told how many; the host goes on."""
    capture = Capture(clean, "uplink", ms=20000)
    for _ in range(2 if uses_bochs() else 4):
        clean.upload("large", bytes(range(256)) * (8 << 10))
    assert clean.delete("/images/large").status == 204
    file = capture.finish()
    assert len(file.frames) > 100
    assert file.statistics["seen"] == len(file.frames) + file.statistics["lost"]
    assert file.statistics["lost"] > 100
    assert clean.get("/health").status == 200


@pytest.mark.parametrize("path,status,slug", [
    ("nowhere/capture", 404, "no_such"), ("uplink/capture?vm=nobody", 404, "no_such"), ("uplink/capture?vm=", 404, "no_such"),
    ("uplink/capture?nic=net0", 400, "bad_value"), ("uplink/capture?ms=0", 400, "bad_value"), ("uplink/capture?ms=3600001", 400, "bad_value"),
    ("uplink/capture?ms=x", 400, "bad_value"), ("uplink/capture?snap_bytes=13", 400, "bad_value"), ("uplink/capture?port=1", 400, "bad_value"),
    ("x" * 100 + "/capture", 404, "no_such"),
])
def test_refused(clean, problem, path, status, slug):
    problem(clean.get(f"/networks/{path}"), status, slug)


def test_audited(clean):
    Capture(clean, "uplink", ms=1).finish()
    assert "/networks/uplink/capture" in clean.get("/audit").body.decode()
