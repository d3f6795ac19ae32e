# SPDX-License-Identifier: BSD-2-Clause
"""VMs on networks: Linux guests with Debian's virtio-net driver talk to each other and to the outside."""

import http.server
import re
import threading

import pytest

from machine import BUILD, uses_bochs

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G", "tls": False}  # thousands of requests


def power_on(machine, name, *nics):
    machine.create_vm(name, {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"},
                      128 << 20, nics=list(nics))
    machine.wait_console(name, r"SOCLE-GUEST-READY", timeout=180)


def shell(machine, vm, command, pattern, timeout=120):
    """Types a command into the guest's shell. The command's echo must not match the pattern."""
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=timeout)[1]


def address(machine, vm, ip):
    shell(machine, vm, f"ip addr add {ip}/24 dev eth0; ip link set eth0 up; echo up-$((40+2))-{ip}", rf"up-42-{ip}\r?\n")


def port(machine, network, vm):
    return next(p for p in machine.json(f"/networks/{network}/ports")["items"] if p["vm"] == vm)


@pytest.fixture(autouse=True)
def pool(machine):
    """The packet pool grows with the number of cards there ever were at a time, and stays: before `clean` counts."""
    machine.upload_file("warm", f"{BUILD}/guest/vmlinuz")
    machine.create_vm("warm", {"kernel": "warm"}, nics=[{"id": f"net{i}", "network": "uplink"} for i in range(4)])
    assert machine.delete("/vms/warm?force=true").status == 204
    assert machine.delete("/images/warm").status == 204


@pytest.fixture
def net(clean):
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    assert clean.put("/networks/inside", {"kind": "isolated"}).status in (200, 201)
    yield clean
    for vm in clean.json("/vms")["items"]:
        clean.delete(f"/vms/{vm['name']}?force=true")
    assert clean.delete("/networks/inside").status == 204


def test_networks(clean):
    """Made, read back, refused with one sentence, deleted."""
    built_in = clean.json("/networks/uplink")
    assert built_in["kind"] == "bridge" and built_in["builtin"] and built_in["ports"] == 0
    assert clean.put("/networks/lab", {"kind": "isolated", "mtu": 1400}).status == 201
    assert clean.put("/networks/lab", {"kind": "isolated"}).status == 200
    assert [n["name"] for n in clean.json("/networks")["items"]] == ["default", "lab", "uplink"]
    assert clean.put("/networks/tagged", {"kind": "bridge", "vlan": 7}).status == 201
    for body, status in (({"kind": "wifi"}, 400), ({"kin": 1}, 400), ({"kind": "isolated", "vlan": 3}, 422),
                         ({"kind": "bridge"}, 409), ({"kind": "bridge", "vlan": 4095}, 422), ({"kind": "isolated", "mtu": 100}, 422),
                         ({"kind": "bridge", "uplink": "none", "vlan": 9}, 422)):
        assert clean.put("/networks/bad", body).status == status, body
    assert clean.delete("/networks/uplink").status == 409
    assert clean.delete("/networks/lab").status == 204 and clean.delete("/networks/tagged").status == 204
    assert clean.get("/networks/lab").status == 404


def test_linux_to_linux(net):
    """Two guests on a network of their own: ping, a large transfer without a bit lost, spoofed addresses dropped."""
    power_on(net, "one", {"id": "net0", "network": "inside"})
    power_on(net, "two", {"id": "net0", "network": "inside", "mac": "52:00:00:00:00:02"})
    address(net, "one", "10.9.0.1")
    address(net, "two", "10.9.0.2")
    assert net.json("/vms/two")["nics"][0]["mac"] == "52:00:00:00:00:02" == port(net, "inside", "two")["mac"]
    shell(net, "one", "ping -c 3 10.9.0.2 | sed s/^/ping-/", r"ping-3 packets transmitted, 3 packets received")
    shell(net, "two", "(nc -l -p 5000 >/blob; wc -c /blob | sed s/^/size-/; sha256sum /blob | sed s/^/sum-/) & echo wait-$((1+1))",
          r"wait-2\r?\n")
    match = shell(net, "one", "head -c 4000000 /dev/urandom >/blob; sha256sum /blob | sed s/^/is-/", r"is-([0-9a-f]{64})")
    net.type("one", "nc 10.9.0.2 5000 </blob\n")
    assert net.wait_console("two", r"size-(\d+) ", timeout=120)[1].group(1) == "4000000"
    assert net.wait_console("two", r"sum-([0-9a-f]{64})", timeout=120)[1].group(1) == match.group(1)
    assert port(net, "inside", "two")["rx_bytes"] > 4000000

    # Another address is refused; what is sent under one all the same is dropped and counted.
    assert port(net, "inside", "one")["spoofed"] == 0
    shell(net, "one", "ip link set eth0 address 52:00:00:00:00:77 || ping -c 2 -W 1 10.9.0.2 | sed s/^/own-/",
          r"own-2 packets transmitted, 2 packets received")
    shell(net, "one", "ip link add link eth0 mv type macvlan && ip addr del 10.9.0.1/24 dev eth0 && ip addr add 10.9.0.1/24 dev mv && "
          "ip link set mv up; ping -c 2 -W 1 10.9.0.2 | sed s/^/fake-/", r"fake-2 packets transmitted, 0 packets received")
    assert port(net, "inside", "one")["spoofed"] > 0
    assert net.delete("/networks/inside").status == 409  # in use


@pytest.mark.slow
def test_another_address(net):
    """Where the definition does not check addresses, a card takes another one, and is reached by it."""
    for number, name in enumerate(("one", "two"), 1):
        power_on(net, name, {"id": "net0", "network": "inside", "check_mac": False})
        address(net, name, f"10.9.0.{number}")
    shell(net, "one", "ip link set eth0 address 52:00:00:00:00:77 && ping -c 2 10.9.0.2 | sed s/^/new-/",
          r"new-2 packets transmitted, 2 packets received")
    shell(net, "two", "ip neigh | sed s/^/knows-/", r"knows-10\.9\.0\.1 .*52:00:00:00:00:77")
    assert port(net, "inside", "one")["spoofed"] == 0


@pytest.mark.slow
def test_filter(net):
    """Linux tells its card what it wants to receive: a group it has not joined reaches it in promiscuous mode only."""
    for number, name in enumerate(("one", "two"), 1):
        power_on(net, name, {"id": "net0", "network": "inside"})
        address(net, name, f"10.9.0.{number}")
    shell(net, "one", "cat /sys/class/net/eth0/device/features | cut -c18-21 | sed s/^/has-/", r"has-111[01]\r?\n")  # bits 17 to 19: control queue, RX mode, VLANs
    shell(net, "two", "ip route add 224.0.0.0/4 dev eth0; ping -c 1 10.9.0.1 | sed s/^/ping-/", r"1 packets received")

    def received_while_pinged(mode):
        def count(when):
            return int(shell(net, "one", f"sed s/^/{when}-/ /sys/class/net/eth0/statistics/rx_packets", rf"{when}-(\d+)\r?\n").group(1))
        shell(net, "one", f"ip link set eth0 promisc {mode[:-1]} && echo {mode}-$((1+1))", rf"{mode}-2\r?\n")
        before = count(f"before-{mode}")
        shell(net, "two", f"ping -c 20 -i 0.1 -W 1 224.0.0.77 | sed s/^/{mode}-/", rf"{mode}-20 packets transmitted")
        return count(f"after-{mode}") - before

    assert received_while_pinged("on1") >= 20
    assert received_while_pinged("off1") < 10
    assert received_while_pinged("on2") >= 20


@pytest.mark.slow
def test_isolated_ports(net):
    """Two isolated cards reach a third one, and not each other."""
    for name, number, isolated in (("one", 1, True), ("two", 2, True), ("three", 3, False)):
        power_on(net, name, {"id": "net0", "network": "inside", "isolated": isolated})
        address(net, name, f"10.9.0.{number}")
    shell(net, "one", "ping -c 2 10.9.0.3 | sed s/^/third-/", r"third-2 packets transmitted, 2 packets received")
    shell(net, "one", "ping -c 2 -W 1 10.9.0.2 | sed s/^/second-/", r"second-2 packets transmitted, 0 packets received")


@pytest.mark.qemu("it takes more frames a second than Bochs gives a guest")
def test_storms(net):
    """A guest that floods loses what is beyond the limit; its other frames, and ARP beside a flood of unicasts, go on."""
    for name, number in (("one", 1), ("two", 2)):
        power_on(net, name, {"id": "net0", "network": "inside"})
        address(net, name, f"10.9.0.{number}")

    def flood(target):
        """Each of these pings is 44 frames at once."""
        before = port(net, "inside", "one")["storms"]
        for attempt in range(10):
            tag = f"{target}-{attempt}"
            shell(net, "one", f"ping -q -c 100 -i 0.005 -W 1 -s 65000 {target} | sed s/^/{tag}-/", rf"{tag}-100 packets transmitted, 0 packets received")
            if port(net, "inside", "one")["storms"] > before:
                return
        raise AssertionError("there was no storm")

    shell(net, "one", "arp -s 10.9.0.7 52:00:00:00:07:07; ip route add 224.0.0.0/4 dev eth0; echo set-$((1+1))", r"set-2\r?\n")
    flood("10.9.0.7")  # nobody's address
    shell(net, "one", "arp -d 10.9.0.2; ping -c 3 10.9.0.2 | sed s/^/ping-/", r"ping-3 packets transmitted, 3 packets received")
    flood("224.0.0.77")
    assert port(net, "inside", "two")["storms"] == 0


@pytest.mark.qemu("much traffic, and nothing that depends on the processor")
def test_linux_to_outside(net):
    """On the uplink's network a guest gets an address from the LAN's DHCP server, and a file from beyond."""
    body = bytes(range(256)) * 4096

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        power_on(net, "one", {"id": "net0", "network": "uplink"})
        shell(net, "one", r"printf '#!/bin/sh\n[ -n \"$ip\" ] && ip addr add $ip/24 dev eth0\n' >/lease; chmod 755 /lease; "
              "ip link set eth0 up; udhcpc -i eth0 -s /lease -n -q 2>&1 | sed s/^/dhcp-/", r"dhcp-.*lease of 10\.0\.2\.\d+ obtained")
        shell(net, "one", f"wget -q -O /got http://10.0.2.2:{server.server_port}/; wc -c </got | sed s/^/got-/", rf"got-{len(body)}\r?\n")
    finally:
        server.shutdown()
    assert net.get("/health").status == 200


def test_nics_come_and_go(net):
    """Nothing is left behind by cards that are attached and detached with their VMs."""
    net.upload_file("echo", f"{BUILD}/guests/echo.elf")

    def round_trip():
        net.create_vm("one", {"kernel": "echo", "firmware": "pvh"}, 4 << 20, nics=[{"id": "net0", "network": "inside"}, {"id": "net1", "network": "uplink"}])
        assert net.json("/networks/inside")["ports"] == 1
        assert net.delete("/vms/one?force=true").status == 204

    round_trip()
    before = net.free_bytes()
    for _ in range(20 if uses_bochs() else 1000):
        round_trip()
    assert net.json("/networks/inside")["ports"] == 0
    assert net.free_bytes() == before


@pytest.mark.parametrize("nic, words", [({"id": "net0", "network": "nowhere"}, "no network"), ({"id": "net0", "network": ""}, "names no network"),
                                        ({"id": "net0", "network": "uplink", "mac": "01:00:00:00:00:00"}, "group"),
                                        ({"id": "net0", "network": "uplink", "mac": "five"}, "no MAC address")])
def test_bad_nics(clean, nic, words):
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    reply = clean.put("/vms/one?start=true", {"boot": {"kernel": "debian-kernel"}, "nics": [nic]})
    assert reply.status in (400, 422) and words in reply.body.decode(), reply.body


@pytest.mark.qemu("it has the default network's gateway to ask, and two CPUs for the hostile one")
def test_hostile_driver(net):
    """A guest that breaks every rule of its card harms nobody: another VM on its network and the host go on meanwhile."""
    lab = {"kind": "nat", "cidr": "10.9.8.0/24", "dhcp": {"range": ["10.9.8.50", "10.9.8.59"]}}
    assert net.put("/networks/lab", lab).status in (200, 201)
    power_on(net, "good", {"id": "net0", "network": "lab"})
    address(net, "good", "10.9.8.60")
    shell(net, "good", "ping -c 1 10.9.8.1 | sed s/^/first-/", r"first-1 packets transmitted, 1 packets received")
    shell(net, "good", "ping -i 0.2 10.9.8.1 >/log & echo go-$((1+1))", r"go-2\r?\n")
    net.run_guest("hostile-net", cpu={"count": 2}, nics=[{"id": "net0", "network": "lab"}])
    text, match = net.wait_console("hostile-net", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS", text
    assert int(re.search(r"(\d+) times broken", text).group(1)) > 10
    assert net.wait_state("hostile-net", "stopped") == "stopped"
    match = shell(net, "good", "kill -INT $!; wait; sed s/^/end-/ /log", r"end-(\d+) packets transmitted, (\d+) packets received")
    assert int(match.group(1)) > 5
    assert int(match.group(1)) - int(match.group(2)) <= 1  # the one under way when it was interrupted
    assert net.get("/health").status == 200
    for vm in ("good", "hostile-net"):
        assert net.delete(f"/vms/{vm}?force=true").status == 204
    assert net.delete("/networks/lab").status == 204
