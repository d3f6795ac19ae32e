# SPDX-License-Identifier: BSD-2-Clause
"""Guests that misbehave: each is contained and reported while a second VM goes on undisturbed."""

import pytest

from machine import uses_tcg

MACHINE = {"smp": 2, "memory": "1G"}


@pytest.fixture
def witness(clean):
    """A second VM that answers on its console; it is asked before and after."""
    clean.run_guest("echo")
    clean.wait_console("echo", r"echo ready\n")
    counter = iter(range(1, 1000))

    def ask():
        word = f"question{next(counter)}"
        clean.type("echo", word + "\n")
        clean.wait_console("echo", rf"\[{word}\]", timeout=30)

    ask()
    yield ask
    ask()
    assert clean.state("echo") == "running"


def test_triple_fault(clean, witness):
    clean.run_guest("triple-fault")
    assert clean.wait_state("triple-fault", "crashed") == "crashed"
    vm = clean.json("/vms/triple-fault")
    assert "triple fault" in vm["reason"]
    assert "about to triple-fault" in clean.console("triple-fault")
    witness()
    assert clean.post("/vms/triple-fault/start").status == 200  # a crashed VM can be started again
    assert clean.wait_state("triple-fault", "crashed") == "crashed"


# A data breakpoint on an interrupt gate makes QEMU 7.2's emulation abort now and then ("qemu_mutex_lock_iothread").
NOT_UNDER_TCG = pytest.mark.skipif(uses_tcg(), reason="QEMU's emulation itself aborts on it")


@pytest.mark.parametrize("guest,says", [
    ("spin-cli", "spinning"), pytest.param("hostile-loop", "looping", marks=NOT_UNDER_TCG)])
def test_guest_that_never_exits(clean, witness, guest, says):
    clean.run_guest(guest)
    clean.wait_console(guest, says)
    witness()
    assert clean.post(f"/vms/{guest}/pause").status == 200
    assert clean.state(guest) == "paused"
    assert clean.post(f"/vms/{guest}/resume").status == 200
    assert clean.state(guest) == "running"
    assert clean.post(f"/vms/{guest}/poweroff").status == 200
    assert clean.state(guest) == "stopped"


def test_a_hundred_lives(clean):
    """100 create/start/delete cycles give every page back (the fixture compares, too)."""
    clean.upload_file("io", clean_path("io"))
    before = clean.free_bytes()
    for _ in range(100):
        clean.create_vm("cycle", {"firmware": "pvh", "kernel": "io"}, 8 << 20)
        assert clean.delete("/vms/cycle?force=true").status == 204
    assert clean.free_bytes() == before


def clean_path(name):
    from machine import BUILD
    return f"{BUILD}/guests/{name}.elf"


@pytest.mark.parametrize("count", [1, 4])
def test_apic_storm(clean, witness, count):
    clean.run_guest("hostile-apic", cpu={"count": count})
    witness()
    clean.wait_state("hostile-apic", "stopped", "crashed", timeout=120)
    witness()
    for bad in ("panic", "assert", "refused the VM"):
        assert bad not in clean.serial()


def test_64_vms_at_once(clean):
    """They share two CPUs, each answers on its own console, and all pages come back (the fixture compares)."""
    clean.upload_file("echo", clean_path("echo"))
    names = [f"micro-{i}" for i in range(64)]
    for name in names:
        clean.create_vm(name, {"firmware": "pvh", "kernel": "echo"}, 4 << 20)
    for name in names:
        clean.wait_console(name, r"echo ready\n")
        clean.type(name, f"I am {name}\n")
    for name in names:
        clean.wait_console(name, rf"\[I am {name}\]")
    assert {vm["state"] for vm in clean.json("/vms")["items"]} == {"running"}
