# SPDX-License-Identifier: BSD-2-Clause
"""?dry_run=true: what would be there comes back with all defaults, or what is wrong; nothing changes."""

import pytest

from machine import BUILD, Machine, body_json, disk_args
from test_disks import wait_tables

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 2, "memory": "1G"}
MIB = 1 << 20


def would_be(reply):
    assert reply.status == 200, reply
    return body_json(reply)


def test_vm(clean, problem):
    m = clean
    new = would_be(m.post("/vms?dry_run=true", {"boot": {"kernel": "k"}}))
    assert new["cpu"]["count"] == 1 and new["name"] == "vm-1" and "uuid" not in new
    m.create_vm("x", {"kernel": "none"}, start=False)
    before = m.get("/vms/x").headers["ETag"]
    changed = would_be(m.patch("/vms/x?dry_run=true", {"cpu": {"weight": 7}}))
    assert changed["cpu"]["weight"] == 7 and changed["name"] == "x"
    problem(m.patch("/vms/x?dry_run=true", {"cpu": {"weight": 0}}), 400, "bad_value")
    uuid = m.json("/vms/x")["uuid"]
    problem(m.put("/vms/y?dry_run=true", {"uuid": uuid, "boot": {"kernel": "k"}}), 409, "exists")
    disk = would_be(m.put("/vms/x/disks/root?dry_run=true", {"volume": "none"}))
    assert disk["id"] == "root" and disk["bus"] == "virtio" and disk["discard"] is True
    problem(m.put("/vms/x/disks/root?dry_run=true", {}), 400, "bad_value")
    assert m.get("/vms/x").headers["ETag"] == before and m.get("/vms/y").status == 404


def test_names_of_what_is_not_there(clean, problem):
    """A definition may be ahead of what it names, so a dry run tells; a start cannot, and says the same."""
    m = clean
    m.upload("kernel-6", b"k")
    vm = {"boot": {"kernel": "kernel-7", "initrd": "i"}, "nics": [{"id": "a", "network": "default"}, {"id": "b", "network": "defualt"}],
          "disks": [{"id": "root", "volume": "v"}, {"id": "cd", "image": "kernel-6", "read_only": True}, {"id": "iso", "image": "none", "read_only": True}]}
    assert would_be(m.put("/vms/x?dry_run=true", vm))["missing"] == [
        {"kind": "image", "name": "kernel-7", "pointer": "/boot/kernel", "similar": ["kernel-6"]},
        {"kind": "image", "name": "i", "pointer": "/boot/initrd"},
        {"kind": "volume", "name": "v", "pointer": "/disks/0/volume"},
        {"kind": "image", "name": "none", "pointer": "/disks/2/image"},
        {"kind": "network", "name": "defualt", "pointer": "/nics/1/network", "similar": ["default"]},
    ]
    vm = {"boot": {"kernel": "kernel-6"}, "nics": [{"id": "a", "network": "defualt"}]}
    for reply in (m.put("/vms/x?dry_run=true&start=true", vm), m.put("/vms/x?start=true", vm), m.post("/vms?start=true", vm)):
        refused = problem(reply, 422, "semantic")
        assert refused["pointer"] == "/nics/0/network" and refused["similar"] == ["default"]
    assert m.json("/vms")["items"] == []
    vm["nics"][0]["network"] = "default"
    assert "missing" not in would_be(m.put("/vms/x?dry_run=true&start=true", vm))
    vm["missing"] = []  # what a dry run gave can be put
    assert m.put("/vms/x", vm).status == 201 and "missing" not in m.json("/vms/x")


def test_running_vm(clean, problem):
    m = clean
    with open(f"{BUILD}/guests/echo.elf", "rb") as f:
        m.upload("echo", f.read())
    m.create_vm("x", {"firmware": "pvh", "kernel": "echo"})
    problem(m.patch("/vms/x?dry_run=true", {"cpu": {"count": 2}}), 409, "needs_stop")
    assert would_be(m.patch("/vms/x?dry_run=true", {"description": "d"}))["state"] == "running"
    assert m.json("/vms/x")["description"] == ""


def test_volume(clean, problem):
    m = clean
    made = would_be(m.put("/volumes/v?dry_run=true", {"size_bytes": MIB}))
    assert made["pool"] == "ram" and made["size_bytes"] == MIB and made["read_only"] is False
    problem(m.put("/volumes/v?dry_run=true", {"size_bytes": 7}), 400, "bad_value")
    problem(m.put("/volumes/v?dry_run=true", {"pool": "none", "size_bytes": MIB}), 422, "semantic")
    m.upload("i", bytes(5000))
    assert would_be(m.put("/volumes/v?dry_run=true", {"from": {"image": "i"}}))["size_bytes"] == 5120
    assert m.get("/volumes/v").status == 404
    m.put("/volumes/v", {"size_bytes": MIB})
    problem(m.put("/volumes/v?dry_run=true", {"size_bytes": 2 * MIB}), 409, "exists")
    assert would_be(m.patch("/volumes/v?dry_run=true", {"size_bytes": 2 * MIB}))["size_bytes"] == 2 * MIB
    problem(m.patch("/volumes/v?dry_run=true", {"size_bytes": 512}), 409, "state")
    problem(m.patch("/volumes/v?dry_run=true", {"size_bytes": MIB + 1}), 422, "semantic")
    assert m.json("/volumes/v")["size_bytes"] == MIB


def test_network(machine, problem):
    m = machine
    made = would_be(m.put("/networks/n?dry_run=true", {"kind": "nat"}))
    assert made["cidr"] and made["dhcp"]["range"][0] and made["mtu"] == 1500
    taken = m.json("/networks/default")["cidr"]
    problem(m.put("/networks/n?dry_run=true", {"kind": "nat", "cidr": taken}), 422, "semantic")
    problem(m.put("/networks/n?dry_run=true", {"kind": "bridge", "uplink": "0000:1f:00.0"}), 422, "semantic")
    assert m.get("/networks/n").status == 404
    assert m.put("/networks/n", {"kind": "nat"}).status == 201
    assert m.json("/networks/n")["cidr"] == made["cidr"]
    assert m.delete("/networks/n").status == 204
    settings = would_be(m.patch("/host/network?dry_run=true", {"hostname": "other"}))
    assert settings["hostname"] == "other"
    problem(m.patch("/host/network?dry_run=true", {"dhcp": False, "address": None}), 422, "semantic")
    assert m.json("/host/network")["task"] is None


@pytest.mark.qemu("a disk of the host")
def test_pool(problem):
    blank = disk_args("nvme", "driver=null-co,size=64M,read-zeroes=on")
    with Machine(smp=2, memory="1G", extra=blank) as m:
        m.wait_ready()
        disk = wait_tables(m)[0]["name"]
        problem(m.put("/pools/p?dry_run=true", {"disk": "none", "format": True}), 422, "semantic")
        problem(m.put("/pools/p?dry_run=true", {"disk": disk}), 422, "semantic")
        assert would_be(m.put("/pools/p?dry_run=true", {"disk": disk, "format": True}))["erase"] is False
        assert m.get("/pools/p").status == 404
