# SPDX-License-Identifier: BSD-2-Clause
"""What virtio-net leaves to the host: Linux guests with iperf3 send and receive large segments over several queues."""

import hashlib
import socket
import threading
import zlib

import pytest

from machine import BUILD, uses_bochs
from test_network import address, pool, port, shell  # noqa: F401 (a fixture of all tests here, too)

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G", "tls": False}
LARGE = 2500  # bytes in a packet, on average: no frame has as many
# CSUM, GUEST_CSUM, MTU, MAC, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, HOST_ECN, MRG_RXBUF, STATUS, CTRL_VQ, CTRL_RX, CTRL_VLAN, MQ, CTRL_MAC_ADDR
FEATURES = (0, 1, 3, 5, 7, 8, 11, 12, 13, 15, 16, 17, 18, 19, 22, 23)

pytestmark = pytest.mark.qemu("much traffic, and nothing that depends on the processor")


@pytest.fixture
def net(clean):
    clean.upload_file("k", f"{BUILD}/guest/vmlinuz")
    parts = [open(f"{BUILD}/guest/{name}.img", "rb").read() for name in ("initrd", "iperf")]
    clean.upload("i", b"".join(p + bytes(-len(p) % 4) for p in parts), "initrd")
    assert clean.put("/networks/inside", {"kind": "isolated"}).status in (200, 201)
    yield clean
    for vm in clean.json("/vms")["items"]:
        clean.delete(f"/vms/{vm['name']}?force=true")
    assert clean.delete("/networks/inside").status == 204


def power_on(m, name, nic, vcpus=2):
    m.create_vm(name, {"kernel": "k", "initrd": "i", "cmdline": "console=ttyS0 quiet"}, 192 << 20, nics=[nic], cpu={"count": vcpus})
    m.wait_console(name, r"SOCLE-GUEST-READY", timeout=400)


class Count:
    """Bytes in each packet that the guest's stack has seen since the last look."""

    def __init__(self, m, vm):
        self.m, self.vm, self.looks, self.before = m, vm, 0, {}
        self.look()

    def look(self):
        self.looks += 1
        names = " ".join(f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets"))
        match = shell(self.m, self.vm, f"cd /sys/class/net/eth0/statistics; echo look{self.looks}-$(cat {names}); cd /",
                      rf"look{self.looks}-(\d+) (\d+) (\d+) (\d+)\r?\n")
        now = [int(v) for v in match.groups()]
        moved = [n - b for n, b in zip(now, self.before or now)]
        self.before = now
        return moved[0] / max(moved[1], 1), moved[2] / max(moved[3], 1)


def iperf(m, client, server, target, options):
    """Returns what the receiver has seen, in bits a second."""
    tag = f"{client}-{zlib.crc32((target + options).encode())}"
    shell(m, server, f"iperf3 -s -1 >/server & sleep 1; echo serves-{tag}-$((40+2))", rf"serves-{tag}-42\r?\n")
    match = shell(m, client, f"iperf3 -c {target} -f k {options} >/client 2>&1; tail -4 /client | sed s/^/{tag}:/; echo done-{tag}-$((40+2))",
                  rf"{tag}:.*?([\d.]+) Kbits/sec +receiver[\s\S]*done-{tag}-42\r?\n", timeout=300)
    return float(match.group(1)) * 1000


def test_large_segments(net):
    """Between guests: features agreed on, queues used, segments larger than a frame on both sides, frames on the switch."""
    for number, name in enumerate(("one", "two"), 1):
        power_on(net, name, {"id": "net0", "network": "inside"})
        address(net, name, f"10.9.0.{number}")
        bits = shell(net, name, "sed s/^/bits-/ /sys/class/net/eth0/device/features", r"bits-([01]{64})").group(1)
        assert [n for n in FEATURES if bits[n] != "1"] == [], bits
        shell(net, name, "echo queues-$(ls /sys/class/net/eth0/queues | wc -l)", r"queues-4\r?\n")
    one, two = Count(net, "one"), Count(net, "two")
    assert iperf(net, "one", "two", "10.9.0.2", "-n 6M -P 2") > 0
    sent, received = one.look()[1], two.look()[0]
    assert sent > LARGE, f"{sent} bytes in a packet sent: no TSO"
    assert received > LARGE, f"{received} bytes in a packet received"
    p = port(net, "inside", "one")
    assert p["tx_bytes"] / p["tx_frames"] <= 1514 and p["tx_bytes"] > 4 << 20
    assert iperf(net, "two", "one", "10.9.0.1", "-n 2M -R") > 0  # and back

    # The same over IPv6.
    for number, name in enumerate(("one", "two"), 1):
        shell(net, name, f"ip addr add fd00::{number}/64 dev eth0; echo six-$((40+2))", r"six-42\r?\n")
    shell(net, "one", "until ping6 -c 1 -W 1 fd00::2 >/dev/null; do :; done; echo found-$((40+2))", r"found-42\r?\n")
    one.look(), two.look()
    assert iperf(net, "one", "two", "fd00::2", "-n 3M") > 0
    assert one.look()[1] > LARGE and two.look()[0] > LARGE

    # The card is started anew: queues, pairs and what was under way are as after a reset.
    shell(net, "two", "ip link set eth0 down; ip link set eth0 up; ip addr add 10.9.0.2/24 dev eth0; echo again-$((40+2))", r"again-42\r?\n")
    assert iperf(net, "one", "two", "10.9.0.2", "-n 1M") > 0


def serve(work):
    """Lets one client in; work(connection) runs beside the test. Returns the port and the thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = listener.accept()
        with connection, listener:
            work(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return listener.getsockname()[1], thread


@pytest.mark.parametrize("network", ["default", "uplink"])
def test_segments_to_and_from_the_outside(net, network):
    """Through NAT and over the bridge: what a guest leaves to be cut is right on the wire, and what comes from there is joined."""
    power_on(net, "one", {"id": "net0", "network": network})
    shell(net, "one", r"printf '#!/bin/sh\n[ -n \"$ip\" ] && ip addr add $ip/24 dev eth0 && [ -n \"$router\" ] && "
          r"ip route add default via $router\n' >/lease; chmod 755 /lease; ip link set eth0 up; "
          "udhcpc -i eth0 -s /lease -n -q 2>&1 | sed s/^/dhcp-/", r"dhcp-.*lease of \S+ obtained")
    digest, sizes = hashlib.sha256(), []

    def take(connection):
        while data := connection.recv(1 << 20):
            digest.update(data)
            sizes.append(len(data))

    count = Count(net, "one")
    number, thread = serve(take)
    # dd has the connection itself: nc would write a kilobyte at a time, which a quick host takes as small packets.
    match = shell(net, "one", f"head -c 2000000 /dev/urandom >/blob; sha256sum /blob | sed s/^/is-/; nc 10.0.2.2 {number} -e dd if=/blob bs=500000; echo sent-$((40+2))",
                  r"is-([0-9a-f]{64})[\s\S]*sent-42\r?\n", timeout=300)
    thread.join(60)
    assert sum(sizes) == 2000000 and digest.hexdigest() == match.group(1)
    assert count.look()[1] > LARGE

    data = bytes(range(251)) * 8000
    number, thread = serve(lambda connection: connection.sendall(data))
    match = shell(net, "one", f"nc 10.0.2.2 {number} </dev/null >/got; sha256sum /got | sed s/^/got-/", r"got-([0-9a-f]{64})", timeout=300)
    assert match.group(1) == hashlib.sha256(data).hexdigest()
    assert count.look()[0] > 1600, "nothing was joined"
