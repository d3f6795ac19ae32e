# SPDX-License-Identifier: BSD-2-Clause
"""The power fails at random moments while a guest writes, hundreds of times: what it had flushed is there, the datastore whole."""

import os
import random
import re
import struct
import time

import pytest

from machine import BUILD
from test_pools import KINDS, Host, NbdkitDisk, check, disk  # noqa: F401
from test_volumes import make

pytestmark = pytest.mark.qemu("disks of the host; Bochs has none of these controllers")

CUTS = int(os.environ.get("SOCLE_CUTS", "100"))
SLOTS, BLOCK, SECTOR, STRIDE = 64, 4096, 512, 17 * 4096  # of guests/power-cut.c
MIB = 1 << 20


def cached_disk(path, folder):
    """A disk whose write cache is lost with the power: nbdkit holds back what nobody has flushed."""
    return NbdkitDisk(folder, "--filter=cache", "file", str(path), "cache=writeback")


class Cut(Host):
    """A host on that disk. Its token is known by the disk's file."""

    def __init__(self, path, kind, cache):
        super().__init__(cache.drive() if cache else path, kind)
        self.disk, self.cache = path, cache
        self.admin_token = Host.tokens.get(path)

    def kill(self):
        if self.cache:
            self.cache.kill()  # before QEMU, which would else flush as it ends
        super().kill()


def note(text, least):
    """What that life of the guest wrote and flushed. What the one before it had not flushed may be lost in any order: the guest goes
    on after the newest that it finds, and an older one of the same moment may be missing for ever."""
    begin = re.search(r"goes on after (\d+)\r?\n", text)
    flushed = re.findall(r"flushed (\d+)\r?\n", text)
    if flushed:
        for number in range(int(begin[1]) + 1, int(flushed[-1]) + 1):
            least[number % SLOTS] = number


def verify(m, leasts):
    """Each sector holds its slot's newest flushed write, or a newer one."""
    content = m.get("/volumes/v/data").body
    for slot, least in enumerate(leasts):
        for at in range(slot * STRIDE, slot * STRIDE + BLOCK, SECTOR):
            words = set(struct.unpack("<64Q", content[at:at + SECTOR]))
            number = words.pop()
            assert not words, f"sector {at} holds several writes: {number}, {words}"
            assert number == least == 0 or number >= least and number % SLOTS == slot, (slot, number, least)
        assert not any(content[slot * STRIDE + BLOCK:(slot + 1) * STRIDE]), "a block that nobody wrote is not zero"


def cut(path, kind, cache, rng, state):
    """One life of the host: from what the last one left to the next failure of the power."""
    with Cut(path, kind, cache) as m:
        m.wait_ready()
        if state["cuts"] == 0:
            m.make_pool()
            make(m, "v", size_bytes=SLOTS * STRIDE)
        m.wait_pool("tank")
        verify(m, state["least"])
        with open(f"{BUILD}/guests/power-cut.elf", "rb") as f:
            m.put("/images/power-cut?kind=kernel&pool=ram", f.read(), headers={"Content-Type": "application/octet-stream"})
        m.create_vm("writer", {"firmware": "pvh", "kernel": "power-cut"}, 16 * MIB, disks=[{"id": "v", "volume": "v"}])
        m.wait_console("writer", r"flushed \d+", timeout=60)
        if rng.random() < 0.7:  # shared extents are copied, and given back again
            m.put(f"/volumes/s{state['cuts']}", {"from": {"volume": "v"}, "read_only": True})
            m.delete(f"/volumes/s{state['cuts'] - 1}")
        time.sleep(rng.random())  # the moment is what is random here
        text = m.console("writer")
        m.kill()
    assert "FAIL" not in text, text
    note(text, state["least"])
    state["cuts"] += 1


@pytest.mark.soak
@pytest.mark.parametrize("cached", [False, True], ids=["write-through", "volatile-cache"])
@pytest.mark.parametrize("kind", KINDS)
def test_power_cuts(disk, tmp_path, kind, cached):  # noqa: F811
    """SOCLE_CUTS says how often; the seed is in the failure's message."""
    seed = random.randrange(1 << 32)
    rng, state = random.Random(seed), {"cuts": 0, "least": [0] * SLOTS}
    for n in range(CUTS):
        cache = cached_disk(disk, tmp_path) if cached else None
        try:
            cut(disk, kind, cache, rng, state)
            check(disk)
        except BaseException as error:
            raise AssertionError(f"cut {n} of seed {seed}, flushed {max(state['least'])}") from error
        finally:
            if cache and cache.process.poll() is None:
                cache.kill()
