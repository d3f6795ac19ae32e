# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor's own end: a machine check, injected by the emulator, gives the panic page and stops the host."""

import re

import pytest

from machine import Machine, Monitor, uses_tcg


@pytest.mark.skipif(not uses_tcg(), reason="only QEMU's emulation injects machine checks")
def test_machine_check(tmp_path):
    monitor = Monitor(tmp_path / "monitor")
    with Machine(smp=2, extra=monitor.options) as m:
        m.wait_ready()
        monitor.run("mce 0 1 0xb200000000000000 0 0 0")
        m.wait_serial(r"=== Socle \d+\.\d+\.\d+ \(\S+\): panic on pCPU 0 ===", timeout=20)
        m.wait_serial(r"The machine is stopped", timeout=20)
        page = m.serial().split("=== Socle", 1)[1]
        assert "exception 18 (machine check)" in page
        assert re.search(r"rip [0-9a-f]{16}", page) and re.search(r"cr3 [0-9a-f]{16}", page)
        # A symbolised backtrace: the boot CPU was idle, running a task or in an interrupt.
        assert re.search(r"backtrace:\s+[0-9a-f]{16} \w+\+0x", page)
