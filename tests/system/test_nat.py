# SPDX-License-Identifier: BSD-2-Clause
"""The default network: a guest has an address, names and a way out with nothing set up."""

import http.server
import threading

import pytest

from machine import BUILD, uses_bochs

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G"}

LEASE = (r"printf '#!/bin/sh\n[ -n \"$ip\" ] || exit 0\nip addr add $ip/$mask dev eth0\nip route add default via $router\n"
         r"echo nameserver $dns >/etc/resolv.conf\necho lease $ip $router $dns $domain $hostname $mtu\n' >/lease; chmod 755 /lease; ")


def shell(machine, vm, command, pattern, timeout=120):
    """Types a command into the guest's shell. The command's echo must not match the pattern."""
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=timeout)[1]


@pytest.fixture(autouse=True)
def pool(machine):
    """The packet pool grows with the number of cards there ever were at a time, and stays: before `clean` counts."""
    machine.upload_file("warm", f"{BUILD}/guest/vmlinuz")
    machine.create_vm("warm", {"kernel": "warm"}, nics=[{"id": "net0", "network": "default"}])
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
                    nics=[{"id": "net0", "network": "default"}])
    clean.wait_console("web", r"SOCLE-GUEST-READY", timeout=180)

    lease = shell(clean, "web", LEASE + "ip link set eth0 up; mkdir -p /etc; udhcpc -i eth0 -s /lease -n -q 2>&1 | sed s/^/dhcp-/",
                  r"dhcp-lease (192\.168\.77\.\d+) 192\.168\.77\.1 192\.168\.77\.1 default\.internal web 1500")
    shell(clean, "web", "ping -c 2 192.168.77.1 | sed s/^/gate-/", r"gate-2 packets transmitted, 2 packets received")
    size = len(web.RequestHandlerClass.body)
    shell(clean, "web", f"wget -q -O /got http://10.0.2.2:{web.server_port}/; wc -c </got | sed s/^/got-/", rf"got-{size}\r?\n")
    own = shell(clean, "web", "nslookup web.default.internal 2>&1 | sed s/^/name-/", r"name-Address[^\n]*?(192\.168\.77\.(?!1\b)\d+)")
    assert own.group(1) == lease.group(1)
    # The answer of the host's server, whatever it knows: no time-out, and no failure of the forwarder.
    shell(clean, "web", "nslookup localhost.invalid 2>&1 | sed s/^/other-/", r"other-.*(NXDOMAIN|can't resolve|REFUSED|SERVFAIL)")
    # Management is not for guests.
    shell(clean, "web", "nc -w 5 10.0.2.15 80 </dev/null; echo host-$?-end", r"host-1-end", timeout=20)
    assert clean.delete("/vms/web?force=true").status == 204
    assert clean.get("/health").status == 200
