# SPDX-License-Identifier: BSD-2-Clause
"""Networks of kind nat: the default one, where a guest has an address, names and a way out with nothing set up, and those of the API."""

import hashlib
import http.server
import re
import socket
import threading
import urllib.error
import urllib.request

import pytest

from backend import body_json, free_port
from machine import BUILD, uses_bochs

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G", "tls": True}  # its ports are asked for
OUTSIDE, HOST_PORT = free_port(), 8080  # what clients connect to; where that arrives
if not uses_bochs():
    MACHINE["forwards"] = [(OUTSIDE, HOST_PORT)]

LEASE = (r"printf '#!/bin/sh\n[ -n \"$ip\" ] || exit 0\nip addr add $ip/$mask dev $interface\nip route add default via $router\n"
         r"echo nameserver $dns >/etc/resolv.conf\necho lease $ip $router $dns $domain $hostname $mtu\n' >/lease; chmod 755 /lease; ")


def shell(machine, vm, command, pattern, timeout=120):
    """Types a command into the guest's shell. The command's echo must not match the pattern."""
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=timeout)[1]


@pytest.fixture(autouse=True)
def networks(machine):
    yield
    for network in machine.json("/networks")["items"]:
        if not network["builtin"]:
            machine.delete(f"/networks/{network['name']}")
    machine.put("/networks/default", {"kind": "nat", "forwards": []})


@pytest.fixture(autouse=True)
def pool(machine):
    """The packet pool grows with the number of cards there ever were at a time, and stays: before `clean` counts."""
    machine.upload_file("warm", f"{BUILD}/guest/vmlinuz")
    machine.create_vm("warm", {"kernel": "warm"}, nics=[{"id": "net0"}, {"id": "net1"}])
    assert machine.delete("/vms/warm?force=true").status == 204
    assert machine.delete("/images/warm").status == 204


@pytest.fixture
def web():
    """A web server on the machine the host's NIC is connected to."""
    class Handler(http.server.BaseHTTPRequestHandler):
        body = bytes(range(256)) * 4096

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.qemu("much traffic, and nothing that depends on the processor")
def test_default_network(clean, web):
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("web", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"}, 128 << 20,
                    nics=[{"id": "net0"}])
    assert clean.json("/vms/web")["nics"][0]["network"] == "default"
    clean.wait_console("web", r"SOCLE-GUEST-READY", timeout=180)

    lease = shell(clean, "web", LEASE + "ip link set eth0 up; mkdir -p /etc; udhcpc -i eth0 -s /lease -n -q 2>&1 | sed s/^/dhcp-/",
                  r"dhcp-lease (192\.168\.77\.\d+) 192\.168\.77\.1 192\.168\.77\.1 default\.internal web 1500")
    shell(clean, "web", "ping -c 2 192.168.77.1 | sed s/^/gate-/", r"gate-2 packets transmitted, 2 packets received")
    size = len(web.RequestHandlerClass.body)
    shell(clean, "web", f"wget -q -O /got http://10.0.2.2:{web.server_port}/; wc -c </got | sed s/^/got-/", rf"got-{size}\r?\n")
    own = shell(clean, "web", "nslookup web.default.internal 2>&1 | sed s/^/name-/", r"name-Address[^\n]*?(192\.168\.77\.(?!1\b)\d+)\s")
    assert own.group(1) == lease.group(1)
    # The answer of the host's server, whatever it knows: no time-out, and no failure of the forwarder.
    shell(clean, "web", "nslookup localhost.invalid 2>&1 | sed s/^/other-/", r"other-.*(NXDOMAIN|can't resolve|REFUSED|SERVFAIL)")
    # Management is not for guests.
    shell(clean, "web", "nc -w 5 10.0.2.15 80 </dev/null; echo host-$?-end", r"host-1-end", timeout=20)
    assert clean.delete("/vms/web?force=true").status == 204
    assert clean.get("/health").status == 200


def forward(host_port=HOST_PORT, vm="web", port=80, proto="tcp"):
    return {"proto": proto, "host_port": host_port, "vm": vm, "port": port}


def fetch(path="/"):
    """From outside, through the forward; None if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{OUTSIDE}{path}", timeout=20) as reply:
            return reply.read()
    except (urllib.error.URLError, ConnectionError):
        return None


@pytest.mark.slow
def test_nat_by_api(clean, problem):
    """Made with what is left open filled in, read back, changed, refused with the field that is wrong."""
    default = clean.json("/networks/default")
    assert default["builtin"] and default["cidr"] == "192.168.77.0/24" and default["gateway"] == "192.168.77.1"
    assert default["dhcp"]["range"] == ["192.168.77.2", "192.168.77.254"] and default["forwards"] == []
    problem(clean.delete("/networks/default"), 409, "in_use")
    problem(clean.put("/networks/default", {"kind": "isolated"}), 409, "in_use")

    lab = {"kind": "nat", "cidr": "10.9.8.0/26", "dhcp": {"range": ["10.9.8.10", "10.9.8.20"]}, "mtu": 1400,
           "forwards": [forward(8000 + i, f"vm-{i}", 80) for i in range(64)]}
    assert clean.put("/networks/lab", lab).status == 201
    read = clean.json("/networks/lab")
    assert {key: read[key] for key in lab} == lab and read["gateway"] == "10.9.8.1"
    assert clean.put("/networks/lab", read).status == 200 and clean.json("/networks/lab") == read
    assert clean.put("/networks/lab", {"kind": "nat", "cidr": "10.9.9.0/24"}).status == 200
    assert clean.json("/networks/lab")["dhcp"]["range"] == ["10.9.9.2", "10.9.9.254"]
    assert clean.put("/networks/second", {"kind": "nat", "forwards": [forward(8000, proto="udp")]}).status == 201
    assert clean.json("/networks/second")["cidr"] == "192.168.78.0/24"

    for body, status, pointer in (
            ({"cidr": "10.9.9.128/25"}, 422, "/cidr"), ({"cidr": "10.0.2.0/28"}, 422, "/cidr"), ({"cidr": "10.9.7.1/24"}, 400, "/cidr"),
            ({"cidr": "10.9.7.0/30"}, 400, "/cidr"), ({"cidr": "10.9.7.0"}, 400, "/cidr"), ({"cidr": "256.9.7.0/24"}, 400, "/cidr"),
            ({"cidr": 10}, 400, "/cidr"), ({"cidr": "127.0.0.0/8"}, 422, None), ({"cidr": "169.254.0.0/16"}, 422, None),
            ({"dhcp": {"range": ["10.9.7.2"]}}, 400, "/dhcp/range"), ({"dhcp": {"lease": 1}}, 400, "/dhcp/lease"),
            ({"cidr": "10.9.7.0/24", "dhcp": {"range": ["10.9.7.1", "10.9.7.9"]}}, 422, None),
            ({"cidr": "10.9.7.0/24", "dhcp": {"range": ["10.9.7.9", "10.9.7.8"]}}, 422, None),
            ({"cidr": "10.9.7.0/24", "dhcp": {"range": ["10.9.7.9", "10.9.7.255"]}}, 422, None),
            ({"forwards": {}}, 400, "/forwards"), ({"forwards": [{"proto": "tcp"}]}, 400, "/forwards/0"),
            ({"forwards": [forward(proto="icmp")]}, 400, "/forwards/0/proto"), ({"forwards": [forward(0)]}, 400, "/forwards/0/host_port"),
            ({"forwards": [forward(49152)]}, 400, "/forwards/0/host_port"), ({"forwards": [forward(vm="Web")]}, 400, "/forwards/0/vm"),
            ({"forwards": [forward(port=65536)]}, 400, "/forwards/0/port"), ({"forwards": [forward(443)]}, 422, "/forwards/0"),
            ({"forwards": [forward(80)]}, 422, "/forwards/0"), ({"forwards": [forward(68, proto="udp")]}, 422, "/forwards/0"),
            ({"forwards": [forward(), forward()]}, 409, "/forwards"), ({"forwards": [forward(8000, proto="udp")]}, 409, "/forwards"),
            ({"forwards": [forward(9000 + i) for i in range(65)]}, 400, "/forwards/64"), ({"vlan": 3}, 422, ""), ({"mtu": 100}, 422, None)):
        reply = clean.put("/networks/bad", {"kind": "nat", **body})
        assert reply.status == status and body_json(reply).get("pointer") == pointer, (body, reply.body)
    problem(clean.put("/networks/bad", {"kind": "isolated", "forwards": []}), 422, "semantic")

    assert clean.put("/networks/third", {"kind": "nat"}).status == 201
    problem(clean.put("/networks/fourth", {"kind": "nat"}), 507, "no_memory")
    for name in ("lab", "second", "third"):
        assert clean.delete(f"/networks/{name}").status == 204
    assert [n["name"] for n in clean.json("/networks")["items"]] == ["default", "uplink"]


@pytest.mark.qemu("Bochs forwards one port")
def test_forwards(clean, problem):
    """A guest's web server is reached from outside; forwards come, move and go while it runs, also on a network of the API's."""
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    assert clean.put("/networks/lab", {"kind": "nat", "cidr": "10.9.8.0/24", "dhcp": {"range": ["10.9.8.50", "10.9.8.59"]}}).status == 201
    clean.create_vm("web", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"}, 128 << 20,
                    nics=[{"id": "net0"}, {"id": "net1", "network": "lab"}])
    clean.wait_console("web", r"SOCLE-GUEST-READY", timeout=180)
    assert [n["ip_seen"] for n in clean.json("/vms/web")["nics"]] == [None, None]
    assert fetch() is None

    up = "ip link set eth{0} up; udhcpc -i eth{0} -s /lease -n -q 2>&1 | sed s/^/dhcp{0}-/"
    lab = shell(clean, "web", LEASE + "mkdir -p /etc; " + up.format(1), r"dhcp1-lease (10\.9\.8\.5\d) 10\.9\.8\.1 10\.9\.8\.1 lab\.internal web 1500").group(1)
    lease = shell(clean, "web", "ip route del default; " + up.format(0), r"dhcp0-lease (192\.168\.77\.\d+) ").group(1)
    shell(clean, "web", "mkdir /www /two; head -c 3000000 /dev/urandom >/www/blob; echo first >/www/index.html; echo second >/two/index.html; "
          "httpd -p 80 -h /www; httpd -p 81 -h /two; echo serve-$((1+1))", r"serve-2\r?\n")
    digest = shell(clean, "web", "ping -c 1 192.168.77.1 >/dev/null; sha256sum /www/blob | sed s/^/is-/", r"is-([0-9a-f]{64})").group(1)
    assert clean.json("/vms/web")["nics"][0]["ip_seen"] == lease
    assert next(p for p in clean.json("/networks/default/ports")["items"] if p["vm"] == "web")["ip_seen"] == lease

    # The guests' network is in use, and its forwards change all the same.
    assert clean.put("/networks/default", {"kind": "nat", "forwards": [forward()]}).status == 200
    assert fetch() == b"first\n"
    assert hashlib.sha256(fetch("/blob")).hexdigest() == digest
    assert clean.put("/networks/default", {"kind": "nat", "forwards": [forward(port=81)]}).status == 200
    assert fetch() == b"second\n"
    problem(clean.put("/networks/lab", {"kind": "nat", "forwards": [forward()]}), 409, "in_use")
    problem(clean.put("/networks/default", {"kind": "nat", "cidr": "10.1.0.0/16"}), 409, "in_use")
    assert clean.put("/networks/default", {"kind": "nat"}).status == 200
    assert fetch() is None

    # By the other network: its gateway must be the way back.
    assert clean.put("/networks/lab", {"kind": "nat", "forwards": [forward()]}).status == 200
    shell(clean, "web", f"ip route del default; ip route add default via 10.9.8.1; echo way-$((1+1))", r"way-2\r?\n")
    assert fetch() == b"first\n"
    assert clean.json("/vms/web")["nics"][1]["ip_seen"] == lab
    problem(clean.delete("/networks/lab"), 409, "in_use")

    metrics = clean.get("/metrics").body.decode()
    assert re.search(r'^socle_nat_packets_total\{network="lab",direction="in"\} [1-9]', metrics, re.M)
    assert re.search(r'^socle_nat_connections\{network="lab"\} [1-9]', metrics, re.M)
    assert re.search(r'^socle_vm_net_transmit_bytes_total\{vm="web",nic="net0",network="default"\} [0-9]{7}', metrics, re.M)
    assert 'socle_network_ports{network="lab"} 1\n' in metrics
    assert clean.delete("/vms/web?force=true").status == 204
    assert clean.delete("/networks/lab").status == 204


class Web6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def six(machine, vm):
    """Addresses and routes by the gateway's advertisement only."""
    shell(machine, vm, "ip link set eth0 up; until ip -6 addr show dev eth0 scope global | grep -v tentative | grep -q inet6; do sleep 1; done; echo six-$((40+2))",
          r"six-42\r?\n")
    return shell(machine, vm, "ip -6 addr show dev eth0 scope global | sed s/^/own-/", r"own- +inet6 (fd[0-9a-f:]+)/64").group(1)


@pytest.mark.qemu("Bochs has no IPv6 outside")
def test_ipv6(clean, web):
    """Nothing but IPv6 in the guest: its address, the gateway, names, and the world outside."""
    while not any(a.startswith("fec0") for a in (a.lower() for a in clean.json("/host/network")["interface"]["ipv6"])):
        clean.get("/health")
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("six", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"}, 128 << 20,
                    nics=[{"id": "net0"}])
    clean.wait_console("six", r"SOCLE-GUEST-READY", timeout=180)
    own = six(clean, "six")
    prefix = ":".join(own.split(":")[:3])
    gateway = f"{prefix}::1" if own.count("::") == 0 else own.split("::")[0] + "::1"
    shell(clean, "six", f"ping6 -c 2 {gateway} | sed s/^/gate-/", r"gate-2 packets transmitted, 2 packets received")
    shell(clean, "six", "ping6 -c 2 fe80::1%eth0 | sed s/^/link-/", r"link-2 packets transmitted, 2 packets received")
    shell(clean, "six", f"mkdir -p /etc; echo nameserver {gateway} >/etc/resolv.conf; nslookup six.default.internal 2>&1 | sed s/^/name-/", rf"name-Address[^\n]*?{re.escape(own)}\s")
    shell(clean, "six", "nslookup localhost.invalid 2>&1 | sed s/^/other-/", r"other-.*(NXDOMAIN|can't resolve|REFUSED|SERVFAIL)")
    shell(clean, "six", "ip -6 route | sed s/^/route-/", r"route-default via fe80::1 ")
    size = len(web.RequestHandlerClass.body)
    server = Web6(("::1", 0), web.RequestHandlerClass)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shell(clean, "six", f"wget -q -O /got 'http://[fec0::2]:{server.server_port}/'; wc -c </got | sed s/^/got-/", rf"got-{size}\r?\n")
    server.shutdown()
    # Management is not for guests, whatever the family.
    host = next(a for a in clean.json("/host/network")["interface"]["ipv6"] if a.lower().startswith("fec0"))
    shell(clean, "six", f"nc -w 5 {host} 80 </dev/null; echo host-$?-end", r"host-1-end", timeout=20)
    assert clean.delete("/vms/six?force=true").status == 204
