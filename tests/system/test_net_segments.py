# SPDX-License-Identifier: BSD-2-Clause
"""Large TCP segments that the host's card cuts into frames: a Linux guest sends through the NAT and over bridges."""

import hashlib
import socket
import subprocess
import threading

import pytest

from machine import BUILD, Machine
from test_network import shell

pytestmark = pytest.mark.qemu("the cards of QEMU")

BYTES = 2000000
FRAME = 1514
LEASE = (r"""printf '#!/bin/sh\n[ -n "$ip" ] && ip addr add $ip/24 dev $interface && [ -n "$router" ] && """
         r"""ip route add default via $router\n' >/lease; chmod 755 /lease""")


def counter(m, nic, name):
    return next(n[name] for n in m.json("/host/nics")["items"] if n["name"] == nic)


def power_on(m, networks):
    """A guest with a card on each network: eth0, eth1. Returns the digest of what it has to send."""
    m.upload_file("k", f"{BUILD}/guest/vmlinuz")
    m.upload_file("i", f"{BUILD}/guest/initrd.img", "initrd")
    nics = [{"id": f"net{i}", "network": network} for i, network in enumerate(networks)]
    m.create_vm("one", {"kernel": "k", "initrd": "i", "cmdline": "console=ttyS0 quiet"}, 192 << 20, nics=nics)
    m.wait_console("one", r"SOCLE-GUEST-READY", timeout=400)
    # Segments of 16 frames at least, whatever Linux makes of the round trip; a line of text, for that is what wget posts.
    shell(m, "one", f"{LEASE}; echo 16 >/proc/sys/net/ipv4/tcp_min_tso_segs; head -c {BYTES // 2} /dev/urandom | xxd -p | tr -d '\\n' >/blob; echo made-$((40+2))",
          r"made-42\r?\n")
    return shell(m, "one", "sha256sum /blob | sed s/^/is-/", r"is-([0-9a-f]{64})").group(1)


def send(m, nic, listener, peer, tag):
    """
    The guest's blob to a listener. wget writes it in one piece, so that there is enough for segments however busy the
    machine is; nc would write 1 KiB at a time. Returns what arrived, and how many frames and segments the host's card sent.
    """
    parts = []

    def take():
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                pass
            parts.append(stream.read(BYTES))
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    before = counter(m, nic, "tx_frames"), counter(m, nic, "tx_segments")
    where = f"[{peer}]" if ":" in peer else peer
    shell(m, "one", f"wget -q -O /dev/null --post-file /blob http://{where}:{listener.getsockname()[1]}/; echo sent-{tag}-$((40+2))", rf"sent-{tag}-42\r?\n",
          timeout=300)
    thread.join(60)
    frames, segments = counter(m, nic, "tx_frames") - before[0], counter(m, nic, "tx_segments") - before[1]
    return b"".join(parts), frames, segments


@pytest.mark.parametrize("nic,has_segments", [
    ("e1000e", True),
    pytest.param("e1000", False, marks=pytest.mark.soak),  # not used there: drivers/net/README.md
    pytest.param("virtio-net-pci", False, marks=pytest.mark.soak),  # user networking takes none
])
def test_segments(nic, has_segments):
    """Through the NAT and over the bridge."""
    with Machine(nic=nic, smp=2, memory="1G", tls=False) as m:
        m.wait_ready()
        digest = power_on(m, ("default", "uplink"))
        card = m.json("/host/nics")["items"][0]["name"]
        for interface in ("eth0", "eth1"):
            shell(m, "one", f"ip link set {interface} up; udhcpc -i {interface} -s /lease -n -q 2>&1 | sed s/^/{interface}-dhcp-/",
                  rf"{interface}-dhcp-.*lease of \S+ obtained")
            with socket.create_server(("127.0.0.1", 0)) as listener:
                data, frames, segments = send(m, card, listener, "10.0.2.2", interface)
            assert len(data) == BYTES and hashlib.sha256(data).hexdigest() == digest
            assert frames > BYTES / FRAME
            assert (segments > 20) == has_segments and (segments == 0) != has_segments
            shell(m, "one", f"ip addr flush dev {interface}; ip link set {interface} down; echo left-{interface}-$((40+2))",
                  rf"left-{interface}-42\r?\n")
        assert counter(m, card, "resets") == counter(m, card, "tx_drops") == 0


@pytest.fixture
def tap():
    """A wire to this machine's own kernel, which takes segments: the name of its end here."""
    name = "socle-test"
    if subprocess.run(["ip", "tuntap", "add", name, "mode", "tap", "vnet_hdr"], capture_output=True).returncode:
        pytest.skip("needs the right to make a tap")
    try:
        for words in (f"addr add 10.77.0.1/24 dev {name}", f"addr add fd77::1/64 dev {name} nodad", f"link set {name} up"):
            subprocess.run(["ip", *words.split()], check=True)
        yield name
    finally:
        subprocess.run(["ip", "tuntap", "del", name, "mode", "tap"], check=True)


class Sniffer:
    """Frames that come out of the tap."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        self.socket.bind((name, 0))
        self.socket.setblocking(False)

    def longest(self):
        """Of those since it was made; ends it."""
        most = 0
        with self.socket:
            try:
                while True:
                    most = max(most, len(self.socket.recv(1 << 17)))
            except BlockingIOError:
                return most


@pytest.mark.parametrize("nic", ["virtio-net-pci", pytest.param("e1000e", marks=pytest.mark.soak)])
def test_segments_on_a_wire_that_takes_them(tap, nic):
    """The peer's kernel gets segments as they are, over IPv4 and IPv6."""
    extra = ["-netdev", f"tap,id=wire,ifname={tap},script=no,downscript=no", "-device", f"{nic},netdev=wire,romfile=,mac=52:54:00:00:00:77"]
    with Machine(smp=2, memory="1G", tls=False, extra=extra) as m:
        m.wait_ready()
        card = next(n["name"] for n in m.json("/host/nics")["items"] if n["mac"].endswith(":77"))
        reply = m.put("/networks/wire", {"kind": "bridge", "uplink": card})
        assert reply.status in (200, 201), reply.body
        digest = power_on(m, ("wire",))
        shell(m, "one", "ip link set eth0 up; ip addr add 10.77.0.2/24 dev eth0; ip addr add fd77::2/64 dev eth0; echo up-$((40+2))", r"up-42\r?\n")
        shell(m, "one", "until ping6 -c 1 -W 1 fd77::1 >/dev/null; do :; done; echo found-$((40+2))", r"found-42\r?\n")
        for family, here, tag in ((socket.AF_INET, "10.77.0.1", "four"), (socket.AF_INET6, "fd77::1", "six")):
            with socket.create_server((here, 0), family=family) as listener:
                sniffer = Sniffer(tap)
                data, frames, segments = send(m, card, listener, here, tag)
                assert sniffer.longest() > 2 * FRAME
            assert len(data) == BYTES and hashlib.sha256(data).hexdigest() == digest
            assert frames > BYTES / FRAME and segments > 20
        assert counter(m, card, "resets") == counter(m, card, "tx_drops") == 0
