# SPDX-License-Identifier: BSD-2-Clause
"""Booting: by USB image and by PXE, on 1, 2 and 4 CPUs."""

import json
import re

import pytest

from machine import BUILD, IMAGE_DIR, make_machine, vendor

VENDOR_NAMES = {"amd": "AuthenticAMD", "intel": "GenuineIntel"}
PXE = pytest.mark.qemu("Bochs' network card has no boot ROM")


@pytest.mark.parametrize("boot,smp", [
    ("usb", 1), ("usb", 2), ("usb", 4), pytest.param("pxe", 2, marks=PXE)])
def test_boot(boot, smp):
    with make_machine(boot=boot, smp=smp) as m:
        m.wait_ready()
        host = m.json("/host")
        assert host["cpu"]["count"] == smp
        assert host["cpu"]["vendor"] == VENDOR_NAMES[vendor()]
        assert host["boot"]["method"] == ("pxe" if boot == "pxe" else m.boot_method)
        assert [s["ns"] for s in host["boot"]["stages"]] == sorted(s["ns"] for s in host["boot"]["stages"])
        assert 0 < host["memory"]["free_bytes"] < host["memory"]["total_bytes"]
        assert re.search(r"auth: nobody has claimed this host yet", m.serial())
        assert "panic" not in m.serial().lower()
        if IMAGE_DIR != BUILD:
            assert "the order of locks is checked" in m.serial()


def test_poweroff_by_rest():
    with make_machine() as m:
        m.wait_ready()
        assert m.post("/host/poweroff", {"vms": "kill"}).status == 202
        assert m.wait_exit(60) == 0


def test_poweroff_waits_for_guests():
    """As long as they were given; here for one that does not know the power button."""
    with make_machine() as m:
        m.wait_ready()
        m.run_guest("echo")
        m.wait_console("echo", "echo ready")
        assert m.post("/host/poweroff").status == 409
        task = json.loads(m.post("/host/poweroff", {"vms": "shutdown", "grace_ms": 3600000}).body)
        assert (task["kind"], task["state"]) == ("host.poweroff", "running")
        m.wait_serial("1 VMs are asked to switch themselves off")
        assert m.state("echo") == "running"
        assert m.post("/host/poweroff", {"vms": "shutdown", "grace_ms": 1}).status == 202
        m.wait_serial("1 VMs have not switched themselves off")
        assert m.wait_exit(60) == 0


def test_poweroff_when_the_last_guest_is_off():
    with make_machine() as m:
        m.wait_ready()
        m.run_guest("echo")
        m.wait_console("echo", "echo ready")
        assert m.post("/host/poweroff", {"vms": "shutdown", "grace_ms": 3600000}).status == 202
        assert m.post("/vms/echo/poweroff").status == 200
        assert m.wait_exit(60) == 0


def test_the_image_users_get():
    """All other tests may boot one that checks the order of its locks."""
    with make_machine(smp=2, image=f"{BUILD}/socle.img") as m:
        m.wait_ready()
        m.run_guest("echo")
        m.wait_console("echo", r"echo ready\n")
        assert m.delete("/vms/echo?force=true").status == 204
        assert "order of locks" not in m.serial()
