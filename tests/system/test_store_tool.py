# SPDX-License-Identifier: BSD-2-Clause
"""socle-store on files of this machine: thin volumes in and out, snapshots, a partition, damage."""

import os
import re
import struct
import subprocess

import pytest

TOOL = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../build/socle-store"))
TYPE = "5B1F5A0E-7C34-4D0B-9A57-50C1E0DA7A01"
MIB = 1 << 20
BLOCK = 4096


def tool(*args, status=0):
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "pool.img"
    tool("format", path, "64M")
    return path


def test_import_snapshot_export(pool, tmp_path):
    image, out = tmp_path / "image", tmp_path / "out"
    content = bytearray(200 * MIB)
    content[5 * MIB + 1000:6 * MIB] = os.urandom(MIB - 1000)
    content[199 * MIB:200 * MIB] = os.urandom(MIB)
    image.write_bytes(content)

    tool("import", pool, "disk", image)
    tool("snapshot", pool, "before", "disk")
    tool("clone", pool, "copy", "before")
    tool("create", pool, "empty", "1T")
    tool("grow", pool, "copy", "300M")
    lines = [line.split("\t") for line in tool("list", pool).splitlines()]
    assert ["volume", str(200 * MIB), str(2 * MIB), "disk"] in lines
    assert ["snapshot", str(200 * MIB), str(2 * MIB), "before"] in lines
    assert ["volume", str(300 * MIB), str(2 * MIB), "copy"] in lines
    assert ["volume", str(1 << 40), "0", "empty"] in lines
    # All three share the data.
    assert f"{2 * MIB} of data" in tool("list", pool)

    tool("delete", pool, "disk")
    tool("export", pool, "before", out)
    assert out.read_bytes() == content
    tool("export", pool, "copy", out)
    assert out.read_bytes() == content + bytes(100 * MIB)
    assert tool("check", pool) == "3 objects, 0 faults\n"


def test_errors_are_told(pool, tmp_path):
    tool("create", pool, "a", "1G")
    assert "taken" in tool("create", pool, "a", "1G", status=1)
    assert "none of that name" in tool("delete", pool, "b", status=1)
    assert "not a valid" in tool("create", pool, "b", "12Q", status=1)
    assert "No such file" in tool("list", tmp_path / "none", status=1)
    (tmp_path / "big").write_bytes(os.urandom(80 * MIB))
    assert "full" in tool("import", pool, "big", tmp_path / "big", status=1)
    assert "0 faults" in tool("check", pool)
    (tmp_path / "zero").write_bytes(bytes(64 * MIB))
    assert "no datastore" in tool("list", tmp_path / "zero", status=1)


def test_pool_in_a_partition(tmp_path):
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as f:
        f.truncate(100 * MIB)

    subprocess.run(["/usr/sbin/sgdisk", "-n", "1:2048:+8192", "-n", "2:12288:+163840", "-t", f"2:{TYPE}", disk],
                   check=True, capture_output=True)
    before = open(disk, "rb").read(12288 * 512)
    tool("format", disk)
    tool("create", disk, "a", "1G")
    assert "\ta\n" in tool("list", disk)
    assert f"{80 * MIB} bytes:" in tool("list", disk)
    assert open(disk, "rb").read(12288 * 512) == before


def test_check_finds_damage(pool, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(os.urandom(4 * MIB))
    tool("import", pool, "a", image)
    tool("snapshot", pool, "s", "a")
    tool("recover", pool)
    data = bytearray(pool.read_bytes())
    # The table of reference counts: one that is wrong, with its checksum left as it was.
    table = (16 + 2 * 608) * 4096
    data[table + 16 + 4 * 100] ^= 1
    # The journal's copies would mend it.
    data[16 * 4096:table] = bytes(table - 16 * 4096)
    pool.write_bytes(data)
    assert "damaged" in tool("check", pool, status=1)


def test_repair(pool, tmp_path):
    """A map, the table and the newest commit are damaged: it is told what that costs, and only --write does it."""
    image, out = tmp_path / "image", tmp_path / "out"
    image.write_bytes(os.urandom(4 * MIB))
    for name in ("a", "b"):
        tool("import", pool, name, image)
    tool("recover", pool)
    table = (16 + 2 * 608) * BLOCK
    data = bytearray(pool.read_bytes())
    data[table + 16 + 4 * 100] ^= 1
    maps = [at for at in range(table, len(data), BLOCK) if struct.unpack_from("<IQ", data, at + 4) == (0x200, at // BLOCK)]
    data[maps[0] + 100] ^= 1
    for slot in (16, 16 + 608):
        data[slot * BLOCK + 100] ^= 1
    pool.write_bytes(data)
    assert "damaged" in tool("check", pool, status=1)

    told = tool("repair", pool)
    assert re.search('^"[ab]": what was at bytes 0 to 4194304 is lost and reads as zeroes$', told, re.M), told
    assert "2 objects, 1 losses; nothing was changed" in told and pool.read_bytes() == data
    assert tool("repair", pool, "--write") == told.replace("; nothing was changed: --write does it", "")
    assert tool("check", pool) == "2 objects, 0 faults\n"
    whole = 0
    for name in ("a", "b"):
        tool("export", pool, name, out)
        whole += out.read_bytes() == image.read_bytes()
        assert out.read_bytes() in (image.read_bytes(), bytes(4 * MIB))
    assert whole == 1
    image.write_bytes(bytes(8 * MIB))
    assert "neither superblock" in tool("repair", image, status=1)
    assert "only --write" in tool("repair", pool, "--force", status=1)
