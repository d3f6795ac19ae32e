# SPDX-License-Identifier: BSD-2-Clause
"""`socle run --image`: from a disk image to its system, whose kernel is found on the disk."""

import os
import shutil
import struct
import subprocess
import uuid

import pytest

from backend import BUILD
from command_line import DONE, MISUSED, REFUSED
from test_cli import MACHINE, cli, known, url  # noqa: F401 (fixtures)
from test_disks import ESP, LINUX, gpt

pytestmark = pytest.mark.qemu("a program of this machine, to which a host is like another")

MIB = 1 << 20
KERNEL, INITRD = f"{BUILD}/guest/vmlinuz", f"{BUILD}/guest/initrd.img"
ROOT = {"etc/os-release": b"NAME=Test\n", "etc/marker": b"this is the root\n"}


def ext(folder, kind, size, content):
    """A file system of those files: bytes, "@file" of this machine, or "> target" for a link."""
    tree, made = folder / "tree", folder / "fs"
    shutil.rmtree(tree, ignore_errors=True)
    for name, what in content.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif what[0] == "@":
            shutil.copy(what[1:], path)
        else:
            path.symlink_to(what[2:])
    made.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-t", kind, "-d", str(tree), str(made), f"{size // 1024}"], check=True)
    return made.read_bytes()


def mbr(disk, parts):
    entries = b"".join(struct.pack("<B3sB3sII", 0, b"", kind, b"", at // 512, size // 512) for kind, at, size in parts)
    return (bytes(440) + struct.pack("<IH", disk, 0) + entries).ljust(510, b"\0") + b"\x55\xaa"


def with_gpt(folder):
    """As Debian's images for clouds: the root first, links to its kernel, and a partition that holds nothing to read."""
    root = ext(folder, "ext4", 32 * MIB, {**ROOT, "vmlinuz": "> boot/vmlinuz-6.1.0-10", "initrd.img": "> boot/initrd.img-6.1.0-10",
                                          "boot/vmlinuz-6.1.0-10": "@" + KERNEL, "boot/initrd.img-6.1.0-10": "@" + INITRD,
                                          "boot/vmlinuz-6.1.0-9": b"an old one"})
    first = 2 * MIB // 512
    image = bytearray(gpt(512, [(LINUX, first, first + len(root) // 512 - 1, "root"), (ESP, 40 * MIB // 512, 41 * MIB // 512 - 1, "esp")]))
    image[:512] = mbr(0, [(0xee, 512, len(image) - 512)])  # Linux wants one that protects the rest
    image[2 * MIB:2 * MIB + len(root)] = root
    return bytes(image), f"PARTUUID={uuid.UUID(int=first)}", "vda1"


def with_mbr(folder):
    """/boot is a partition of its own; of several kernels the newest counts, not the one for rescue."""
    boot = ext(folder, "ext2", 24 * MIB, {"vmlinuz-6.9.1": b"an old one", "vmlinuz-6.10.2": "@" + KERNEL, "initramfs-6.10.2.img": "@" + INITRD,
                                          "vmlinuz-7-rescue": b"not this"})
    root = ext(folder, "ext4", 8 * MIB, ROOT)
    table = mbr(0x1234abcd, [(0x83, MIB, len(boot)), (0x83, MIB + len(boot), len(root))])
    return table.ljust(MIB, b"\0") + boot + root, "PARTUUID=1234abcd-02", "vda2"


def without_partitions(folder):
    return ext(folder, "ext4", 32 * MIB, {**ROOT, "boot/vmlinuz-virt": "@" + KERNEL, "boot/initramfs-virt": "@" + INITRD}), "/dev/vda", "vda"


@pytest.mark.parametrize("make,kind", [(with_gpt, "qcow2"), (with_mbr, "qcow2"), (without_partitions, "raw")])
def test_from_the_image_to_a_shell(cli, tmp_path, make, kind):  # noqa: F811
    raw, image = tmp_path / "disk.raw", tmp_path / f"disk.{kind}"
    content, root, device = make(tmp_path)
    raw.write_bytes(content)
    if kind != "raw":
        subprocess.run(["qemu-img", "convert", "-c", "-O", kind, str(raw), str(image)], check=True)
    size = len(content) + 16 * MIB
    terminal = cli.terminal("run", "web1", "--image", str(image), "--disk-size", f"{size // 1024}K", "--cpus", "2", "--mem", "512M", "--net", "none", "-it")
    terminal.wait("SOCLE-GUEST-READY", timeout=120)
    for typed, shown in [("cat /proc/cmdline", f"console=ttyS0 root={root} ro"), ("echo sectors=$(cat /sys/block/vda/size)", f"sectors={size // 512}"),
                         (f"mkdir -p /mnt && mount -t ext4 -o ro /dev/{device} /mnt && cat /mnt/etc/marker", "this is the root")]:
        terminal.type(typed + "\n")
        terminal.wait(shown)
    terminal.type("\n~.")
    assert terminal.end() == DONE
    vm = cli.json("vm", "show", "web1")
    assert (vm["boot"]["kernel"], vm["boot"]["initrd"]) == ("web1-kernel", "web1-initrd")
    assert [(d["id"], d["volume"]) for d in vm["disks"]] == [("root", "web1")]
    assert not [name for name in os.listdir("/tmp") if name.startswith("socle-") and len(name) == 12], "temporary files are left"


def test_mistakes(cli, tmp_path):  # noqa: F811
    """Each is one sentence, before anything is sent where that can be; and no volume is left."""
    empty, iso, root = tmp_path / "empty.raw", tmp_path / "cd.iso", tmp_path / "root.raw"
    empty.write_bytes(ext(tmp_path, "ext4", 4 * MIB, ROOT))
    iso.write_bytes(bytes(0x8001) + b"CD001" + bytes(4096))
    root.write_bytes(ext(tmp_path, "ext4", 32 * MIB, {"vmlinuz": "@" + KERNEL}))

    def run(*words, want=REFUSED):
        said = cli.error("run", "web1", "--net", "none", *words, want=want)
        assert cli.json("vm", "list") == [] and cli.json("volume", "list") == [], said
        return said

    assert "--image" in cli.error("run", "web1", want=MISUSED)
    assert "kind iso" in run("--image", str(iso), want=MISUSED)
    assert "--disk-size" in run("--image", str(empty), "--disk-size", "much", want=MISUSED)
    assert "neither a file here nor an image" in run("--image", "nothing", want=MISUSED)
    assert cli.json("image", "list") == []
    assert "no Linux kernel was found" in run("--image", str(empty))
    assert "no root file system" in run("--image", str(root))
    assert "pool" in run("--image", str(root), "--pool", "nowhere")
    # A damaged file system is one without a kernel.
    broken = bytearray(root.read_bytes())
    broken[1024 + 0x58:1024 + 0x60] = b"\xff" * 8
    broken[4096:65536] = b"\xa5" * (65536 - 4096)
    (tmp_path / "broken.raw").write_bytes(broken)
    assert "no Linux kernel was found" in run("--image", str(tmp_path / "broken.raw"))

    # Tables of partitions that are endless, elsewhere, or made of nothing.
    table = bytearray(gpt(512, [(LINUX, 2048, (1 << 64) - 1, "endless")])[:MIB])
    for at, value in ((0, b""), (512 + 72, struct.pack("<Q", 2040)), (512 + 72, b"\xff" * 8), (512 + 80, b"\xff" * 8), (512 + 84, bytes(4))):
        table[at:at + len(value)] = value
        (tmp_path / "table.raw").write_bytes(table)
        assert "no Linux kernel was found" in run("--image", str(tmp_path / "table.raw"))

    cli.run("volume", "create", "web1", "--size", "1M")
    assert "there is a volume web1 already" in cli.error("run", "web1", "--image", str(root), want=REFUSED)
    assert [v["name"] for v in cli.json("volume", "list")] == ["web1"]
