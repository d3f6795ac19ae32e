# SPDX-License-Identifier: BSD-2-Clause
"""Networks with an MTU of up to 9000: Linux guests among themselves, over a wire through each model of card, and through NAT."""

import time

import pytest

from machine import BUILD, Machine, body_json, igb_qemu
from test_host_network import VLAN, Wire

pytestmark = pytest.mark.qemu("several cards on a wire, and frames longer than the emulation of others takes")

CARDS = ["e1000e", "virtio-net-pci", "e1000", *(["igb"] if igb_qemu() else [])]
HUB = [option for i, card in enumerate(CARDS)
       for option in ("-netdev", f"hubport,id=hub{i},hubid=7", "-device", f"{card},netdev=hub{i},romfile=,mac=52:54:00:00:07:{i:02x}")]
SMALL = ["-netdev", "hubport,id=small,hubid=8", "-device", "virtio-net-pci,netdev=small,romfile=,host_mtu=4000",
         "-netdev", "hubport,id=plain,hubid=8", "-device", "virtio-net-pci,netdev=plain,romfile=,mrg_rxbuf=off"]


@pytest.fixture(scope="module")
def wire():
    return Wire()


@pytest.fixture(scope="module")
def machine(wire):
    with Machine(smp=2, memory="2G", tls=False, qemu=igb_qemu(), extra=HUB + SMALL + wire.options) as m:
        m.wait_ready()
        m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
        m.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
        yield m


@pytest.fixture
def net(machine):
    yield machine
    for vm in machine.json("/vms")["items"]:
        machine.delete(f"/vms/{vm['name']}?force=true")
    for network in machine.json("/networks")["items"]:
        if not network["builtin"]:
            assert machine.delete(f"/networks/{network['name']}").status == 204
    assert all(card["mtu"] == min(1500, card["mtu_max"]) for card in nics(machine))


def nics(machine):
    return machine.json("/host/nics")["items"]


def shell(machine, vm, command, pattern, timeout=120):
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=timeout)[1]


def power_on(machine, name, network, ip):
    """A guest whose card has the network's MTU by itself."""
    machine.create_vm(name, {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"},
                      128 << 20, nics=[{"id": "net0", "network": network}])
    machine.wait_console(name, r"SOCLE-GUEST-READY", timeout=180)
    shell(machine, name, f"ip addr add {ip}/24 dev eth0; ip link set eth0 up; sed s/^/mtu-/ /sys/class/net/eth0/mtu", r"mtu-9000\r?\n")


def port(machine, network, vm):
    return next(p for p in machine.json(f"/networks/{network}/ports")["items"] if p["vm"] == vm)


def ping_long(machine, vm, ip, network, peer):
    """Each echo is one frame each way, as long as there may be."""
    shell(machine, vm, f"ping -c 1 -W 5 {ip} | sed s/^/arp-{peer}-/", rf"arp-{peer}-1 packets transmitted, 1 packets received")
    before = port(machine, network, peer)
    shell(machine, vm, f"ping -c 5 -W 5 -s 8972 {ip} | sed s/^/long-{peer}-/", rf"long-{peer}-5 packets transmitted, 5 packets received")
    after = port(machine, network, peer)
    assert after["rx_bytes"] - before["rx_bytes"] >= 5 * 9014
    assert after["rx_frames"] - before["rx_frames"] < 5 * 7  # one each, not seven, and what else guests say


def move(machine, source, target, ip):
    """A file by TCP, not a bit lost."""
    tag = f"{source}-{target}"
    shell(machine, target, f"(nc -l -p 5000 >/blob; sha256sum /blob | sed s/^/sum-{tag}-/) & echo wait-{tag}-$((1+1))", rf"wait-{tag}-2\r?\n")
    match = shell(machine, source, f"head -c 4000000 /dev/urandom >/blob; sha256sum /blob | sed s/^/is-{tag}-/", rf"is-{tag}-([0-9a-f]{{64}})")
    machine.type(source, f"nc {ip} 5000 </blob\n")
    assert machine.wait_console(target, rf"sum-{tag}-([0-9a-f]{{64}})", timeout=120)[1].group(1) == match.group(1)


def test_refused(net, problem):
    """What a NIC can take is told, and what it cannot is refused with a sentence."""
    cards = nics(net)
    assert [c["mtu_max"] for c in cards] == [9000] * (1 + len(CARDS)) + [4000, 1500, 9000]
    assert {c["mtu"] for c in cards} == {1500}
    small, plain = cards[-3]["name"], cards[-2]["name"]
    for uplink, mtu in ((small, 4001), (plain, 1501)):
        reply = problem(net.put("/networks/lab", {"kind": "bridge", "uplink": uplink, "mtu": mtu}), 422, "semantic")
        assert reply["pointer"] == "/mtu" and "uplink does not take" in reply["detail"] and "mtu_max" in reply["hint"]
    for kind in ("isolated", "nat", "bridge"):
        reply = problem(net.put("/networks/lab", {"kind": kind, "mtu": 9001, **({"uplink": small} if kind == "bridge" else {})}), 422, "semantic")
        assert "576 to 9000" in reply["hint"]
    assert net.get("/networks/lab").status == 404
    reply = net.put("/networks/lab", {"kind": "bridge", "uplink": small, "mtu": 4000})
    assert reply.status == 201 and body_json(reply)["mtu"] == 4000
    assert [c["mtu"] for c in nics(net)[-3:]] == [4000, 1500, 1500]
    assert body_json(net.put("/networks/lab", {"kind": "bridge", "uplink": small}))["mtu"] == 1500
    assert nics(net)[-3]["mtu"] == 1500


def test_too_long(net, wire):
    """Frames longer than their network's MTU, or than all of the NIC's, are lost and counted."""
    card = nics(net)[-1]["name"]
    assert net.put("/networks/long", {"kind": "bridge", "uplink": card, "vlan": 7, "mtu": 8000}).status == 201
    assert net.put("/networks/short", {"kind": "bridge", "uplink": card, "vlan": 8, "mtu": 1500}).status == 201

    def send(vlan, payload):
        """What the NIC counts for it."""
        before, deadline = nics(net)[-1], time.monotonic() + 30
        wire.send(b"\xff" * 6 + b"\x02\0\0\0\0\x99" + VLAN + vlan.to_bytes(2, "big") + b"\x88\xb5" + bytes(payload))
        while (after := nics(net)[-1])["rx_frames"] + after["rx_errors"] == before["rx_frames"] + before["rx_errors"]:
            assert time.monotonic() < deadline
        after = nics(net)[-1]  # one counter follows the other
        return [key for key in ("rx_frames", "rx_drops", "rx_errors") if after[key] > before[key]]

    assert send(7, 8000) == ["rx_frames"] and send(8, 1500) == ["rx_frames"]
    assert send(8, 1501) == ["rx_frames", "rx_drops"]
    assert send(8, 8000) == ["rx_frames", "rx_drops"]
    assert send(7, 8001) == ["rx_errors"] and send(7, 12000) == ["rx_errors"]
    assert send(7, 60) == ["rx_frames"]


def test_uplink(net):
    """Of the built-in network the MTU changes under the host's feet, while no VM is on it, and stays with the configuration."""
    before = net.json("/networks/uplink")
    assert net.put("/networks/uplink", before).status == 200
    assert body_json(net.put("/networks/uplink", {"kind": "bridge", "mtu": 9000}))["mtu"] == 9000
    assert nics(net)[0]["mtu"] == 9000
    power_on(net, "one", "uplink", "10.0.2.60")
    shell(net, "one", "ping -c 3 10.0.2.15 | sed s/^/short-/", r"short-3 packets transmitted, 3 packets received")
    shell(net, "one", "ping -c 3 -s 8972 10.0.2.15 | sed s/^/long-/", r"long-3 packets transmitted, 3 packets received")  # the host's answers are cut
    assert net.put("/networks/uplink", before).status == 409
    assert net.delete("/vms/one?force=true").status == 204
    config = net.get("/host/config", headers={"Accept": "application/dtb"}).body
    assert b"uplink\0" in config and (9000).to_bytes(4, "big") in config
    for other in ({"kind": "bridge"}, {"kind": "bridge", "vlan": 3, "mtu": 1500}, {"kind": "isolated", "mtu": 1500},
                  {"kind": "bridge", "uplink": nics(net)[1]["name"], "mtu": 1500}):
        assert net.put("/networks/uplink", other).status == 409
    assert net.put("/networks/uplink", before).status == 200
    assert nics(net)[0]["mtu"] == 1500


def test_inside(net):
    """Two guests on a network of their own; nobody else pays for the large buffers."""
    assert net.put("/networks/inside", {"kind": "isolated", "mtu": 9000}).status == 201
    power_on(net, "one", "inside", "10.9.0.1")
    power_on(net, "two", "inside", "10.9.0.2")
    ping_long(net, "one", "10.9.0.2", "inside", "two")
    move(net, "one", "two", "10.9.0.2")
    shell(net, "one", "ping -c 3 -s 20000 10.9.0.2 | sed s/^/cut-/", r"cut-3 packets transmitted, 3 packets received")
    assert all(p["tx_drops"] == 0 and p["rx_drops"] == 0 for p in net.json("/networks/inside/ports")["items"])


def test_over_a_wire(net):
    """Guests behind each model of card reach each other with the longest frames there are: with a VLAN's tag."""
    cards = nics(net)[1:1 + len(CARDS)]
    for number, card in enumerate(cards):
        wire = {"kind": "bridge", "uplink": card["name"], "vlan": 7, "mtu": 9000}
        assert net.put(f"/networks/wire{number}", wire).status == 201
        power_on(net, f"vm{number}", f"wire{number}", f"10.9.1.{number + 1}")
    assert {c["mtu"] for c in nics(net)[1:1 + len(CARDS)]} == {9000}
    for number in range(1, len(cards)):
        ping_long(net, "vm0", f"10.9.1.{number + 1}", f"wire{number}", f"vm{number}")
        move(net, f"vm{number - 1}", f"vm{number}", f"10.9.1.{number + 1}")
    for card in nics(net)[1:1 + len(CARDS)]:
        assert card["rx_errors"] == 0 and card["resets"] == 0, card
    assert net.get("/health").status == 200


def test_nat(net):
    """Behind an uplink with 1500 a guest with 9000 is told that its packets are too long, and sends shorter ones."""
    assert net.put("/networks/large", {"kind": "nat", "cidr": "10.9.8.0/24", "mtu": 9000}).status == 201
    power_on(net, "one", "large", "10.9.8.60")
    shell(net, "one", "ping -c 3 -s 8972 10.9.8.1 | sed s/^/gateway-/", r"gateway-3 packets transmitted, 3 packets received")
    shell(net, "one", "ip route add default via 10.9.8.1; ping -c 1 10.0.2.2 | sed s/^/short-/", r"short-1 packets transmitted, 1 packets received")
    match = shell(net, "one", "ping -c 5 -W 3 -s 5000 10.0.2.2 | sed s/^/out-/", r"out-5 packets transmitted, (\d) packets received")
    assert int(match.group(1)) in (3, 4), match  # the first is what it learns from
