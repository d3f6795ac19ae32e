# SPDX-License-Identifier: BSD-2-Clause
"""Memory that comes back while the guest runs: by the balloon, and by the free pages a guest reports by itself."""

import time

import pytest

from machine import BUILD, uses_bochs
from test_memory import check_sums, memory

MACHINE = {"smp": 2, "memory": "2G"}
MIB = 1 << 20
SIZE = 256 * MIB if uses_bochs() else 512 * MIB
FILL = SIZE // MIB * (2 if uses_bochs() else 5) // 8  # MiB of files the guest can keep


@pytest.fixture
def linux(clean):
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.upload_file("echo", f"{BUILD}/guests/echo.elf")
    before = check_sums(clean)
    clean.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"}, SIZE,
                    cpu={"count": 2})
    clean.wait_console("debian", r"SOCLE-GUEST-READY", timeout=240)
    shell(clean, "mkdir -p /t; mount -t tmpfs -o size=95% none /t; echo mounted-$?-", r"mounted-0-")
    yield clean
    text = clean.console("debian")
    assert "BUG:" not in text and "Call Trace" not in text and "Out of memory" not in text
    assert clean.delete("/vms/debian?force=true").status == 204
    after = check_sums(clean)
    assert after["promised_bytes"] == before["promised_bytes"] == 0
    for key in ("free_bytes", "vm_bytes", "image_bytes", "volume_bytes"):
        assert after[key] == before[key], (key, before, after)


def shell(machine, command, pattern, timeout=240):
    machine.type("debian", command + "\n")
    return machine.wait_console("debian", pattern, timeout=timeout)[1]


def vm_memory(m):
    return m.json("/vms/debian")["memory"]


def wait_resident(m, is_so, timeout=240):
    """Polls: nothing tells when a guest gives memory back."""
    deadline = time.monotonic() + timeout * m.patience
    while not is_so(vm_memory(m)["resident_bytes"]):
        assert time.monotonic() < deadline, (vm_memory(m), m.console("debian")[-2000:])
        with m.changed:
            m.changed.wait(0.5)
    return vm_memory(m)["resident_bytes"]


def check_promise(m, size, timeout=120):
    """What lies above the target is free for all, what lies below is kept for the guest. The two figures come one after the
    other, and the guest goes on meanwhile: they agree in a moment where it does nothing. Return: the host's memory then."""
    deadline = time.monotonic() + timeout * m.patience
    while True:
        before = vm_memory(m)["resident_bytes"]
        host = check_sums(m)
        if vm_memory(m)["resident_bytes"] == before and host["promised_bytes"] == max(0, size - before):
            return host
        assert time.monotonic() < deadline, (before, host)


def target(m, size):
    reply = m.patch("/vms/debian", {"memory": {"balloon": {"target_bytes": size}}})
    assert reply.status == 200, reply
    assert vm_memory(m)["balloon"] == {"target_bytes": size}


def fill_and_check(m, name, mib=FILL):
    """Files of random data keep their content: written, then read twice."""
    shell(m, f"dd if=/dev/urandom of=/t/{name} bs=1M count={mib} 2>/dev/null; sha256sum </t/{name} >/t/{name}.sum; echo {name}-filled-$((6*7))-",
          rf"{name}-filled-42-", timeout=400)
    check_content(m, name, "once")


def check_content(m, name, when):
    shell(m, f"sha256sum </t/{name} | cmp - /t/{name}.sum && echo {name}-{when}-same-$((6*7))-", rf"{name}-{when}-same-42-", timeout=400)


@pytest.mark.slow
def test_free_pages_come_back(linux):
    """The guest fills a file system in memory, and deletes the file: nobody asks it for anything."""
    m = linux
    fill_and_check(m, "big")
    full = vm_memory(m)["resident_bytes"]
    assert full >= FILL * MIB
    free = memory(m)["free_bytes"]
    shell(m, "rm /t/big; sync; echo 3 >/proc/sys/vm/drop_caches; echo gone-$((6*7))-", r"gone-42-")
    low = wait_resident(m, lambda resident: resident <= full - FILL * MIB * 3 // 4)
    host = check_sums(m)
    assert host["free_bytes"] - free >= full - low - 4 * MIB
    assert host["promised_bytes"] == SIZE - vm_memory(m)["resident_bytes"]  # all of it is the guest's, if it wants it
    text = m.get("/metrics").body.decode()
    assert f'socle_vm_memory_size_bytes{{vm="debian"}} {SIZE}\n' in text
    assert f'socle_vm_memory_target_bytes{{vm="debian"}} {SIZE}\n' in text
    assert "socle_memory_promised_bytes " in text
    # And it can have all of it again.
    fill_and_check(m, "again")
    assert vm_memory(m)["resident_bytes"] >= FILL * MIB


@pytest.mark.slow
def test_balloon_shrinks_and_grows(linux, problem):
    m = linux
    small = SIZE * 5 // 8
    fill_and_check(m, "kept", 16)
    target(m, small)
    wait_resident(m, lambda resident: resident <= small + SIZE // 16)
    host = check_promise(m, small)
    available = host["free_bytes"] - host["promised_bytes"]
    m.create_vm("other", {"firmware": "pvh", "kernel": "echo"}, (available - 40 * MIB) // (2 * MIB) * 2 * MIB)
    m.wait_console("other", "echo ready")
    reply = m.patch("/vms/debian", {"memory": {"balloon": {"target_bytes": None}}})
    error = problem(reply, 507, "no_memory")
    assert error["pointer"] == "/memory/balloon/target_bytes" and error["need_bytes"] > error["free_bytes"]
    assert vm_memory(m)["balloon"] == {"target_bytes": small}
    check_content(m, "kept", "meanwhile")
    assert m.delete("/vms/other?force=true").status == 204
    target(m, None)
    shell(m, "while [ $(grep MemFree /proc/meminfo | tr -dc 0-9) -lt %d ]; do usleep 200000; done; echo grown-$((6*7))-" % ((FILL + 16) * 1024),
          r"grown-42-")
    fill_and_check(m, "big")
    check_content(m, "kept", "afterwards")
    check_sums(m)


@pytest.mark.slow
def test_targets_that_make_no_sense(linux, problem):
    for size in (1, 3 * MIB, SIZE + 2 * MIB):
        error = problem(linux.patch("/vms/debian", {"memory": {"balloon": {"target_bytes": size}}}), 400, "bad_value")
        assert error["pointer"] == "/memory/balloon/target_bytes"
    error = problem(linux.patch("/vms/debian", {"memory": {"size_bytes": SIZE // 2}}), 409, "needs_stop")
    body = {"memory": {"size_bytes": 4 * MIB, "balloon": {"target_bytes": 2 * MIB}}, "cpu": {"realtime": True},
            "boot": {"firmware": "pvh", "kernel": "debian-kernel"}}
    assert problem(linux.put("/vms/rt", body), 422, "semantic")["pointer"] == "/memory/balloon/target_bytes"
