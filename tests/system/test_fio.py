# SPDX-License-Identifier: BSD-2-Clause
"""fio in a Linux guest writes at random and reads all of it back, on each of the host's controllers."""

import pytest

from machine import BUILD
from test_linux import shell
from test_pools import KINDS, Host, check, disk  # noqa: F401
from test_volumes import make, off

pytestmark = pytest.mark.qemu("disks of the host; Bochs has none of these controllers")

MIB = 1 << 20
VERIFY = "--verify=crc32c --verify_fatal=1 --do_verify=1 --end_fsync=1 --minimal --output=/out"


def fio(m, name, options):
    m.type("debian", f"fio --name={name} {options} {VERIFY} && echo {name}-right-$((6*7)) || (tail -3 /out; echo {name}-wrong-$((6*7)))\n")
    text, match = m.wait_console("debian", rf"{name}-(right|wrong)-42", timeout=400)
    assert match.group(1) == "right", text[-2000:]


@pytest.mark.parametrize("kind", KINDS)
def test_fio(disk, kind):  # noqa: F811
    """A disk as it is, many requests at once, of any size; a file on ext4, flushed now and then, with a snapshot beneath."""
    parts = [open(f"{BUILD}/guest/{name}.img", "rb").read() for name in ("initrd", "fio")]
    with Host(disk, kind) as m:
        m.make_pool()
        make(m, "raw", size_bytes=48 * MIB)
        make(m, "files", size_bytes=64 * MIB)
        m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
        m.upload("debian-fio", b"".join(parts), "initrd")
        m.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-fio", "cmdline": "console=ttyS0"}, 256 * MIB, cpu={"count": 2},
                    disks=[{"id": "raw", "volume": "raw"}, {"id": "files", "volume": "files"}])
        m.wait_console("debian", r"SOCLE-GUEST-READY", timeout=240)
        fio(m, "raw", "--filename=/dev/vda --direct=1 --rw=randwrite --bsrange=4k-128k --size=32m --ioengine=io_uring --iodepth=16")
        shell(m, "mke2fs -F /dev/vdb >/dev/null && mkdir -p /d && mount -t ext4 /dev/vdb /d && echo mounted-$((6*7))", r"mounted-42")
        make(m, "before", **{"from": {"volume": "files"}, "read_only": True})
        fio(m, "files", "--filename=/d/file --rw=randwrite --bsrange=512-64k --size=16m --ioengine=psync --fsync=32")
        shell(m, "umount /d && echo gone-$((6*7))", r"gone-42")
        off(m)
    check(disk)
