# SPDX-License-Identifier: BSD-2-Clause
"""Hosts whose processor cannot run VMs: they boot, answer, and say why in one sentence."""

import re

import pytest

from machine import BUILD, BochsMachine, Machine, uses_bochs

ON_QEMU = pytest.mark.skipif(uses_bochs(), reason="part of the run with CPU=amd")
ON_BOCHS = pytest.mark.skipif(not uses_bochs(), reason="part of the run with CPU=intel")

HOSTS = [
    pytest.param(Machine, "EPYC,-svm", r"AMD-V", id="no-svm", marks=ON_QEMU),
    pytest.param(Machine, "EPYC,+svm,-npt", r"nested paging", id="no-npt", marks=ON_QEMU),
    pytest.param(Machine, "Skylake-Client", r"VT-x", id="no-vmx", marks=ON_QEMU),
    pytest.param(BochsMachine, "core2_penryn_t9600", r"EPT", id="no-ept", marks=ON_BOCHS),
    pytest.param(BochsMachine, "corei5_lynnfield_750", r"unrestricted guest", id="no-unrestricted-guest", marks=ON_BOCHS),
]


@pytest.mark.parametrize("machine_class,cpu,reason", HOSTS)
def test_says_why(machine_class, cpu, reason, problem):
    with machine_class(cpu=cpu, smp=2) as m:
        m.wait_ready()
        assert re.search(rf"(?i)VMs cannot start on this host: [^\n]*{reason}", m.serial())
        health = m.json("/health")
        assert health["state"] == "degraded" and re.search(f"(?i){reason}", health["reason"]), health

        m.upload_file("echo", f"{BUILD}/guests/echo.elf")
        m.create_vm("echo", {"firmware": "pvh", "kernel": "echo"}, 16 << 20, start=False)
        error = problem(m.post("/vms/echo/start"), 422, "semantic")
        assert re.search(f"(?i){reason}", error["detail"]), error
        assert m.state("echo") == "stopped"
