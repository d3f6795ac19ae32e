# SPDX-License-Identifier: BSD-2-Clause
"""Pools: datastores on the host's disks, what guests write to them, and what is there after the host's end."""

import json
import os
import random
import signal
import time

import pytest

from machine import DISKS, Machine, disk_args
from test_disks import ESP, LINUX, gpt, wait_tables
from test_linux import shell
from test_store_tool import tool
from test_volumes import boot, make, off, used

pytestmark = pytest.mark.qemu("disks of the host; Bochs has none of these controllers")

MIB = 1 << 20
KINDS = list(DISKS)
OCTETS = {"Content-Type": "application/octet-stream"}


class Host(Machine):
    """A host with one disk that outlives it."""

    def __init__(self, path, kind="nvme", **options):
        super().__init__(smp=2, memory="1G", extra=disk_args(kind, str(path)), **options)

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
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


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
        assert (pool["state"], pool["partition"], pool["objects"]) == ("online", 1, 1)
        name = pool["disk"]
        assert m.put("/pools/tank", pool).status == 200
        problem(m.put("/pools/other", {"disk": name, "partition": 1}), 409, "in_use")
        problem(m.put("/pools/other", {"disk": name, "format": True}), 409, "in_use")
        problem(m.put("/pools/tank", {"disk": "sda", "partition": 1}), 409, "exists")
        problem(m.put("/volumes/raw", {"disk": name, "partition": 1}), 409, "in_use")
        volume = make(m, "v", size_bytes=1 << 40)
        assert volume == {"name": "v", "pool": "tank", "size_bytes": 1 << 40, "used_bytes": 0, "block_bytes": 512, "parent": None,
                          "read_only": False, "persistent": True, "attached_to": []}
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
        assert m.wait_pool("tank")["objects"] == 4
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
        assert pool["reason"] == "The datastore is damaged; socle-store check tells where." or "error" in pool["reason"]
        problem(m.put("/volumes/v", {"size_bytes": MIB, "pool": "tank"}), 409, "state")
        make(m, "v", size_bytes=MIB)
        assert m.delete("/pools/tank").status == 202
        while m.get("/pools/tank").status != 404:
            time.sleep(0.1)
        problem(m.put("/pools/tank", {"disk": pool["disk"], "partition": 1, "format": True}), 409, "state")
        assert m.put("/pools/tank", {"disk": pool["disk"], "partition": 1, "format": True, "erase": True}).status == 202
        m.wait_pool("tank")


@pytest.mark.parametrize("kind", KINDS)
def test_guest(disk, kind):
    """A file system on a pool's volume, a snapshot under it, the host's end, and all is there; discards give space back."""
    with Host(disk, kind) as m:
        m.make_pool()
        make(m, "root", size_bytes=100 * MIB)
        boot(m, [{"id": "root", "volume": "root"}], cpu={"count": 2})
        shell(m, "mke2fs -F /dev/vda >/dev/null && mkdir -p /d && mount -t ext4 /dev/vda /d && echo mounted-$((6*7))", r"mounted-42")
        shell(m, "dd if=/dev/urandom of=/d/file bs=1M count=20 && sha256sum </d/file >/d/sum && sync && echo written-$((6*7))", r"written-42", timeout=300)
        full = used(m, "root")
        assert full >= 20 * MIB
        make(m, "before", **{"from": {"volume": "root"}, "read_only": True})
        shell(m, "dd if=/dev/urandom of=/d/more bs=1M count=4 && sha256sum </d/more >/d/moresum && sync && echo more-$((6*7))", r"more-42", timeout=300)
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
