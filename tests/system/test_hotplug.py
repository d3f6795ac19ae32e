# SPDX-License-Identifier: BSD-2-Clause
"""Disks that come and go while their guest runs: as Debian sees them, and guests that do not play along."""

import json
import re
import time

import pytest

from machine import BUILD, uses_bochs
from test_linux import shell
from test_volumes import MIB, again, boot, make, off

MACHINE = {"smp": 2, "memory": "1G"}
ROUNDS, BYTES = 8, 100000 if uses_bochs() else 500000


def add(m, vm, disk, **spec):
    reply = m.put(f"/vms/{vm}/disks/{disk}", spec)
    assert reply.status == 200, reply
    return json.loads(reply.body)["pci"]


def ask(m, vm, disk):
    """Asks the guest for the disk; returns the task as it ends."""
    reply = m.delete(f"/vms/{vm}/disks/{disk}")
    assert reply.status == 202, reply
    task = json.loads(reply.body)
    assert (task["kind"], task["target"]) == ("vm.disk.remove", vm)
    return m.json(f"/tasks/{task['id']}?wait_ms=60000")


def disks(m, vm):
    return [d["id"] for d in m.json(f"/vms/{vm}")["disks"]]


def hypervisor_bytes(m):
    """Memory that is neither free nor a VM's: the guest's own need goes up and down."""
    return int(re.search(r'(?m)^socle_memory_bytes{use="hypervisor"} (\d+)$', m.get("/metrics").body.decode()).group(1))


def test_linux(clean, problem):
    """Written, read back, taken away, again and again; and kept in the definition."""
    m = clean
    make(m, "root", size_bytes=8 * MIB)
    make(m, "data", size_bytes=16 * MIB)
    boot(m, [{"id": "root", "volume": "root"}], cpu={"count": 2})
    heap = []
    for i in range(ROUNDS):
        pci = add(m, "debian", "data", volume="data", serial=f"S-{i}")
        assert re.fullmatch(r"0000:00:[01][0-9a-f]\.0", pci)
        assert add(m, "debian", "data", volume="data", serial=f"S-{i}") == pci  # the same again
        shell(m, f"while ! test -e /dev/vdb; do sleep 0.1; done; echo {i}-$(cat /sys/block/vdb/serial)-$(cat /sys/block/vdb/size)-", rf"{i}-S-{i}-{16 * MIB // 512}-")
        shell(m, f"head -c {BYTES} /dev/urandom >/r; dd if=/r of=/dev/vdb bs=1M conv=fsync; head -c {BYTES} /dev/vdb | cmp - /r && echo same-$((6*7))-{i}", rf"same-42-{i}\r?\n")
        assert disks(m, "debian") == ["root", "data"]
        assert m.json("/volumes/data")["attached_to"] == ["debian"]
        task = ask(m, "debian", "data")
        assert task["state"] == "succeeded", task
        assert disks(m, "debian") == ["root"]
        assert m.json("/volumes/data")["attached_to"] == []
        shell(m, f"test -e /sys/block/vdb || echo gone-$((6*7))-{i}", rf"gone-42-{i}\r?\n")
        heap.append(hypervisor_bytes(m))
    assert heap[-1] <= max(heap[2:6]), heap
    problem(m.delete("/vms/debian/disks/data"), 404, "no_such")
    pci = add(m, "debian", "data", volume="data")
    problem(m.put("/vms/debian/disks/data", {"volume": "data", "read_only": True}), 409, "needs_stop")
    problem(m.put("/vms/debian/disks/more", {"volume": "data"}), 409, "in_use")
    problem(m.put("/vms/debian/disks/more", {"volume": "none"}), 422, "semantic")
    problem(m.put("/vms/debian/disks/more", {"volume": "root", "id": "less"}), 400, "bad_value")
    problem(m.put("/vms/debian/disks/more", {"colour": 1}), 400, "unknown_field")
    problem(m.put("/vms/none/disks/more", {"volume": "root"}), 404, "no_such")
    off(m)
    again(m)
    shell(m, "ls -d /sys/block/vdb && echo kept-$((6*7))", r"kept-42")
    off(m)
    assert m.delete("/vms/debian/disks/data").status == 204
    assert add(m, "debian", "other", volume="data", read_only=True) is None
    assert disks(m, "debian") == ["root", "other"]


def written(connection):
    """Bytes the guest has written to its disk. One connection: Bochs' network ends with thousands of them."""
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return float(re.search(r'(?m)^socle_vm_block_written_bytes_total{vm="debian",device="data"} (\S+)$', text).group(1))


@pytest.mark.qemu("many requests while the guest works: Bochs' network does not last")
def test_under_load(clean):
    """While the guest writes to it: it gives the disk up, and loses one that is taken by force; the volume is free either way."""
    m = clean
    make(m, "data", size_bytes=16 * MIB)
    boot(m, [], cpu={"count": 2})
    load = "for i in 1 2 3; do (while test -b /dev/vda && dd if=/dev/zero of=/dev/vda bs=64k count=200 oflag=direct; do :; done) >/dev/null 2>&1 & done"
    for i, force in enumerate((False, False, True)):
        add(m, "debian", "data", volume="data")
        shell(m, f"while ! test -e /dev/vda; do sleep 0.1; done; {load}; echo busy-$((6*7))-{i}", rf"busy-42-{i}\r?\n")
        connection, deadline = m.connect(), time.monotonic() + 60 * m.patience
        while written(connection) < MIB:
            assert time.monotonic() < deadline, m.console("debian")[-2000:]
        connection.close()
        if force:
            assert m.delete("/vms/debian/disks/data?force=true").status == 204
            shell(m, "while test -e /sys/block/vda; do sleep 0.1; done; echo lost-$((6*7))", r"lost-42")
        else:
            task = ask(m, "debian", "data")
            assert task["state"] == "succeeded", task
        assert disks(m, "debian") == []
        assert len(m.get("/volumes/data/data").body) == 16 * MIB
        # A dd that came too late has made a file of that name, which the next disk's node could not replace.
        shell(m, f"wait; rm -f /dev/vda; echo alive-$((6*7))-{i}", rf"alive-42-{i}\r?\n")
    assert m.delete("/volumes/data").status == 204
    off(m)


def show(m, vm, count):
    m.type(vm, "s")
    _, match = m.wait_console(vm, rf"(?s)(?:event.*?){{{count - 1}}}event (\w+) check (\w+) wanted (\w+) slots (\w+)\n", timeout=30)
    return [int(x, 16) for x in match.groups()]


@pytest.mark.slow
def test_unwilling_guest(clean, problem):
    """A guest that never gives the disk up keeps it; one that gives up others' slots, or plays with the registers, gets nowhere."""
    m = clean
    for name in ("a", "b"):
        make(m, name, size_bytes=MIB)
    m.upload_file("echo", f"{BUILD}/guests/echo.elf")
    make(m, "theirs", size_bytes=MIB)
    m.create_vm("other", {"firmware": "pvh", "kernel": "echo"}, 4 * MIB, disks=[{"id": "d", "volume": "theirs"}])
    m.run_guest("hotplug", disks=[{"id": "a", "volume": "a"}])
    m.wait_console("hotplug", "hotplug ready")
    event, check, wanted, slots = show(m, "hotplug", 1)
    assert (event, check, wanted) == (0, 0, 0)

    pci = add(m, "hotplug", "b", volume="b")
    bit = 1 << int(pci[8:10], 16)
    assert show(m, "hotplug", 2) == [1, bit, 0, slots | bit]
    reply = m.delete("/vms/hotplug/disks/b")
    task = json.loads(reply.body)
    assert reply.status == 202
    assert json.loads(m.delete("/vms/hotplug/disks/b").body)["id"] == task["id"]
    problem(m.delete("/vms/hotplug/disks/a"), 409, "task_running")
    m.type("hotplug", "oh")
    m.wait_console("hotplug", "done h")
    task = m.json(f"/tasks/{task['id']}?wait_ms=60000")
    assert (task["state"], task["error"]["detail"]) == ("failed", "The guest did not give the disk up in 30 seconds; it keeps it.")
    assert show(m, "hotplug", 3)[2:] == [0, slots | bit]
    m.type("hotplug", "e")  # too late
    m.wait_console("hotplug", "done e")
    assert disks(m, "hotplug") == ["a", "b"]
    assert m.json("/volumes/b")["attached_to"] == ["hotplug"]

    assert m.post("/vms/hotplug/pause").status == 200
    problem(m.delete("/vms/hotplug/disks/b"), 409, "state")
    assert m.delete("/vms/hotplug/disks/b?force=true").status == 204
    assert m.json("/volumes/b")["attached_to"] == []
    other = add(m, "hotplug", "b", volume="b")  # what is left of the old one is still in its slot
    other_bit = 1 << int(other[8:10], 16)
    assert other != pci
    assert m.post("/vms/hotplug/resume").status == 200
    assert show(m, "hotplug", 4)[1:] == [other_bit, bit, slots | bit | other_bit]
    reply = m.delete("/vms/hotplug/disks/b")
    m.type("hotplug", "e")
    task = m.json(f"/tasks/{json.loads(reply.body)['id']}?wait_ms=60000")
    assert task["state"] == "succeeded", task
    assert show(m, "hotplug", 5)[1:] == [bit | other_bit, 0, slots]

    # What was asked for ends with the run of the VM, too.
    reply = m.delete("/vms/hotplug/disks/a")
    assert reply.status == 202
    assert m.post("/vms/hotplug/reset").status == 200
    assert m.json(f"/tasks/{json.loads(reply.body)['id']}?wait_ms=60000")["state"] == "succeeded"
    assert disks(m, "hotplug") == [] and m.json("/volumes/a")["attached_to"] == []
    assert m.json("/volumes/theirs")["attached_to"] == ["other"]


def test_as_many_as_there_are(clean, problem):
    """Up to eight, in places of their own, and the ninth is refused."""
    m = clean
    for i in range(9):
        make(m, f"v{i}", size_bytes=MIB)
    m.run_guest("hotplug")
    m.wait_console("hotplug", "hotplug ready")
    places = {add(m, "hotplug", f"d{i}", volume=f"v{i}") for i in range(8)}
    assert len(places) == 8
    problem(m.put("/vms/hotplug/disks/d8", {"volume": "v8"}), 422, "semantic")
    for i in (3, 0, 7):
        assert m.delete(f"/vms/hotplug/disks/d{i}?force=true").status == 204
    assert disks(m, "hotplug") == ["d1", "d2", "d4", "d5", "d6"]
    assert [v["name"] for v in m.json("/volumes")["items"] if v["attached_to"]] == ["v1", "v2", "v4", "v5", "v6"]
    assert add(m, "hotplug", "d8", volume="v8") not in places  # these are not given up yet
    assert m.json("/volumes/v8")["attached_to"] == ["hotplug"]
