# SPDX-License-Identifier: BSD-2-Clause
"""The micro-guests, each asking one question of the virtual machine."""

import re

import pytest

MACHINE = {"smp": 2, "memory": "1G"}
MODELS = ("posted-interrupts", "virtual-apic", "software-apic")

GUESTS = ["cpuid", "apic", "cr", "modes", "io", "string-io", "mmio", "msr", "hlt-irq", "timer", "exception", "npt", "fpu",
          "x2apic", "pvclock", "hostile-msr", "hostile-io", "hostile-balloon"]


@pytest.mark.parametrize("guest", GUESTS)
def test_guest(clean, guest):
    clean.run_guest(guest)
    text, match = clean.wait_console(guest, r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) in ("SUCCESS", "SKIP"), text
    assert clean.wait_state(guest, "stopped") == "stopped"


@pytest.mark.parametrize("guest", ["pci", "hostile-virtio"])
def test_pci(clean, guest):
    """The device they use is there wherever the host has random numbers."""
    clean.run_guest(guest)
    text, match = clean.wait_console(guest, r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    has_rdrand = "rdrand" in clean.json("/host")["cpu"]["features"]
    assert match.group(1) == ("SUCCESS" if has_rdrand else "SKIP"), text
    assert clean.wait_state(guest, "stopped") == "stopped"


@pytest.mark.parametrize("count", [2, 4, 7, 64])
def test_smp(clean, count):
    """More vCPUs than pCPUs, too."""
    clean.run_guest("smp", cpu={"count": count})
    text, match = clean.wait_console("smp", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS" and f"{count} CPUs" in text, text
    assert clean.wait_state("smp", "stopped") == "stopped"


@pytest.mark.parametrize("count", [2, 5])
def test_floating_point_of_several_cpus(clean, count):
    """Each on a pCPU of its own, and several that share them."""
    clean.run_guest("fpu-smp", cpu={"count": count})
    text, match = clean.wait_console("fpu-smp", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS" and f"{count} CPUs" in text, text
    assert clean.wait_state("fpu-smp", "stopped") == "stopped"


@pytest.mark.parametrize("count", [2, 4])
def test_pvclock_of_several_cpus(clean, count):
    """From three vCPUs on, two of them share a pCPU: one's time is the other's loss."""
    clean.run_guest("pvclock", cpu={"count": count})
    text, match = clean.wait_console("pvclock", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS", text
    stolen = int(re.search(rf"{count} CPUs, (\d+) ns stolen", text).group(1))
    assert stolen > 0 or count < 3
    assert clean.wait_state("pvclock", "stopped") == "stopped"


def test_reset_starts_again_with_clean_memory(clean):
    clean.run_guest("reset")
    text, _ = clean.wait_console("reset", r"(?s)started.*started", timeout=60)
    assert "FAILURE" not in text
    assert text.count("memory word 0") >= 2
    assert clean.post("/vms/reset/poweroff").status == 200


def test_console_both_ways(clean):
    clean.run_guest("echo")
    clean.wait_console("echo", r"echo ready\n")
    clean.type("echo", "hello\n")
    clean.wait_console("echo", r"\[hello\]")
    clean.type("echo", "quit\n")
    assert clean.wait_state("echo", "stopped")
    assert clean.post("/vms/echo/consoles/0/input", b"x").status == 409


def test_an_idle_guest_costs_nothing(clean):
    clean.run_guest("echo")
    clean.wait_console("echo", r"echo ready\n")

    def exits():
        return sum(e["count"] for e in clean.json("/vms/echo/exits"))

    before = exits()
    clean.type("echo", "a\n")
    clean.wait_console("echo", r"\[a\]")
    after = exits()
    assert 0 < after - before < 2000
    assert re.search(r'"reason":\s*"hlt"', clean.get("/vms/echo/exits").body.decode())
