# SPDX-License-Identifier: BSD-2-Clause
"""Disks of the host: what they say of themselves, their partitions, and the ways in which they fail."""

import re
import struct
import uuid
import zlib

import pytest

from machine import DISKS, Machine, Monitor, disk_args

pytestmark = pytest.mark.qemu("disks that can be made to fail; Bochs has none of these controllers")

KINDS = list(DISKS)
NAMES = {"nvme": "nvme0n1", "ahci": r"ahci\d+p0", "virtio": "vd0"}
SIZE = 64 << 20
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


def gpt(block, partitions, damage=(), count=128):
    """An image with a partition table: (type, first, last, name) each; damage: "first" and "backup" headers."""
    blocks = SIZE // block
    entries = b"".join(kind.bytes_le + uuid.UUID(int=first).bytes_le + struct.pack("<QQQ", first, last, 0) +
                       name.encode("utf-16le").ljust(72, b"\0") for kind, first, last, name in partitions)
    entries = entries.ljust(128 * count, b"\0")
    span = len(entries) // block

    def header(here, there, table):
        fields = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, here, there, 2 + span,
                             blocks - 2 - span, uuid.uuid4().bytes_le, table, count, 128, zlib.crc32(entries))
        return fields[:16] + struct.pack("<I", zlib.crc32(fields)) + fields[20:]

    image = bytearray(SIZE)
    image[block:block + 92] = header(1, blocks - 1, 2)
    image[2 * block:2 * block + len(entries)] = entries
    image[(blocks - 1) * block:(blocks - 1) * block + 92] = header(blocks - 1, 1, blocks - 1 - span)
    image[(blocks - 1 - span) * block:(blocks - 1) * block] = entries
    for which in damage:
        image[(1 if which == "first" else blocks - 1) * block + 40] ^= 0xff
    return bytes(image)


@pytest.fixture
def disk(tmp_path):
    """Writes an image; afterwards it must be what it was: nothing here may write to a disk."""
    images = {}

    def make(data, name="disk.img"):
        path = tmp_path / name
        path.write_bytes(data)
        images[path] = data
        return str(path)

    yield make
    for path, data in images.items():
        assert path.read_bytes() == data


def wait_tables(m, count=1):
    m.wait_ready()
    m.wait_serial(r"(?s)(partition table: .*?){%d}" % count)
    return m.json("/host/disks")["items"]


def metric(m, name):
    return {labels: float(value) for labels, value in
            re.findall(rf"(?m)^{name}\{{(.*)\}} (\S+)$", m.get("/metrics").body.decode())}


@pytest.mark.parametrize("smp", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_disk(disk, kind, smp):
    path = disk(gpt(512, [(ESP, 2048, 4095, "boot"), (LINUX, 4096, 9999, "Größe €")]))
    with Machine(smp=smp, extra=disk_args(kind, path)) as m:
        found, = wait_tables(m)
        assert re.fullmatch(NAMES[kind], found["name"])
        assert found["serial"] == "serial-0"
        assert (found["size_bytes"], found["block_bytes"]) == (SIZE, 512)
        assert (found["state"], found["errors"], found["read_only"]) == ("online", 0, False)
        assert found["partition_table"] == "gpt"
        assert found["partitions"] == [
            {"number": 1, "name": "boot", "type": str(ESP), "uuid": str(uuid.UUID(int=2048)),
             "offset_bytes": 1 << 20, "size_bytes": 1 << 20},
            {"number": 2, "name": "Größe €", "type": str(LINUX), "uuid": str(uuid.UUID(int=4096)),
             "offset_bytes": 2 << 20, "size_bytes": 5904 * 512}]
        disk_name = found["name"]
        assert metric(m, "socle_disk_requests_total")[f'disk="{disk_name}",op="read"'] == 3  # boot sector, header, entries
        assert metric(m, "socle_disk_bytes_total")[f'disk="{disk_name}",op="read"'] == 2 * 512 + 128 * 128
        assert metric(m, "socle_disk_bytes_total")[f'disk="{disk_name}",op="write"'] == 0
        assert not any(metric(m, "socle_disk_errors_total").values())


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ahci"])  # QEMU's has 512 byte blocks only
def test_large_blocks(disk, kind):
    path = disk(gpt(4096, [(LINUX, 1000, 1999, "large")]))
    with Machine(extra=disk_args(kind, path, logical_block_size=4096, physical_block_size=4096)) as m:
        found, = wait_tables(m)
        assert (found["size_bytes"], found["block_bytes"]) == (SIZE, 4096)
        assert [p["size_bytes"] for p in found["partitions"]] == [1000 * 4096]


@pytest.mark.parametrize("damage,state", [(["first"], "gpt_backup"), (["first", "backup"], "damaged"),
                                          (None, "none")])
def test_tables(disk, damage, state):
    path = disk(bytes(SIZE) if damage is None else gpt(512, [(LINUX, 2048, 4095, "p")], damage))
    with Machine(extra=disk_args("nvme", path)) as m:
        found, = wait_tables(m)
        assert found["partition_table"] == state
        assert len(found["partitions"]) == (1 if state == "gpt_backup" else 0)


def test_hostile_table(disk):
    """Overlapping, endless and backward partitions are left out; the full table is listed whole."""
    many = [(LINUX, 100 + i, 100 + i, "€" * 36) for i in range(124)]
    bad = [(LINUX, 100, 200, "over"), (LINUX, 300, 299, "back"), (LINUX, 400, (1 << 64) - 1, "end"),
           (LINUX, 0, 1, "low")]
    path = disk(gpt(512, many + bad))
    with Machine(extra=disk_args("nvme", path)) as m:
        found, = wait_tables(m)
        assert [p["number"] for p in found["partitions"]] == list(range(1, 125))
        assert found["partitions"][123]["name"] == "€" * 36
        assert "4 partitions overlap others or lie outside" in m.serial()


@pytest.mark.parametrize("kind", KINDS)
def test_several(disk, kind):
    extra = []
    for n in range(3):
        extra += disk_args(kind, disk(gpt(512, [(LINUX, 2048 + n, 4095, f"disk {n}")]), f"{n}.img"), n)
    with Machine(smp=2, extra=extra) as m:
        found = wait_tables(m, 3)
        assert sorted(d["serial"] for d in found) == ["serial-0", "serial-1", "serial-2"]
        assert sorted(d["partitions"][0]["name"] for d in found) == ["disk 0", "disk 1", "disk 2"]
        names = [d["name"] for d in found]
        assert len(set(names)) == 3
        page = m.json("/host/disks?limit=2&fields=name,partitions")
        assert page["next"] == names[1] and page["items"] == [{"name": d["name"], "partitions": d["partitions"]} for d in found[:2]]
        assert m.json(f"/host/disks?after={names[1]}") == {"items": found[2:]}
        reply = m.get("/host/disks?filter=serial:serial-1&fields=serial", headers={"Accept": "application/x-ndjson"})
        assert reply.body == b'{"serial":"serial-1"}\n'


def test_namespaces(disk):
    """A controller with several; one of them with a block size of its own."""
    small, large = disk(gpt(512, [(LINUX, 2048, 4095, "a")]), "a"), disk(gpt(4096, [(LINUX, 64, 99, "b")]), "b")
    extra = ["-device", "nvme,id=ctrl,serial=two", "-drive", f"if=none,id=a,format=raw,file={small}",
             "-drive", f"if=none,id=b,format=raw,file={large}", "-device", "nvme-ns,drive=a,bus=ctrl,nsid=3",
             "-device", "nvme-ns,drive=b,bus=ctrl,nsid=7,logical_block_size=4096,physical_block_size=4096"]
    with Machine(smp=2, extra=extra) as m:
        found = wait_tables(m, 2)
        assert [(d["name"], d["block_bytes"], d["partitions"][0]["name"]) for d in found] == [
            ("nvme0n3", 512, "a"), ("nvme0n7", 4096, "b")]


@pytest.mark.parametrize("kind", KINDS)
def test_media_error(disk, tmp_path, kind):
    """The first table's header cannot be read: an error, and the other table is used."""
    config = tmp_path / "blkdebug"
    config.write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "1"\n')
    path = disk(gpt(512, [(LINUX, 2048, 4095, "p")]))
    drive = f"driver=raw,file.driver=blkdebug,file.config={config},file.image.driver=file,file.image.filename={path}"
    with Machine(extra=disk_args(kind, drive)) as m:
        found, = wait_tables(m)
        assert (found["state"], found["errors"], found["partition_table"]) == ("online", 1, "gpt_backup")
        assert re.search(NAMES[kind] + ": read of 1 blocks at 1 failed: the disk reports an error", m.serial())
        assert metric(m, "socle_disk_errors_total")[f'disk="{found["name"]}",kind="other"'] == 1


SLOW = "format=raw,file={path},throttling.bps-total={rate}"  # the first read is done at once, the next when it is paid


@pytest.mark.parametrize("kind", KINDS)
def test_time_out(disk, kind):
    """The disk does not answer for ten seconds: the request fails, the controller is reset and lives on."""
    path = disk(gpt(512, [(LINUX, 2048, 4095, "p")], count=4))
    # QEMU's AHCI stands still in a reset until the request is done, after 20 seconds.
    with Machine(extra=disk_args(kind, SLOW.format(path=path, rate=25))) as m:
        m.wait_ready()
        m.wait_serial(r"read of 1 blocks at \d+ failed: no answer in time", timeout=60)
        m.wait_serial("partition table: unreadable", timeout=60)
        found, = wait_tables(m)
        assert found["errors"] >= 1
        assert metric(m, "socle_disk_errors_total")[f'disk="{found["name"]}",kind="timeout"'] >= 1
        assert m.json("/health")["state"]


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ahci"])  # QEMU's AHCI disks cannot be taken away
def test_removal(disk, tmp_path, kind):
    """The device goes while a request is with it: the request fails, and all that follow."""
    monitor = Monitor(tmp_path / "monitor")
    path = disk(gpt(512, [(LINUX, 2048, 4095, "p")]))
    extra = disk_args(kind, SLOW.format(path=path, rate=1), addr=9) + monitor.options
    with Machine(chipset="pc", extra=extra) as m:
        m.wait_ready()
        monitor.run("device_del disk0")
        monitor.run("o /w 0xae08 0x200")  # the ACPI register that lets slot 9 go
        m.wait_serial(r"removed: it no longer answers")
        m.wait_serial(r"read of \d+ blocks at \d+ failed: the disk is gone", timeout=20)
        found, = wait_tables(m)
        assert (found["state"], found["errors"], found["partition_table"]) == ("removed", 3, "unreadable")  # boot sector, both headers


@pytest.mark.parametrize("kind,event,text", [("nvme", "pci_nvme_mmio_shutdown_set", "shutdown bit set"),
                                             ("ahci", "ide_exec_cmd", "cmd 0xe0")])
def test_power_off(disk, tmp_path, kind, event, text):
    """The controller is told before power goes: by a register, or by STANDBY IMMEDIATE."""
    path, trace = disk(gpt(512, [])), tmp_path / "trace"
    extra = disk_args(kind, path) + ["-D", str(trace), "-trace", event]
    with Machine(extra=extra) as m:
        wait_tables(m)
        assert m.post("/host/poweroff").status == 202
        m.wait_exit()
        assert text in trace.read_text()
        assert "does not say that it is ready" not in m.serial()
