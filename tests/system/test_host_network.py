# SPDX-License-Identifier: BSD-2-Clause
"""The host's own network: cards, settings that change on trial and come back, VLANs, and a socle.dtb that keeps them."""

import http.client
import socket
import struct
import subprocess
import time

import pytest

from backend import compile_dtb, free_port, tokens_dts
from machine import BUILD, Machine, Monitor, body_json
from pcap import read_pcap

pytestmark = pytest.mark.qemu("several cards, and a peer that sees VLAN tags")

STATIC = {"dhcp": False, "address": "10.0.2.15/24", "gateway": "10.0.2.2", "dns": ["10.0.2.3"]}
DYNAMIC = {"dhcp": True, "address": None, "gateway": None, "dns": []}
VLAN = b"\x81\x00"


class Wire:
    """A network card's other end: Ethernet frames to and from this test."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = free_port()
        self.options = ["-netdev", f"dgram,id=wire,local.type=inet,local.host=127.0.0.1,local.port={self.port},"
                        f"remote.type=inet,remote.host=127.0.0.1,remote.port={self.socket.getsockname()[1]}",
                        "-device", "e1000,netdev=wire,romfile=,mac=52:54:00:00:00:77"]

    def send(self, frame):
        self.socket.sendto(frame, ("127.0.0.1", self.port))

    def wait(self, is_wanted, timeout=30):
        """The first frame that is wanted; None if none comes."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame = self.socket.recv(65536)
            except socket.timeout:
                break
            if is_wanted(frame):
                return frame
        return None

    def ask(self, ip, vlan, timeout):
        """Asks by ARP who has an address, with a tag; the answer's frame."""
        mac, us, them = b"\x02\0\0\0\0\x99", socket.inet_aton("192.0.2.99"), socket.inet_aton(ip)
        arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + us + bytes(6) + them
        self.send(b"\xff" * 6 + mac + VLAN + struct.pack("!H", vlan) + b"\x08\x06" + arp + bytes(18))

        def is_answer(frame):
            arp = frame[frame.index(b"\x08\x06", 12) + 2:] if b"\x08\x06" in frame[12:18] else b""
            return frame[:6] == mac and arp[6:8] == b"\0\x02" and arp[14:18] == them
        return self.wait(is_answer, timeout)


@pytest.fixture(scope="module")
def wire():
    return Wire()


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """What passed the first card's other end."""
    return tmp_path_factory.mktemp("dump") / "n0.pcap"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory):
    return Monitor(tmp_path_factory.mktemp("monitor") / "monitor")


@pytest.fixture(scope="module")
def second_port():
    return free_port()


@pytest.fixture(scope="module")
def machine(wire, dump, monitor, second_port):
    extra = ["-netdev", f"user,id=n1,hostfwd=tcp:127.0.0.1:{second_port}-:80",
             "-device", "virtio-net-pci,netdev=n1,romfile=,mac=52:54:00:00:00:66",
             "-object", f"filter-dump,id=f0,netdev=n0,file={dump}", *wire.options, *monitor.options]
    with Machine(smp=2, memory="2G", tls=False, nic="e1000e,id=card", extra=extra) as m:
        yield m.wait_ready()


def nics(machine):
    return machine.json("/host/nics")["items"]


def change(machine, settings, **more):
    """Changes the settings, waits until they are in force; returns the task."""
    seen = machine.serial().count("until it is confirmed")
    reply = machine.patch("/host/network", {**settings, **more})
    assert reply.status == 202, reply
    machine.wait_serial(rf"(?s)(until it is confirmed.*){{{seen + 1}}}")
    return body_json(reply)["id"]


def confirm(machine, task):
    """As soon as the host answers again."""
    deadline = time.monotonic() + 50
    while True:
        try:
            reply = machine.post("/host/network/confirm", {"task": task}, timeout=5)
            break
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline
    assert reply.status == 200 and body_json(reply)["state"] == "succeeded", reply


def test_hardware(machine):
    """The lists of what there is, and what is known of it."""
    cpus = machine.json("/host/cpus")["items"]
    assert [c["id"] for c in cpus] == list(range(machine.json("/host")["cpu"]["count"]))
    assert all(c["online"] and c["idle_ns"] + c["host_ns"] > 0 for c in cpus)
    devices = {d["bdf"]: d for d in machine.json("/host/pci")["items"]}
    assert len(devices) > 4
    found = nics(machine)
    assert [n["driver"] for n in found] == ["e1000e", "virtio-net", "e1000"]
    for nic, model in zip(found, ("Intel 82574L", "Virtio network device", "Intel 82540EM")):
        assert nic["model"] == model and devices[nic["name"]]["driver"] == nic["driver"]
        assert devices[nic["name"]]["class"].startswith("0200")
    assert devices[found[0]["name"]]["vendor_id"] == "8086" and devices[found[0]["name"]]["device_id"] == "10d3"
    assert found[0]["link"] == "up" and found[0]["speed_bps"] == 10**9 and found[0]["mac"] == "52:54:00:12:34:56"
    assert found[0]["management"] and found[0]["address"] == "10.0.2.15"
    assert found[0]["rx_frames"] > 10 and found[0]["tx_bytes"] > 1000 and found[0]["rx_errors"] == 0
    assert not found[1]["management"] and found[1]["address"] is None and found[1]["mtu"] == 1500


def test_settings(machine):
    network = machine.json("/host/network")
    assert network["settings"] == {"hostname": "socle", "nic": None, "vlan": 0, **DYNAMIC}
    assert network["pending"] is None and network["previous"] is None
    interface = network["interface"]
    assert interface["address"] == "10.0.2.15/24" and interface["by_dhcp"] and interface["gateway"] == "10.0.2.2"
    assert interface["dns"] == ["10.0.2.3"] and interface["network"] == "uplink" and interface["link"] == "up"
    deadline = time.monotonic() + 60  # addresses are tried for duplicates first, and the router says its prefix now and then
    while {a.lower().split(":")[0] for a in machine.json("/host/network")["interface"]["ipv6"]} != {"fe80", "fec0"}:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("body,status,pointer", [
    ({"dhcp": 1}, 400, "/dhcp"), ({"dhcp": False}, 422, "/address"), ({"address": "10.0.2.15/40"}, 400, "/address"),
    ({"address": "127.0.0.1/8"}, 422, "/address"), ({"address": "10.0.2.255/24"}, 422, "/address"),
    ({"address": "192.168.77.9/24"}, 422, "/address"), ({"address": "10.0.2.15/24", "gateway": "10.0.3.1"}, 422, "/gateway"),
    ({"gateway": "10.0.2.2"}, 422, "/gateway"), ({"gateway": "x"}, 400, "/gateway"), ({"dns": ["224.0.0.1"]}, 422, "/dns"),
    ({"dns": "10.0.2.3"}, 400, "/dns"), ({"dns": ["1.1.1.1"] * 3}, 400, "/dns"), ({"vlan": 4095}, 400, "/vlan"),
    ({"vlan": "5"}, 400, "/vlan"), ({"nic": "0000:00:1f.7"}, 422, "/nic"), ({"nic": "x" * 100}, 422, "/nic"),
    ({"hostname": "-x"}, 400, "/hostname"), ({"hostname": None}, 400, "/hostname"), ({"ntp": []}, 400, "/ntp"),
    ({"confirm_within_ms": 1}, 400, "/confirm_within_ms"), ([], 400, ""), ({"mtu": 9000}, 400, "/mtu"),
])
def test_refused(machine, body, status, pointer):
    reply = machine.patch("/host/network", body)
    assert reply.status == status and body_json(reply)["pointer"] == pointer, reply
    assert machine.json("/host/network")["pending"] is None


def test_confirmed(machine, problem):
    """To a static address and back; what is confirmed stays."""
    problem(machine.post("/host/network/confirm", {"task": "network-1"}), 409, "state")
    reply = machine.patch("/host/network", {**STATIC, "hostname": "rack-9", "confirm_within_ms": 60000})
    assert reply.status == 202
    task = body_json(reply)["id"]
    assert problem(machine.post("/host/network/confirm", {"task": task}), 409, "state")["state"] == "waiting"
    problem(machine.patch("/host/network", {"vlan": 9}), 409, "task_running")
    assert machine.json("/host/network")["pending"]["hostname"] == "rack-9"
    machine.wait_serial(r"address 10\.0\.2\.15, gateway 10\.0\.2\.2 \(static\)")
    network = machine.json("/host/network")
    assert network["settings"]["address"] == "10.0.2.15/24" and network["previous"]["dhcp"] is True
    assert network["task"]["state"] == "running" and network["task"]["left_ms"] > 0
    assert not network["interface"]["by_dhcp"] and network["interface"]["dns"] == ["10.0.2.3"]
    problem(machine.post("/host/network/confirm", {"task": "network-99"}), 409, "state")
    confirm(machine, task)
    network = machine.json("/host/network")
    assert network["previous"] is None and network["task"]["state"] == "succeeded"
    assert machine.json("/host")["name"] == "rack-9"
    confirm(machine, change(machine, {**DYNAMIC, "hostname": "socle"}))
    assert machine.json("/host/network")["interface"]["by_dhcp"]


def tags(frames):
    return {struct.unpack("!H", f[14:16])[0] & 0xfff for _, f in frames if f[12:14] == VLAN}


def test_rolled_back(machine, dump):
    """A VLAN nobody else is on: the host asks there, cannot be reached, and comes back by itself."""
    before = machine.json("/host/network")["settings"]
    assert not tags(read_pcap(dump))
    change(machine, {"vlan": 5}, confirm_within_ms=4000)
    machine.wait_serial("nobody confirmed the change of the host's network: the settings before it are back", timeout=60)
    deadline = time.monotonic() + 60
    while True:
        try:
            network = body_json(machine.get("/host/network", timeout=5))
            break
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline
    assert network["settings"] == before and network["task"]["state"] == "failed" and "Nobody" in network["task"]["detail"]
    assert tags(read_pcap(dump)) == {5}
    assert [n["name"] for n in machine.json("/networks")["items"]] == ["default", "uplink"]


def test_another_card(machine, second_port):
    """Through the second card and back."""
    first, second = (n["name"] for n in nics(machine)[:2])
    port = machine.port
    task = change(machine, {"nic": second})
    machine.port = second_port
    try:
        confirm(machine, task)
        assert [n["management"] for n in nics(machine)] == [False, True, False]
        network = machine.json("/host/network")
        assert network["interface"]["nic"] == second and network["interface"]["mac"] == "52:54:00:00:00:66"
        assert network["interface"]["network"] == "host"
        assert machine.delete("/networks/host").status == 409
        task = change(machine, {"nic": None})
    finally:
        machine.port = port
    confirm(machine, task)
    assert machine.json("/host/network")["interface"]["nic"] == first
    assert [n["name"] for n in machine.json("/networks")["items"]] == ["default", "uplink"]


def test_host_in_a_vlan(machine, wire):
    """On the wire's VLAN the host answers with its tag, and to no other; then it comes back."""
    third = nics(machine)[2]["name"]
    change(machine, {"nic": third, "vlan": 12, "dhcp": False, "address": "192.0.2.7/24"}, confirm_within_ms=15000)
    answer = None
    for _ in range(10):
        answer = answer or wire.ask("192.0.2.7", 12, 2)
    assert answer and answer[12:16] == VLAN + struct.pack("!H", 12) and answer[6:12] == bytes.fromhex("525400000077")
    assert wire.ask("192.0.2.7", 13, 1) is None
    machine.wait_serial("(?s)(the settings before it are back.*){2}", timeout=60)
    machine.wait_ready()


def start_linux(machine, name, network):
    machine.create_vm(name, {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0 quiet"},
                      128 << 20, nics=[{"id": "net0", "network": network}])
    machine.wait_console(name, r"SOCLE-GUEST-READY", timeout=180)


def shell(machine, vm, command, pattern):
    machine.type(vm, command + "\n")
    return machine.wait_console(vm, pattern, timeout=120)[1]


@pytest.fixture(scope="module")
def linux(machine):
    machine.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    machine.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")


def test_vlan_access_ports(machine, wire, linux):
    """Two networks on one card: a guest's frames have its network's tag outside, and those of the other one are not its."""
    third = nics(machine)[2]["name"]
    for vlan in (20, 21):
        assert machine.put(f"/networks/lan{vlan}", {"kind": "bridge", "uplink": third, "vlan": vlan}).status == 201
    assert machine.put("/networks/twin", {"kind": "bridge", "uplink": third, "vlan": 20}).status == 409
    start_linux(machine, "tagged", "lan20")
    shell(machine, "tagged", "ip addr add 192.0.2.8/24 dev eth0; ip link set eth0 up; echo up-$((40+2))", r"up-42\r?\n")
    answer = wire.ask("192.0.2.8", 20, 20)
    assert answer and answer[12:16] == VLAN + struct.pack("!H", 20)
    for vlan in (21, 0, 22):
        assert wire.ask("192.0.2.8", vlan, 1) is None
    machine.type("tagged", "ping -c 5 -W 1 192.0.2.9\n")
    asked = wire.wait(lambda f: f[:6] == b"\xff" * 6 and f[12:18] == VLAN + b"\0\x14\x08\x06")
    assert asked and asked[38 + 4:42 + 4] == socket.inet_aton("192.0.2.9")
    assert machine.delete("/vms/tagged?force=true").status == 204
    for vlan in (20, 21):
        assert machine.delete(f"/networks/lan{vlan}").status == 204


def test_link_seen_by_the_guest(machine, monitor, linux):
    """The cable of the uplink is drawn: the guest's card has no carrier until it is put back."""
    start_linux(machine, "watcher", "uplink")
    shell(machine, "watcher", "ip link set eth0 up; sleep 1; cat /sys/class/net/eth0/carrier | sed s/^/first-/", r"first-1\r?\n")
    machine.type("watcher", "while grep -q 1 /sys/class/net/eth0/carrier; do sleep 0.1; done; echo lost-$((1+1)) >/seen; "
                 "until grep -q 1 /sys/class/net/eth0/carrier; do sleep 0.1; done; echo back-$((1+2)) >>/seen; cat /seen\n")
    downs = machine.serial().count("link is down")
    monitor.run("set_link card off")
    machine.wait_serial(rf"(?s)(link is down.*){{{downs + 1}}}", timeout=30)
    time.sleep(3)  # the guest cannot be asked meanwhile: the API is behind the same cable
    monitor.run("set_link card on")
    machine.wait_ready()
    machine.wait_console("watcher", r"lost-2\r?\nback-3\r?\n", timeout=60)
    assert nics(machine)[0]["link_changes"] >= 3
    assert machine.delete("/vms/watcher?force=true").status == 204


def test_config_survives(machine, tmp_path, problem):
    """What GET /host/config gave brings another machine up the same: address, name, networks with their forwards."""
    problem(machine.get("/host/config", headers={"Accept": "text/html"}), 406, "accept")
    confirm(machine, change(machine, {**STATIC, "hostname": "rack-9"}))
    lab = {"kind": "nat", "cidr": "192.168.99.0/24", "dhcp": {"range": ["192.168.99.100", "192.168.99.120"]},
           "forwards": [{"proto": "tcp", "host_port": 8080, "vm": "web", "port": 80}, {"proto": "udp", "host_port": 53, "vm": "dns", "port": 53}]}
    assert machine.put("/networks/lab", lab).status == 201
    assert machine.put("/networks/blue", {"kind": "bridge", "vlan": 30, "mtu": 1400}).status == 201
    assert machine.put("/networks/alone", {"kind": "isolated"}).status == 201
    reply = machine.get("/host/config", headers={"Accept": "application/dtb"})
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/dtb"
    dtb = tmp_path / "socle.dtb"
    dtb.write_bytes(reply.body)
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", dtb], capture_output=True, text=True, check=True).stdout
    assert 'hostname = "rack-9"' in text and 'address = "10.0.2.15/24"' in text and "sha256" in text
    with Machine(dtb=str(dtb), tls=False, files={}) as again:
        again.admin_token = machine.admin_token
        again.wait_ready()
        assert "socle.dtb" not in again.serial().replace("socle.dtb turns TLS off", "")
        assert again.json("/host/network")["settings"] == machine.json("/host/network")["settings"]
        assert again.json("/networks")["items"] == machine.json("/networks")["items"]
    for name in ("lab", "blue", "alone"):
        assert machine.delete(f"/networks/{name}").status == 204
    confirm(machine, change(machine, {**DYNAMIC, "hostname": "socle"}))


LAB = {"name": "lab", "kind": "nat", "cidr": "192.168.99.0/24", "dhcp": {"range": ["192.168.99.100", "192.168.99.120"]},
       "forwards": [{"proto": "tcp", "host_port": 8080, "vm": "web", "port": 80}]}
DTB = {"Accept": "application/dtb"}


def everything(machine):
    """What PUT /host/config may change, and nothing else may."""
    return machine.json("/host/network")["settings"], machine.json("/networks")["items"]


def test_config_put_back(machine, problem):
    """A saved configuration brings all back that was changed since, in either form, and is a change that If-Match guards."""
    assert machine.put("/networks/lab", LAB).status == 201
    assert machine.put("/networks/blue", {"kind": "bridge", "vlan": 30, "mtu": 1400}).status == 201
    saved, before = machine.get("/host/config"), everything(machine)
    assert saved.headers["Content-Type"] == "application/json"
    config, tree = body_json(saved), machine.get("/host/config", headers=DTB)
    assert tree.headers["ETag"] == saved.headers["ETag"]
    assert config["api"] == {"tls": False, "port": 80} and [n["name"] for n in config["networks"]] == ["blue", "default", "lab"]
    for body, kind in ((config, "application/json"), (tree.body, "application/dtb")):
        assert machine.delete("/networks/lab").status == 204
        assert machine.put("/networks/blue", {"kind": "bridge", "vlan": 31}).status == 200
        assert machine.put("/networks/red", {"kind": "bridge", "vlan": 30}).status == 201
        problem(machine.put("/host/config", body, headers={"Content-Type": kind, "If-Match": saved.headers["ETag"]}), 412, "etag")
        now = machine.get("/host/config").headers["ETag"]
        assert now != saved.headers["ETag"]
        reply = machine.put("/host/config", body, headers={"Content-Type": kind, "If-Match": now})
        assert reply.status == 200 and body_json(reply) == config and reply.headers["ETag"] == saved.headers["ETag"]
        assert everything(machine) == before
    reply = machine.put("/host/config", config)
    assert reply.status == 200 and everything(machine) == before
    reply = machine.put("/host/config", {"networks": []})
    assert [n["name"] for n in machine.json("/networks")["items"]] == ["default", "uplink"]
    assert reply.status == 200 and machine.put("/host/config", {}).status == 200


def test_config_is_all_or_nothing(machine, problem):
    """One network that cannot be, a file for another host, another API: refused with its place, and nothing has changed."""
    machine.run_guest("echo", nics=[{"id": "net0", "network": "uplink"}])
    machine.put("/networks/lab", LAB)
    machine.put("/networks/blue", {"kind": "bridge", "vlan": 30})
    machine.put("/networks/held", {"kind": "isolated"})
    machine.create_vm("holder", {"firmware": "pvh", "kernel": "echo"}, 64 << 20, nics=[{"id": "net0", "network": "held"}])
    config, before = machine.json("/host/config"), everything(machine)
    new = {"name": "anew", "kind": "bridge", "vlan": 77}
    held = {"name": "held", "kind": "isolated"}
    other = {**LAB, "cidr": "192.168.98.0/24", "dhcp": {}, "forwards": []}
    refused = [
        ({"networks": [new]}, 409, "in_use", "/networks"),  # "held" would go
        ({"networks": [held, new, {"name": "b", "kind": "bridge", "vlan": 77}]}, 409, "in_use", "/networks"),
        ({"networks": [held, other, new, {"name": "n", "kind": "bridge", "uplink": "0000:00:1f.7"}]}, 422, "semantic", "/networks/uplink"),
        ({"networks": [held, new, new]}, 400, "bad_value", "/networks"),
        ({"networks": [held, {"kind": "isolated"}]}, 400, "bad_value", "/networks/1"),
        ({"networks": [{"name": "No"}]}, 400, "bad_value", "/networks/0/name"),
        ({"networks": [held, {**LAB, "forwards": [{"proto": "tcp", "host_port": 80, "vm": "w", "port": 80}]}]}, 422, "semantic", "/networks/1/forwards/0"),
        ({"network": {"dhcp": False}}, 422, "semantic", "/network/address"),
        ({"network": {"nic": "0000:00:1e.7"}}, 422, "semantic", "/network/nic"),
        ({"network": {"colour": 1}}, 400, "unknown_field", "/network/colour"),
        ({"networks": [held, {**LAB, "cidr": "10.99.0.0/16", "dhcp": {}, "forwards": []}],
          "network": {**STATIC, "address": "10.99.0.5/24", "gateway": None}}, 422, "semantic", "/network/address"),
        ({"api": {"tls": True}}, 409, "reboot_needed", "/api/tls"),
        ({"api": {"port": 8080}, "networks": []}, 409, "reboot_needed", "/api/port"),
    ]
    for body, status, slug, pointer in refused:
        told = problem(machine.put("/host/config", body), status, slug)
        assert told["pointer"] == pointer, (body, told)
        assert everything(machine) == before, body
    assert problem(machine.put("/host/config", {"networks": []}), 409, "in_use")["name"] == "held"
    problem(machine.put("/host/config", b"\xd0\r\xfe\xed" + bytes(60), headers={"Content-Type": "application/dtb"}), 422, "semantic")
    problem(machine.put("/host/config", b"{}", headers={"Content-Type": "text/plain"}), 415, "content_type")
    problem(machine.put("/host/config?confirm_within_ms=1", {}), 400, "bad_value")
    assert machine.put("/host/config", config).status == 200 and everything(machine) == before
    for name in ("echo", "holder"):
        assert machine.delete(f"/vms/{name}?force=true").status == 204
    assert machine.put("/host/config", {"networks": []}).status == 200


def test_config_puts_the_host_on_trial(machine, problem):
    """Other settings of the host itself wait to be confirmed, as PATCH /host/network's do; the old ones come back without."""
    assert machine.put("/networks/lab", LAB).status == 201
    config, before = machine.json("/host/config"), everything(machine)
    moved = {**config, "network": {**STATIC, "hostname": "moved"}, "networks": [{"name": "blue", "kind": "bridge", "vlan": 30}]}
    seen, back = (machine.serial().count(words) for words in ("until it is confirmed", "the settings before it are back"))
    reply = machine.put("/host/config?confirm_within_ms=3000", moved)
    task = body_json(reply)
    assert reply.status == 202 and task["kind"] == "host.network" and task["state"] == "running"
    assert [n["name"] for n in machine.json("/networks")["items"]] == ["blue", "default", "uplink"]
    problem(machine.put("/host/config", config), 409, "task_running")
    machine.wait_serial(rf"(?s)(until it is confirmed.*){{{seen + 1}}}")
    machine.wait_serial(rf"(?s)(the settings before it are back.*){{{back + 1}}}")
    assert machine.json("/host/network")["settings"] == before[0]
    reply = machine.put("/host/config", moved)
    machine.wait_serial(rf"(?s)(until it is confirmed.*){{{seen + 2}}}")
    confirm(machine, body_json(reply)["id"])
    assert machine.json("/host/network")["settings"]["hostname"] == "moved"
    seen += 2
    reply = machine.put("/host/config", config)
    machine.wait_serial(rf"(?s)(until it is confirmed.*){{{seen + 1}}}")
    confirm(machine, body_json(reply)["id"])
    assert everything(machine) == before
    assert machine.delete("/networks/lab").status == 204


def test_mistakes_in_socle_dtb(tmp_path):
    """A card that is not there, and networks that cannot be: told, and the rest takes effect."""
    token = "socle1.admin." + "a" * 32
    dtb = compile_dtb(tmp_path, f'api {{ tls = "off"; {tokens_dts(admin=token)} }}; network {{ nic = "0000:00:1e.7"; vlan = <0>; }}; '
                      'networks { good { kind = "isolated"; mtu = <1000>; }; Bad { kind = "isolated"; }; uplink { kind = "bridge"; }; '
                      'wifi { kind = "wifi"; }; web { kind = "nat"; forwards { a { proto = "tcp"; host-port = <80>; vm = "w"; port = <80>; }; }; }; };')
    with Machine(dtb=dtb, tls=False) as m:
        m.admin_token = token
        m.wait_ready()
        for words in ("network/nic: there is no card at 0000:00:1e.7, the first one serves", "networks/Bad: its name", "networks/uplink: it is built in",
                      "networks/wifi/kind: it is none of", "networks/web/forwards: the host itself listens"):
            assert words in m.serial(), words
        assert [n["name"] for n in m.json("/networks")["items"]] == ["default", "good", "uplink"]
        assert m.json("/networks/good")["mtu"] == 1000
