# SPDX-License-Identifier: BSD-2-Clause
"""Disks of guests: volumes in RAM and on the host's disks, as Debian's driver sees them, and as the API does."""

import os
import re

import pytest

from machine import BUILD, DISKS, Machine, disk_args
from test_disks import ESP, LINUX, gpt, metric, wait_tables
from test_linux import shell

MACHINE = {"smp": 2, "memory": "1G"}
MIB = 1 << 20
CHUNK = 64 << 10
on_disk = pytest.mark.qemu("disks of the host; Bochs has none of these controllers")


def boot(m, disks, **more):
    """A Debian guest with these disks, at its prompt."""
    for name, path, kind in (("debian-kernel", "vmlinuz", "kernel"), ("debian-initrd", "initrd.img", "initrd")):
        if m.get(f"/images/{name}").status == 404:
            m.upload_file(name, f"{BUILD}/guest/{path}", kind)
    m.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"}, 256 * MIB,
                disks=disks, **more)
    m.wait_console("debian", r"SOCLE-GUEST-READY", timeout=240)


def off(m):
    m.type("debian", "poweroff -f\n")
    assert m.wait_state("debian", "stopped", timeout=60) == "stopped"
    text = m.console("debian")
    assert "BUG:" not in text and "Call Trace" not in text


def again(m):
    """Starts the guest a second time; the console still has what it said the first time."""
    assert m.post("/vms/debian/start").status == 200
    m.wait_console("debian", r"(?s)SOCLE-GUEST-READY.*SOCLE-GUEST-READY", timeout=240)


def make(m, name, **spec):
    reply = m.put(f"/volumes/{name}", spec)
    assert reply.status == 201, reply
    return m.json(f"/volumes/{name}")


def used(m, name):
    return m.json(f"/volumes/{name}")["used_bytes"]


def test_api(clean, problem):
    m = clean
    volume = make(m, "v", size_bytes=MIB)
    assert volume == {"name": "v", "pool": "ram", "size_bytes": MIB, "used_bytes": 0, "block_bytes": 512, "parent": None,
                      "read_only": False, "persistent": False, "attached_to": [], "nbd": None}
    assert m.put("/volumes/v", volume).status == 200  # the same again
    problem(m.put("/volumes/v", {"size_bytes": 2 * MIB}), 409, "exists")
    for body, status, slug in (({"size_bytes": 0}, 400, "bad_value"), ({"size_bytes": 513}, 400, "bad_value"),
                               ({"size_bytes": 1 << 50}, 400, "bad_value"), ({"size_bytes": "1"}, 400, "bad_value"),
                               ({"colour": 1}, 400, "unknown_field"), ({"from": {"image": "none"}}, 422, "semantic"),
                               ({"pool": "tank", "size_bytes": MIB}, 422, "semantic"), ({"disk": "sda"}, 422, "semantic"),
                               ({"disk": "sda", "size_bytes": MIB}, 422, "semantic"), ([], 400, "bad_value")):
        problem(m.put("/volumes/w", body), status, slug)
    problem(m.put("/volumes/-", {"size_bytes": MIB}), 400, "bad_value")
    problem(m.get("/volumes/w"), 404, "no_such")
    problem(m.patch("/volumes/v", {"size_bytes": 512}), 409, "state")
    problem(m.patch("/volumes/v", {"size_bytes": MIB + 1}), 422, "semantic")
    problem(m.patch("/volumes/v", {}), 400, "bad_value")
    assert m.patch("/volumes/v", {"size_bytes": 2 * MIB}).status == 200
    data = os.urandom(300000)
    assert m.put("/volumes/v/data", data, headers={"Content-Type": "application/octet-stream"}).status == 204
    assert used(m, "v") == -(-len(data) // CHUNK) * CHUNK
    assert m.get("/volumes/v/data").body == data + bytes(2 * MIB - len(data))
    part = m.get("/volumes/v/data", headers={"Range": "bytes=1000-1999"})
    assert (part.status, part.body) == (206, data[1000:2000])
    problem(m.get("/volumes/v/data", headers={"Range": f"bytes={2 * MIB}-"}), 416, "range")
    changed = os.urandom(70001)
    assert m.put("/volumes/v/data", changed, headers={"Content-Range": "bytes 999-70999/*"}).status == 204
    data = data[:999] + changed + data[71000:]
    assert m.get("/volumes/v/data").body == data + bytes(2 * MIB - len(data))
    for wrong in ("bytes 0-1/*", "bytes 5-4/*", "bytes */100", "bytes 0-99", "lines 0-99/*", "bytes -1-98/*"):
        problem(m.put("/volumes/v/data", bytes(100), headers={"Content-Range": wrong}), 400, "bad_value")
    for start in (2 * MIB - 99, 2 * MIB, 2 ** 64 - 100):
        problem(m.put("/volumes/v/data", bytes(100), headers={"Content-Range": f"bytes {start}-{start + 99}/*"}), 413, "too_big")
    problem(m.put("/volumes/v/data", bytes(2 * MIB + 1), headers={"Content-Type": "application/octet-stream"}), 413, "too_big")
    m.upload("disk.img", data, "raw")
    make(m, "over", **{"from": {"image": "disk.img"}})
    problem(m.delete("/images/disk.img"), 409, "in_use")
    over = m.json("/volumes/over")
    assert (over["size_bytes"], over["parent"], over["used_bytes"]) == (-(-len(data) // 512) * 512, "disk.img", 0)
    assert m.get("/volumes/over/data").body[:len(data)] == data
    assert [v["name"] for v in m.json("/volumes")["items"]] == ["over", "v"]
    assert [v["name"] for v in m.json("/volumes?after=over")["items"]] == ["v"]
    assert m.delete("/volumes/v").status == 204
    problem(m.delete("/volumes/v"), 404, "no_such")


def test_definitions(clean, problem):
    m = clean
    vm = {"boot": {"kernel": "k"}, "disks": [{"id": "root", "volume": "v"}]}
    assert m.put("/vms/d", vm).status == 201
    assert m.json("/vms/d")["disks"] == [
        {"id": "root", "volume": "v", "image": None, "bus": "virtio", "read_only": False, "discard": True, "serial": "",
         "limits": {"ops_per_s": 0, "bytes_per_s": 0, "burst_bytes": 0}}]
    assert m.put("/vms/d", m.json("/vms/d")).status == 200
    for disk in ({"id": "root"}, {"id": "root", "volume": "v", "image": "i", "read_only": True}, {"volume": "v"},
                 {"id": "root", "image": "i"}, {"id": "root", "volume": "v", "bus": "ide"},
                 {"id": "root", "volume": "v", "serial": "a b"}, {"id": "root", "volume": "v", "serial": "x" * 21}):
        problem(m.put("/vms/d", {**vm, "disks": [disk]}), 400, "bad_value")
    problem(m.put("/vms/d", {**vm, "disks": vm["disks"] * 2}), 400, "bad_value")
    problem(m.put("/vms/d", {**vm, "disks": [{"id": "root", "volume": "v", "colour": 1}]}), 400, "unknown_field")
    m.upload("k", b"\0" * 4096)
    problem(m.post("/vms/d/start"), 422, "semantic")  # there is no such volume


@pytest.mark.slow
def test_ram_volume(clean, problem):
    """A file system keeps what was written over a restart; what is deleted comes back to the host; images are only read."""
    m = clean
    make(m, "root", size_bytes=48 * MIB)
    m.upload("seed", b"seed-of-the-guest".ljust(100000, b"."), "raw")
    disks = [{"id": "root", "volume": "root", "serial": "R-1"}, {"id": "seed", "image": "seed", "read_only": True}]
    boot(m, disks, cpu={"count": 2})
    shell(m, "cat /sys/block/vda/serial /sys/block/vdb/serial; echo", r"R-1\r?\n?seed\r?\n")
    shell(m, "cat /sys/block/vda/size /sys/block/vdb/size /sys/block/vdb/ro | xargs echo sizes", rf"sizes {48 * MIB // 512} 196 1\r?\n")
    shell(m, "head -c 17 /dev/vdb; echo -$((6*7))", r"seed-of-the-guest-42")
    shell(m, "echo x | dd of=/dev/vdb bs=512 conv=sync || echo refused-$((6*7))", r"refused-42")
    shell(m, "mke2fs -F /dev/vda >/dev/null && mkdir -p /d && mount -t ext4 /dev/vda /d && echo mounted-$((6*7))", r"mounted-42")
    before = used(m, "root")
    shell(m, "dd if=/dev/urandom of=/d/file bs=1M count=20 && sha256sum </d/file >/d/sum && sync && echo written-$((6*7))", r"written-42", timeout=300)
    assert used(m, "root") >= before + 20 * MIB
    assert m.json("/volumes/root")["attached_to"] == ["debian"]
    problem(m.delete("/volumes/root"), 409, "in_use")
    problem(m.get("/volumes/root/data"), 409, "in_use")
    problem(m.put("/volumes/root/data", b"x", headers={"Content-Type": "application/octet-stream"}), 409, "in_use")
    labels = 'vm="debian",device="root"'
    assert metric(m, "socle_vm_block_written_bytes_total")[labels] >= 20 * MIB
    assert metric(m, "socle_vm_block_requests_total")[labels + ',op="write"'] >= 20
    assert metric(m, "socle_vm_block_errors_total")[labels] == 0
    assert m.patch("/volumes/root", {"size_bytes": 64 * MIB}).status == 200
    shell(m, "while ! grep -q %d /sys/block/vda/size; do :; done; echo grown-$((6*7))" % (64 * MIB // 512), r"grown-42")
    shell(m, "umount /d && echo unmounted-$((6*7))", r"unmounted-42")
    off(m)
    assert m.json("/volumes/root")["attached_to"] == []
    again(m)
    shell(m, "mkdir -p /d && mount -t ext4 /dev/vda /d && sha256sum </d/file | cmp - /d/sum && echo same-$((6*7))", r"same-42", timeout=240)
    full = used(m, "root")
    shell(m, "rm /d/file && sync && fstrim /d && umount /d && echo trimmed-$((6*7))", r"trimmed-42", timeout=240)
    assert used(m, "root") <= full - 18 * MIB
    shell(m, "blkdiscard /dev/vda && echo discarded-$((6*7))", r"discarded-42")
    assert used(m, "root") == 0
    off(m)
    assert m.delete("/volumes/root").status == 204


def test_limits(clean):
    """Reads are as slow as the limit says."""
    m = clean
    make(m, "slow", size_bytes=64 * MIB)
    boot(m, [{"id": "slow", "volume": "slow", "limits": {"bytes_per_s": 2 * MIB, "burst_bytes": MIB}}])
    seconds = float(shell(m, "time -p dd if=/dev/vda of=/dev/null bs=64k count=128 iflag=direct 2>&1 | sed s/^/took-/",
                          r"took-real (\S+)\r?\n", timeout=120).group(1))
    assert 3 <= seconds <= 20, seconds  # 8 MiB, of which the first is saved up
    off(m)


def test_disk_of_others(clean, problem):
    """One VM writes a volume, alone; many may read one."""
    m = clean
    m.upload_file("echo", f"{BUILD}/guests/echo.elf")
    make(m, "v", size_bytes=MIB)

    def create(name, **disk):
        return m.create_vm(name, {"firmware": "pvh", "kernel": "echo"}, 4 * MIB, start=False, disks=[{"id": "d", "volume": "v", **disk}])

    create("one")
    create("two")
    create("three", read_only=True)
    create("four", read_only=True)
    assert m.post("/vms/one/start").status == 200
    problem(m.post("/vms/two/start"), 409, "in_use")
    problem(m.post("/vms/three/start"), 409, "in_use")
    assert m.post("/vms/one/poweroff").status == 200
    assert m.post("/vms/three/start").status == 200
    assert m.post("/vms/four/start").status == 200
    assert m.json("/volumes/v")["attached_to"] == ["four", "three"]
    problem(m.post("/vms/one/start"), 409, "in_use")
    assert m.delete("/vms/three?force=true").status == 204
    assert m.delete("/vms/four?force=true").status == 204
    assert m.post("/vms/one/start").status == 200


def test_hostile_driver(clean):
    """A guest that breaks every rule of its disk harms nobody: not another VM's volume, nor the host."""
    m = clean
    before = os.urandom(MIB)
    for name in ("mine", "theirs"):
        make(m, name, size_bytes=MIB)
    assert m.put("/volumes/theirs/data", before, headers={"Content-Type": "application/octet-stream"}).status == 204
    m.run_guest("hostile-blk", cpu={"count": 2}, disks=[{"id": "d", "volume": "mine"}])
    text, match = m.wait_console("hostile-blk", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS", text
    assert int(re.search(r"(\d+) times broken", text).group(1)) > 10
    assert m.wait_state("hostile-blk", "stopped") == "stopped"
    assert m.get("/health").status == 200
    assert m.get("/volumes/theirs/data").body == before
    assert m.delete("/vms/hostile-blk").status == 204
    for name in ("mine", "theirs"):
        assert m.delete(f"/volumes/{name}").status == 204


@on_disk
@pytest.mark.parametrize("kind", list(DISKS))
def test_partition(tmp_path, problem, kind):
    """A guest's writes reach its partition on the host's disk, and nothing else of it."""
    first = 2 * MIB // 512
    image = gpt(512, [(ESP, 2048, first - 1, "boot"), (LINUX, first, first + 40 * MIB // 512 - 1, "data")])
    path = tmp_path / "disk.img"
    path.write_bytes(image)
    with Machine(**MACHINE, extra=disk_args(kind, str(path), **({} if kind == "ahci" else {"discard_granularity": 512}))) as m:
        name = wait_tables(m)[0]["name"]
        problem(m.put("/volumes/v", {"disk": name, "partition": 3}), 422, "semantic")
        problem(m.put("/volumes/v", {"disk": name, "partition": 1}), 422, "semantic")
        problem(m.put("/volumes/v", {"disk": name}), 422, "semantic")
        volume = make(m, "v", disk=name, partition=2)
        assert (volume["size_bytes"], volume["persistent"]) == (40 * MIB, True)
        problem(m.put("/volumes/w", {"disk": name, "boot_disk": True}), 409, "in_use")
        problem(m.get("/volumes/v/data"), 422, "semantic")
        boot(m, [{"id": "data", "volume": "v"}], cpu={"count": 2})
        shell(m, "mke2fs -F /dev/vda >/dev/null && mkdir -p /d && mount -t ext4 /dev/vda /d && echo mounted-$((6*7))", r"mounted-42")
        shell(m, "dd if=/dev/urandom of=/d/file bs=1M count=16 && sha256sum </d/file >/d/sum && umount /d && echo written-$((6*7))", r"written-42", timeout=300)
        off(m)
        again(m)
        shell(m, "mkdir -p /d && mount -t ext4 /dev/vda /d && sha256sum </d/file | cmp - /d/sum && echo same-$((6*7))", r"same-42", timeout=240)
        # Many at once, and the VM ends in the middle of it.
        shell(m, "for i in 1 2 3 4 5 6; do (while :; do dd if=/d/file of=/d/$i bs=64k oflag=direct; done) >/dev/null 2>&1 & done; sleep 1; echo busy-$((6*7))", r"busy-42")
        assert m.post("/vms/debian/poweroff").status == 200
        assert metric(m, "socle_disk_errors_total")[f'disk="{name}",kind="other"'] == 0
        assert m.delete("/volumes/v").status == 204
    after = path.read_bytes()
    assert after[:2 * MIB] == image[:2 * MIB] and after[42 * MIB:] == image[42 * MIB:]
    assert after[2 * MIB + 1024 + 56:2 * MIB + 1024 + 58] == b"\x53\xef"  # the file system's magic number


@on_disk
def test_scattered_memory(tmp_path):
    """Pieces of a guest's memory that begin and end anywhere in their pages; NVMe takes all of them in one command each way."""
    trace, extra = tmp_path / "trace", []
    kinds = ["ahci", "nvme", "virtio"]
    for n, kind in enumerate(kinds):
        (tmp_path / kind).write_bytes(bytes(MIB))
        extra += disk_args(kind, str(tmp_path / kind), n)
    expected = b"".join(bytes((piece * 7 + at * 3 + at // 256) & 0xff for at in range(512 << piece % 2)) for piece in range(6))
    with Machine(**MACHINE, extra=extra + ["-D", str(trace), "-trace", "pci_nvme_map_sgl"]) as m:
        for disk in wait_tables(m, len(kinds)):
            kind = kinds[int(disk["serial"][-1])]
            make(m, kind, disk=disk["name"])
            m.run_guest("scatter", disks=[{"id": "d", "volume": kind}])
            text, match = m.wait_console("scatter", r"VERDICT (\w+)([^\n]*)\n")
            assert match.group(1) == "SUCCESS", text
            assert m.delete("/vms/scatter?force=true").status == 204
            assert (tmp_path / kind).read_bytes() == bytes(3 * 512) + expected + bytes(MIB - 3 * 512 - len(expected))
    assert trace.read_text().count("pci_nvme_map_sgl") == 2


@on_disk
@pytest.mark.parametrize("kind", list(DISKS))
def test_device_error(tmp_path, kind):
    """A bad sector of the host's disk is one of the guest's, and nothing more."""
    path, config = tmp_path / "disk.img", tmp_path / "blkdebug"
    path.write_bytes(bytes(64 * MIB))
    config.write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "4096"\n')
    drive = f"driver=raw,file.driver=blkdebug,file.config={config},file.image.driver=file,file.image.filename={path}"
    with Machine(**MACHINE, extra=disk_args(kind, drive)) as m:
        name = wait_tables(m)[0]["name"]
        make(m, "v", disk=name)
        boot(m, [{"id": "data", "volume": "v"}])
        shell(m, "dd if=/dev/vda of=/dev/null bs=4k skip=512 count=1 iflag=direct || echo bad-$((6*7))", r"bad-42")
        shell(m, "dd if=/dev/vda of=/dev/null bs=4k skip=513 count=100 iflag=direct && echo good-$((6*7))", r"good-42")
        assert metric(m, "socle_vm_block_errors_total")['vm="debian",device="data"'] >= 1
        assert re.search("I/O error, dev vda, sector 4096", m.console("debian"))
