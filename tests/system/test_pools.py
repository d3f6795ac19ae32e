# SPDX-License-Identifier: BSD-2-Clause
"""Pools: datastores on the host's disks, what guests write to them, and what is there after the host's end."""

import contextlib
import functools
import hashlib
import http.server
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from backend import body_json, compile_dtb, tokens_dts
from machine import BUILD, DISKS, Machine, disk_args
from command_line import Client
from test_disks import ESP, LINUX, gpt, wait_tables
from test_host_network import STATIC, change, confirm
from test_linux import shell
from test_store_tool import tool
from test_volumes import boot, make, off, used

pytestmark = pytest.mark.qemu("disks of the host; Bochs has none of these controllers")

MIB = 1 << 20
KINDS = list(DISKS)
OCTETS = {"Content-Type": "application/octet-stream"}


class Host(Machine):
    """A host with one disk that outlives it, and on it the token of its administrator."""

    tokens = {}  # disk -> token

    def __init__(self, path, kind="nvme", **options):
        super().__init__(smp=2, memory="1G", extra=disk_args(kind, str(path)), **options)
        self.disk, self.admin_token = path, Host.tokens.get(path)

    def wait_pool(self, name, state="online"):
        """The pool when it has come to that state."""
        for _ in range(600):
            pool = self.json(f"/pools/{name}") if self.get(f"/pools/{name}").status == 200 else {"state": None}
            if pool["state"] == state:
                return pool
            time.sleep(0.1)
        raise AssertionError(f"pool {name} is {pool}")

    def make_pool(self, name="tank"):
        disk = wait_tables(self)[0]["name"]
        reply = self.put(f"/pools/{name}", {"disk": disk, "format": True})
        assert reply.status == 202, reply
        return self.wait_pool(name)

    def kill(self):
        """As if the power failed."""
        Host.tokens[self.disk] = self.admin_token
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class NbdkitDisk:
    """A disk between QEMU and a file, by nbdkit with those arguments."""

    def __init__(self, folder, *arguments):
        self.socket = f"{folder}/disk.sock"
        self.process = subprocess.Popen(["nbdkit", "-f", "--exit-with-parent", "-U", self.socket, *arguments])
        while not os.path.exists(self.socket):
            assert self.process.poll() is None, "nbdkit ended"
            time.sleep(0.01)

    def drive(self):
        """For disk_args()."""
        return f"format=raw,file=nbd+unix:///?socket={self.socket}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.unlink(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk.img"
    with open(path, "wb") as f:
        f.truncate(256 * MIB)
    return path


def check(disk):
    assert " 0 faults" in tool("check", disk)


def test_pool_api(disk, problem):
    """A pool on an empty disk; volumes, snapshots and clones; all there after the power failed."""
    data = os.urandom(3 * MIB + 1000)
    with Host(disk) as m:
        pool = m.make_pool()
        assert (pool["state"], pool["partition"]) == ("online", 1)
        name = pool["disk"]
        assert m.put("/pools/tank", pool).status == 200
        problem(m.put("/pools/other", {"disk": name, "partition": 1}), 409, "in_use")
        problem(m.put("/pools/other", {"disk": name, "format": True}), 409, "in_use")
        problem(m.put("/pools/tank", {"disk": "sda", "partition": 1}), 409, "exists")
        problem(m.put("/volumes/raw", {"disk": name, "partition": 1}), 409, "in_use")
        volume = make(m, "v", size_bytes=1 << 40)
        assert volume == {"name": "v", "pool": "tank", "size_bytes": 1 << 40, "used_bytes": 0, "block_bytes": 512, "parent": None,
                          "read_only": False, "persistent": True, "attached_to": [], "nbd": None}
        assert m.put("/volumes/v", volume).status == 200
        problem(m.put("/volumes/v", {"pool": "ram"}), 409, "exists")
        problem(m.put("/volumes/w", {"size_bytes": 513}), 400, "bad_value")
        problem(m.put("/volumes/w", {"size_bytes": MIB, "read_only": True}), 422, "semantic")
        problem(m.put("/volumes/w", {"from": {"volume": "none"}, "pool": "tank"}), 422, "semantic")
        problem(m.put("/volumes/w", {"from": {"volume": "v"}, "size_bytes": MIB}), 400, "bad_value")
        problem(m.put("/volumes/w", {"from": {"volume": "v"}, "pool": "ram"}), 422, "semantic")
        assert m.put("/volumes/v/data", data, headers=OCTETS).status == 204
        assert used(m, "v") == 49 * 65536
        assert m.get("/volumes/v/data", headers={"Range": "bytes=1000-2000999"}).body == data[1000:2001000]
        part = os.urandom(600001)  # more than one buffer, from and to the middle of blocks
        assert m.put("/volumes/v/data", part, headers={**OCTETS, "Content-Range": "bytes 12345-612345/*"}).status == 204
        data = data[:12345] + part + data[612346:]
        assert m.get("/volumes/v/data", headers={"Range": "bytes=0-999999"}).body == data[:1000000]
        snapshot = make(m, "s", **{"from": {"volume": "v"}, "read_only": True})
        assert (snapshot["read_only"], snapshot["parent"], snapshot["used_bytes"]) == (True, "v", 49 * 65536)
        assert m.put("/volumes/v/data", b"changed", headers=OCTETS).status == 204
        problem(m.put("/volumes/s/data", b"changed", headers=OCTETS), 409, "state")
        make(m, "c", **{"from": {"snapshot": "s"}, "size_bytes": 2 << 40})
        problem(m.put("/volumes/d", {"from": {"snapshot": "c"}}), 422, "semantic")
        make(m, "gone", size_bytes=MIB)
        assert m.delete("/volumes/gone").status == 204
        assert m.patch("/volumes/v", {"size_bytes": (1 << 40) + 512}).status == 200
        make(m, "ram", size_bytes=MIB, pool="ram")
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        found = {v["name"]: v for v in m.json("/volumes")["items"]}
        assert sorted(found) == ["c", "s", "v"]
        assert (found["v"]["size_bytes"], found["c"]["size_bytes"], found["c"]["parent"]) == ((1 << 40) + 512, 2 << 40, "s")
        assert found["s"]["read_only"] and not found["c"]["read_only"]
        for volume, begin in (("v", b"changed"), ("s", data[:7]), ("c", data[:7])):
            got = m.get(f"/volumes/{volume}/data", headers={"Range": f"bytes=0-{len(data) + 99}"}).body
            assert got == begin + data[7:] + bytes(100)
        assert m.delete("/volumes/s").status == 204
        assert m.delete("/pools/tank").status == 202
        while m.get("/pools/tank").status != 404:
            time.sleep(0.1)
        assert m.json("/volumes")["items"] == []
        assert m.put("/pools/again", {"disk": name, "partition": 1}).status == 202
        m.wait_pool("again")
        assert [v["name"] for v in m.json("/volumes")["items"]] == ["c", "v"]
        problem(m.put("/pools/x", {"disk": name, "partition": 1, "format": True}), 409, "in_use")
    check(disk)


def test_command_line(disk, tmp_path):
    """A pool and what is in it by the program an administrator has."""
    with Host(disk) as m:
        m.wait_ready()
        cli = Client(tmp_path)
        cli.env |= {"SOCLE_HOST": f"https://127.0.0.1:{m.port}", "SOCLE_TOKEN": m.token(), "SOCLE_PIN": m.key_pin()}
        name = wait_tables(m)[0]["name"]
        assert cli.out("disk", "list", "-q") == f"{name}\n"
        assert "hint" in cli.error("pool", "create", "tank", name)
        cli.run("pool", "create", "tank", name, "--format")
        m.wait_pool("tank")
        assert re.search(rf"^tank +{name} +1 +online +\d+ MiB +\d+ MiB +-$", cli.out("pool", "list"), re.M)
        cli.run("volume", "create", "v", "--size", "1G")
        cli.run("volume", "snapshot", "s", "v")
        cli.run("volume", "clone", "c", "s")
        cli.run("volume", "grow", "c", "2G")
        volumes = cli.out("volume", "list")
        assert re.search(r"^s +tank +1 GiB +0 B +v +- +read-only$", volumes, re.M), volumes
        assert re.search(r"^c +tank +2 GiB +0 B +s +- +-$", volumes, re.M), volumes
        for volume in "csv":
            cli.run("volume", "rm", volume)
        cli.run("pool", "rm", "tank")
        while m.get("/pools/tank").status != 404:
            time.sleep(0.1)


def test_data_are_not_lost(tmp_path, problem):
    """What is on a disk is overwritten only when that was said; a disk with nothing on it at once."""
    path = tmp_path / "disk.img"
    image = bytearray(gpt(512, [(ESP, 2048, 4095, "boot"), (LINUX, 4096, 65535, "data")]))
    image[4096 * 512 + 5 * MIB] = 1
    path.write_bytes(image)
    with Host(path) as m:
        name = wait_tables(m)[0]["name"]
        problem(m.put("/pools/p", {"disk": name, "format": True}), 422, "semantic")  # firmware may boot from it
        problem(m.put("/pools/p", {"disk": name, "partition": 2, "format": True}), 422, "semantic")  # its type
        problem(m.put("/pools/p", {"disk": name, "partition": 3}), 422, "semantic")
        problem(m.put("/pools/p", {"disk": name}), 422, "semantic")
        problem(m.put("/pools/p", {"disk": "none", "format": True}), 422, "semantic")
        problem(m.put("/pools/ram", {"disk": name, "format": True}), 400, "bad_value")
        problem(m.put("/pools/p", {"colour": 1}), 400, "unknown_field")
    assert path.read_bytes() == image
    image = bytearray(64 * MIB)
    image[2 * MIB:3 * MIB] = os.urandom(MIB)
    path.write_bytes(image)
    with Host(path) as m:
        name = wait_tables(m)[0]["name"]
        problem(m.put("/pools/p", {"disk": name, "format": True}), 409, "state")
        assert path.read_bytes() == image
        assert m.put("/pools/p", {"disk": name, "format": True, "erase": True}).status == 202
        assert m.wait_pool("p")["size_bytes"] > 60 * MIB
    check(path)


def test_pool_that_cannot_be_mounted(tmp_path, problem):
    """It says why, and the host goes on; formatting it is refused as long as there is something."""
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(64 * MIB))
    with Host(path) as m:
        m.make_pool()
    data = bytearray(path.read_bytes())
    data[MIB + 4096 + 100] ^= 1  # the root record, and what would mend it
    data[MIB + 16 * 4096:MIB + (16 + 1216) * 4096] = bytes(1216 * 4096)
    path.write_bytes(data)
    with Host(path) as m:
        m.wait_ready()
        pool = m.wait_pool("tank", "failed")
        assert "damaged" in pool["reason"]
        problem(m.put("/volumes/v", {"size_bytes": MIB, "pool": "tank"}), 409, "state")
        make(m, "v", size_bytes=MIB)
        assert m.delete("/pools/tank").status == 202
        while m.get("/pools/tank").status != 404:
            time.sleep(0.1)
        problem(m.put("/pools/tank", {"disk": pool["disk"], "partition": 1, "format": True}), 409, "state")
        assert m.put("/pools/tank", {"disk": pool["disk"], "partition": 1, "format": True, "erase": True}).status == 202
        m.wait_pool("tank")


@pytest.mark.parametrize("kind", ["nvme", *(pytest.param(kind, marks=pytest.mark.soak) for kind in KINDS if kind != "nvme")])
def test_guest(disk, kind):
    """A file system on a pool's volume, a snapshot under it, the host's end, and all is there; discards give space back.

    Without a journal Linux writes metadata after the last flush of sync: a second one makes them durable at once.
    """
    with Host(disk, kind) as m:
        m.make_pool()
        make(m, "root", size_bytes=100 * MIB)
        boot(m, [{"id": "root", "volume": "root"}], cpu={"count": 2})
        shell(m, "mke2fs -F /dev/vda >/dev/null && mkdir -p /d && mount -t ext4 /dev/vda /d && echo mounted-$((6*7))", r"mounted-42")
        shell(m, "dd if=/dev/urandom of=/d/file bs=1M count=20 && sha256sum </d/file >/d/sum && sync && sync && echo written-$((6*7))", r"written-42", timeout=300)
        full = used(m, "root")
        assert full >= 20 * MIB
        make(m, "before", **{"from": {"volume": "root"}, "read_only": True})
        shell(m, "dd if=/dev/urandom of=/d/more bs=1M count=4 && sha256sum </d/more >/d/moresum && sync && sync && echo more-$((6*7))", r"more-42", timeout=300)
        m.kill()
    check(disk)
    with Host(disk, kind) as m:
        m.wait_ready()
        m.wait_pool("tank")
        boot(m, [{"id": "root", "volume": "root"}, {"id": "old", "volume": "before", "read_only": True}], cpu={"count": 2})
        shell(m, "mkdir -p /d && mount -t ext4 /dev/vda /d && sha256sum </d/file | cmp - /d/sum && sha256sum </d/more | cmp - /d/moresum && echo same-$((6*7))",
              r"same-42", timeout=300)
        assert m.patch("/volumes/root", {"size_bytes": 120 * MIB}).status == 200
        shell(m, "while ! grep -q %d /sys/block/vda/size; do :; done; echo grown-$((6*7))" % (120 * MIB // 512), r"grown-42")
        shell(m, "rm /d/file /d/more && sync && fstrim /d && umount /d && echo trimmed-$((6*7))", r"trimmed-42", timeout=300)
        assert used(m, "root") <= full - 18 * MIB
        shell(m, "echo x | dd of=/dev/vdb bs=512 conv=sync || echo refused-$((6*7))", r"refused-42")
        off(m)
        before = m.json("/pools/tank")["free_bytes"]
        assert m.delete("/volumes/before").status == 204
        while m.json("/pools/tank")["free_bytes"] < before + 18 * MIB:
            time.sleep(0.1)
    check(disk)


def test_what_nobody_flushes(disk, tmp_path):
    """It is on the disk soon all the same: file systems without a journal write after the last flush of sync."""
    copy, out = tmp_path / "copy.img", tmp_path / "out"
    with Host(disk) as m:
        m.make_pool()
        make(m, "root", size_bytes=MIB)
        boot(m, [{"id": "root", "volume": "root"}])
        shell(m, "yes socle | dd of=/dev/vda bs=64k count=16 iflag=fullblock oflag=direct && echo written-$((6*7))", r"written-42")
        deadline = time.monotonic() + 60
        while True:
            subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
            tool("export", copy, "root", out)
            if out.read_bytes() == (b"socle\n" * MIB)[:MIB]:
                break
            assert time.monotonic() < deadline
        m.kill()


def test_images(disk, problem):
    """Images go to the pool, checked and whole, and are there again; a VM boots from them, reads one as a disk, and clones it."""
    data = os.urandom(5 * MIB + 777)
    with Host(disk) as m:
        m.make_pool()
        free = m.json("/pools/tank")["free_bytes"]
        m.upload("seed", data, "raw")
        image = m.json("/images/seed")
        assert (image["pool"], image["persistent"], image["size_bytes"]) == ("tank", True, len(data))
        bad = m.put("/images/bad", data, headers={**OCTETS, "Repr-Digest": "sha-256=:" + "A" * 43 + "=:"})
        problem(bad, 422, "digest")
        assert m.put("/images/ram?pool=ram", b"x", headers=OCTETS).status == 201
        assert m.json("/images/ram")["pool"] == "ram"
        problem(m.put("/images/x?pool=none", b"x", headers=OCTETS), 400, "bad_value")
        m.upload("seed", b"old", "raw")
        m.upload("seed", data, "raw")  # replaced: what it took is free again
        assert m.get("/images/seed/data", headers={"Range": "bytes=777-2000776"}).body == data[777:2000777]
        make(m, "root", **{"from": {"image": "seed"}, "size_bytes": 64 * MIB})
        assert (m.json("/volumes/root")["parent"], m.json("/volumes/root")["pool"]) == ("seed", "tank")
        while m.json("/pools/tank")["free_bytes"] < free - 6 * MIB:
            time.sleep(0.1)
        before = m.json("/pools/tank")["objects"]
        with contextlib.closing(m.connect()) as c:  # an upload that the power failure ends
            c.putrequest("PUT", "/api/v1/images/half")
            for name, value in (("Authorization", f"Bearer {m.token()}"), ("Content-Length", str(4 * MIB)), *OCTETS.items()):
                c.putheader(name, value)
            c.endheaders()
            c.send(bytes(MIB))
            while m.json("/pools/tank")["objects"] == before:
                time.sleep(0.1)
        m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz", "kernel")
        m.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
        m.kill()
    check(disk)
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        images = {i["name"]: i for i in m.json("/images")["items"]}
        assert sorted(images) == ["debian-initrd", "debian-kernel", "seed"]
        assert images["seed"] == image
        assert m.get("/images/seed/data").body == data
        memory = m.json("/host")["memory"]["image_bytes"]
        boot(m, [{"id": "seed", "image": "seed", "read_only": True}, {"id": "root", "volume": "root"}])
        assert m.json("/host")["memory"]["image_bytes"] == memory  # only while it was loaded
        problem(m.delete("/images/seed"), 409, "in_use")
        problem(m.delete("/pools/tank"), 409, "in_use")
        shell(m, f"head -c {len(data)} /dev/vda | md5sum; head -c {len(data)} /dev/vdb | md5sum | sed s/^/sum-/",
              f"{hashlib.md5(data).hexdigest()} .*\\r?\\nsum-{hashlib.md5(data).hexdigest()}")
        off(m)
        assert m.delete("/images/seed").status == 204
    check(disk)


ECHO = {"firmware": "pvh", "kernel": "echo"}


def test_definitions(disk, problem):
    """Definitions outlive the host; those with autostart run again, in their order; what is deleted stays away."""
    vm = {"description": "Größe", "tags": ["a", "b"], "cpu": {"count": 2, "weight": 50}, "memory": {"size_bytes": 4 * MIB},
          "boot": {**ECHO, "cmdline": "a b"}, "disks": [{"id": "d", "volume": "v", "serial": "S"}]}
    with Host(disk) as m:
        m.wait_ready()
        assert m.put("/vms/before", vm).status == 201
        assert not m.json("/vms/before")["persistent"]
        m.make_pool()
        assert m.json("/vms/before")["persistent"]  # the pool takes what there is
        make(m, "v", size_bytes=MIB)
        m.upload_file("echo", f"{BUILD}/guests/echo.elf")
        for name, order in (("first", 2), ("second", 3), ("zero", 1)):
            reply = m.put(f"/vms/{name}", {"memory": {"size_bytes": 4 * MIB}, "boot": ECHO, "cpu": {"count": 1}, "on_crash": "restart",
                                           "autostart": {"enabled": True, "order": order, "delay_ms": 700 if order == 3 else 0}})
            assert reply.status == 201, reply
        assert m.put("/vms/gone", vm).status == 201
        assert m.delete("/vms/gone").status == 204
        assert m.patch("/vms/before", {"description": "changed"}).status == 200
        problem(m.patch("/vms/before", {"autostart": {"delay_ms": 3600001}}), 400, "bad_value")
        assert m.post("/vms/zero/start").status == 200
        assert m.patch("/vms/zero", {"tags": ["live"]}).status == 200
        kept = {v["name"]: m.json(f"/vms/{v['name']}") for v in m.json("/vms")["items"]}
        m.kill()
    check(disk)
    with Host(disk) as m:
        m.wait_ready()
        m.wait_serial(r"(?s)VM zero started.*VM first started.*VM second started")
        starts = {n: float(m.wait_serial(rf"\[ *(\d+\.\d+)\][^\n]*VM {n} started").group(1)) for n in ("first", "second")}
        assert starts["second"] - starts["first"] >= 0.69
        again = {v["name"]: m.json(f"/vms/{v['name']}") for v in m.json("/vms")["items"]}
        assert sorted(again) == ["before", "first", "second", "zero"]
        for name, was in kept.items():
            for member in ("uuid", "description", "tags", "cpu", "boot", "disks", "nics", "serial", "on_crash", "autostart", "persistent"):
                assert again[name][member] == was[member], (name, member)
        assert (again["before"]["description"], again["zero"]["tags"], again["before"]["state"]) == ("changed", ["live"], "stopped")
        assert m.post("/vms/before/start").status == 200
        problem(m.delete("/pools/tank"), 409, "in_use")
    check(disk)


def test_networks(disk, tmp_path):
    """Networks and the host's own settings outlive the host; a change on trial does not, and socle.dtb comes first."""
    lab = {"kind": "nat", "cidr": "10.9.8.0/24", "dhcp": {"range": ["10.9.8.50", "10.9.8.59"]}}
    with Host(disk, tls=False) as m:
        m.wait_ready()
        assert m.put("/networks/before", {"kind": "isolated"}).status == 201
        m.make_pool()
        assert m.put("/networks/lab", lab).status == 201
        assert m.put("/networks/gone", {"kind": "isolated"}).status == 201
        assert m.delete("/networks/gone").status == 204
        confirm(m, change(m, {**STATIC, "hostname": "rack-9"}))
        kept = {n: m.json(f"/networks/{n}") for n in ("before", "lab")}
        change(m, {"hostname": "on-trial"}, confirm_within_ms=60000)
        assert m.put("/networks/late", {"kind": "isolated"}).status == 201  # is kept, and the trial with it is not
        m.kill()
    check(disk)
    with Host(disk, tls=False) as m:
        m.wait_ready()
        m.wait_serial("settings kept in pool tank are in force")
        assert {n: m.json(f"/networks/{n}") for n in kept} == kept
        assert m.get("/networks/late").status == 200 and m.get("/networks/gone").status == 404
        network = m.json("/host/network")["settings"]
        assert (network["hostname"], network["dhcp"], network["address"]) == ("rack-9", False, STATIC["address"])
        m.kill()
    token = "socle1.admin." + "a" * 32
    dtb = compile_dtb(tmp_path, f'hostname = "from-stick"; api {{ tls = "off"; {tokens_dts(admin=token)} }}; '
                      'networks { lab { kind = "isolated"; }; };')
    with Host(disk, tls=False, dtb=dtb) as m:
        m.admin_token = token
        m.wait_ready()
        m.wait_serial("settings kept in pool tank are in force")
        assert m.json("/networks/lab")["kind"] == "isolated" and m.get("/networks/before").status == 200
        network = m.json("/host/network")["settings"]
        assert (network["hostname"], network["dhcp"]) == ("from-stick", True)
    check(disk)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_killed_under_load(disk, kind):
    """Two writers, discards and snapshots; the host is killed in the middle, again and again: what was flushed is there."""
    acked = {}
    for round_ in range(3):
        with Host(disk, kind) as m:
            m.wait_ready()
            if round_ == 0:
                m.make_pool()
                make(m, "a", size_bytes=64 * MIB)
                make(m, "b", size_bytes=1 << 40)
            m.wait_pool("tank")
            for volume, number in acked.items():
                got = m.get(f"/volumes/{volume}/data", headers={"Range": f"bytes=0-{65536 * 64 - 1}"}).body
                for n in range(max(1, number - 60), number + 1):
                    line = b"%d-%s\n" % (n, volume.encode())
                    piece = got[n % 64 * 65536:][:65536]
                    newer = b"%d-%s\n" % (n + 64, volume.encode())  # begun, and not acknowledged any more
                    assert piece.startswith(line) or piece.startswith(newer), (volume, n, number, piece[:20])
            boot(m, [{"id": "a", "volume": "a"}, {"id": "b", "volume": "b"}], cpu={"count": 2})
            for device, volume in (("vda", "a"), ("vdb", "b")):
                start = acked.get(volume, 0)
                m.type("debian", f"i={start}; while :; do i=$((i+1)); yes $i-{volume} | head -c 65536 | dd of=/dev/{device} bs=64k seek=$((i%64)) "
                                 f"conv=notrunc,fsync 2>/dev/null && echo ack-$i-{volume}; done &\n")
            m.type("debian", "while :; do blkdiscard -o 8M -l 8M /dev/vda; done 2>/dev/null &\n")
            m.wait_console("debian", rf"ack-{acked.get('a', 0) + 20}-a", timeout=240)
            make(m, f"s{round_}", **{"from": {"volume": "a"}, "read_only": True})
            if round_:
                assert m.delete(f"/volumes/s{round_ - 1}").status == 204
            m.wait_console("debian", rf"ack-{acked.get('b', 0) + 45}-b", timeout=240)
            text = m.console("debian")
            m.kill()
        for volume in "ab":
            acked[volume] = max(int(n) for n in re.findall(rf"ack-(\d+)-{volume}\r?\n", text))
        check(disk)


def serve(folder):
    """The port of a web server for the files in a folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def no_room(m, problem, reply, need):
    """The answer says how much is missing: all that was asked for, and what may still be used."""
    told = problem(reply, 507, "no_space")
    assert told["need_bytes"] == need > told["free_bytes"] and told["free_bytes"] <= m.json("/pools/tank")["free_bytes"], told


def test_full(tmp_path, problem):
    """A full pool is an error, for the API and for guests, and nothing hangs; what is deleted is room again."""
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(64 * MIB))
    with Host(path) as m:
        m.make_pool()
        make(m, "keep", size_bytes=20 * MIB)
        assert m.put("/volumes/keep/data", os.urandom(20 * MIB), headers=OCTETS).status == 204
        make(m, "big", size_bytes=1 << 40)
        no_room(m, problem, m.put("/volumes/big/data", os.urandom(50 * MIB), headers=OCTETS), need=50 * MIB)
        no_room(m, problem, m.put("/images/big", os.urandom(10 * MIB), headers=OCTETS), need=10 * MIB)
        assert m.get("/images/big").status == 404
        with open(tmp_path / "qcow2.raw", "wb") as f:
            f.write(os.urandom(8 * MIB))
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", tmp_path / "qcow2.raw", tmp_path / "disk.qcow2"], check=True)
        packed = (tmp_path / "disk.qcow2").read_bytes()
        no_room(m, problem, m.put("/images/disk", packed, headers=OCTETS), need=len(packed))
        pulled = m.post("/images", {"name": "far", "url": f"http://10.0.2.2:{serve(tmp_path)}/qcow2.raw",
                                    "sha256": hashlib.sha256((tmp_path / "qcow2.raw").read_bytes()).hexdigest()})
        task = m.json(f"/tasks/{body_json(pulled)['id']}?wait_ms=60000")
        assert task["state"] == "failed" and task["error"]["status"] == 507 and task["error"]["need_bytes"] == 8 * MIB > task["error"]["free_bytes"]
        assert m.delete("/volumes/big").status == 204
        make(m, "thin", size_bytes=1 << 40)
        for name, path_, kind in (("debian-kernel", "vmlinuz", "kernel"), ("debian-initrd", "initrd.img", "initrd")):
            with open(f"{BUILD}/guest/{path_}", "rb") as f:
                assert m.put(f"/images/{name}?kind={kind}&pool=ram", f.read(), headers=OCTETS).status == 201
        boot(m, [{"id": "thin", "volume": "thin"}])
        shell(m, "dd if=/dev/urandom of=/dev/vda bs=1M count=60 conv=fsync || echo full-$((6*7))", r"full-42", timeout=300)
        assert m.delete("/volumes/keep").status == 204
        shell(m, "blkdiscard -l 64M /dev/vda; dd if=/dev/urandom of=/dev/vda bs=1M count=10 conv=fsync && echo room-$((6*7))", r"room-42", timeout=300)
        off(m)
    check(path)


def test_users_and_scopes(disk, problem):
    """Users and tokens for some VMs are the same after the host's end; who was deleted is not there again."""
    words = {"user": "olga", "password": "a password to keep"}
    with Host(disk) as m:
        m.wait_ready()
        assert m.put("/users/olga", {"role": "operator", "password": words["password"], "certs": ["olga@example.org"]}).status == 201
        m.make_pool()
        assert m.put("/users/gone", {"role": "admin", "password": words["password"]}).status == 201
        assert all(u["survives_reboot"] for u in m.json("/users")["items"])
        assert m.delete("/users/gone").status == 204
        scoped = m.make_token("operator", vm_tags=["web", "test"])
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        users = m.json("/users")["items"]
        assert [(u["name"], u["role"], u["certs"]) for u in users] == [("olga", "operator", ["olga@example.org"])]
        assert m.post("/sessions", words, token="").status == 201
        assert ["web", "test"] in [t.get("vm_tags") for t in m.json("/tokens")["items"]]
        assert m.get("/vms", token=scoped).status == 200
        problem(m.get("/host", token=scoped), 403, "scope")
    check(disk)


def test_tokens(disk, problem):
    """Who may come in is known after the host's end; a token that was deleted, or of a disk that comes later, opens nothing."""
    with Host(disk) as m:
        m.wait_ready()
        viewer = m.make_token("viewer", user="eve")
        assert not any(t["survives_reboot"] for t in m.json("/tokens")["items"])
        m.make_pool()
        assert all(t["survives_reboot"] for t in m.json("/tokens")["items"])
        gone, operator = m.make_token("operator"), m.make_token("operator")
        assert m.delete(f"/tokens/{gone.split('.')[1]}").status == 204
        pin = m.key_pin()
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        assert m.key_pin() == pin and "kept in a pool" in m.serial()
        assert not m.claim_codes() and "nobody has claimed" not in m.serial()
        problem(m.post("/claim", {"code": "0" * 12}, token=""), 409, "claimed")
        assert sorted((t["role"], t["survives_reboot"]) for t in m.json("/tokens")["items"]) == [
            ("admin", True), ("operator", True), ("viewer", True)]
        assert m.get("/vms", token=viewer).status == m.get("/vms", token=operator).status == 200
        problem(m.get("/vms", token=gone), 401, "bad_token")
        name = m.json("/pools/tank")["disk"]
        assert m.delete("/pools/tank").status == 202
        while m.get("/pools/tank").status != 404:
            time.sleep(0.1)
        problem(m.delete(f"/tokens/{viewer.split('.')[1]}"), 409, "state")
        assert m.put("/pools/tank", {"disk": name, "partition": 1}).status == 202
        m.wait_pool("tank")
        assert m.delete(f"/tokens/{viewer.split('.')[1]}").status == 204
        problem(m.get("/vms", token=viewer), 401, "bad_token")
    check(disk)


@pytest.mark.parametrize("seconds,least", [(1.5, 15), pytest.param(4, 60, marks=pytest.mark.soak)])
def test_slow_disk(disk, tmp_path, seconds, least):
    """A disk shows its partitions after three reads, what is in its pool after 18. The host waits a minute for that, for its key, too;
    its owner is known whenever it is there."""
    with Host(disk) as m:
        m.make_pool()
        pin = m.key_pin()
        m.kill()
    with NbdkitDisk(tmp_path, "--filter=delay", "file", str(disk), f"delay-read={seconds * 1000:.0f}ms") as slow, Host(slow.drive()) as m:
        m.disk, m.admin_token = disk, Host.tokens[disk]
        m.wait_ready(timeout=200)
        mounted = m.wait_serial(r"\[ *([\d.]+)\] \d I pool: tank on partition", timeout=200)
        assert float(mounted[1]) > least, "that was not slow"
        m.wait_pool("tank")
        assert (m.key_pin() == pin) == (least < 60)
        assert [t["role"] for t in m.json("/tokens")["items"]] == ["admin"]
