# SPDX-License-Identifier: BSD-2-Clause
"""An unmodified Debian kernel: from the first line to userland, a shell on its console, its power button."""

import hashlib

import pytest

from machine import BUILD, uses_bochs

MACHINE = {"smp": 2 if uses_bochs() else 4, "memory": "2G"}
MODELS = ("posted-interrupts", "virtual-apic", pytest.param("software-apic", marks=pytest.mark.slow))


@pytest.fixture
def linux(clean):
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd",
                               "cmdline": "console=ttyS0"}, 256 << 20)
    clean.wait_console("debian", r"SOCLE-GUEST-READY", timeout=180)
    return clean


def test_linux(linux):
    text = linux.console("debian")
    assert "Linux version" in text
    assert "BUG:" not in text and "Call Trace" not in text

    linux.type("debian", "echo answer-$((6*7))\n")
    linux.wait_console("debian", r"answer-42")

    exits = {e["reason"]: e for e in linux.json("/vms/debian/exits")}
    assert exits["cpuid"]["count"] > 0 and exits["io"]["count"] > 0
    assert exits["io"]["total_ns"] > 0
    metrics = linux.get("/metrics").body.decode()
    assert 'socle_vm_exits_total{vm="debian"' in metrics

    assert linux.get("/images/debian-kernel").status == 200
    assert linux.delete("/images/debian-kernel").status == 409  # in use

    # The guest sees what it was given.
    linux.type("debian", "grep MemTotal /proc/meminfo\n")
    _, match = linux.wait_console("debian", r"MemTotal:\s+(\d+) kB")
    assert 180_000 < int(match.group(1)) < 262_144

    # And took what is offered. Where the CPU promises a TSC that never stops, Linux reads it without kvm-clock's help.
    assert "Hypervisor detected: KVM" in text
    assert "kvm-clock: Using msrs 4b564d01 and 4b564d00" in text
    linux.type("debian", "echo source-$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)\n")
    _, match = linux.wait_console("debian", r"source-(kvm-clock|tsc)\r?\n")

    # A pause is a gap in time, not a jump, and no lockup.
    uptimes = []
    for _ in range(2):
        linux.type("debian", "echo up-$(cut -d. -f1 /proc/uptime)-$((6*8))-%d\n" % len(uptimes))
        _, match = linux.wait_console("debian", rf"up-(\d+)-48-{len(uptimes)}\r?\n")
        uptimes.append(int(match.group(1)))
        assert linux.post("/vms/debian/pause").status == 200
        assert linux.post("/vms/debian/resume").status == 200
    assert uptimes[0] <= uptimes[1] < uptimes[0] + 600
    assert "lockup" not in linux.console("debian")

    linux.type("debian", "poweroff -f\n")
    assert linux.wait_state("debian", "stopped", timeout=60) == "stopped"


def shell(machine, command, pattern, timeout=120):
    """Types a command into the guest's shell. The command's echo must not match the pattern."""
    machine.type("debian", command + "\n")
    return machine.wait_console("debian", pattern, timeout=timeout)[1]


@pytest.mark.parametrize("options, interrupts", [("", "PCI-MSI"), ("pci=nomsi", "IO-APIC"), ("pci=nommconf,nomsi", "IO-APIC")])
def test_linux_pci(clean, options, interrupts):
    """Debian's own drivers find the PCI bus and the virtio devices, with messages and without."""
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": f"console=ttyS0 {options}"}, 256 << 20)
    clean.wait_console("debian", r"SOCLE-GUEST-READY", timeout=180)
    text = clean.console("debian")
    assert "BUG:" not in text and "Call Trace" not in text
    for bad in ("No config space access function", "can't claim", "no compatible bridge window", "not reserved in ACPI"):
        assert bad not in text, bad
    assert "PCI: Using configuration type 1 for base access" in text
    assert ("PCI: MMCONFIG for domain 0000 [bus 00-00] at [mem 0xe0000000-0xe00fffff]" in text) == ("nommconf" not in options)
    shell(clean, "cd /sys/bus/pci/devices; for d in *; do echo at-$d-$(cat $d/vendor)-$(cat $d/device)-$(cat $d/class)-; done",
          r"(?s)at-0000:00:00.0-0x1b36-0x0008-0x060000-.*at-0000:00:01.0-0x1af4-0x1044-0x00ff00-")
    # Bytes come, more than the device gives at once, and they are no pattern.
    shell(clean, "head -c 20000 /dev/hwrng | gzip | wc -c | sed s/^/random-/", r"random-2\d{4}\r?\n")
    assert int(shell(clean, "grep virtio0 /proc/interrupts | sed s/^/virq-/",
                     rf"virq-\s*\d+:\s+(\d+)\s+{interrupts}[^\n]*virtio0(?:-input)?\r?\n").group(1)) > 0
    # Taken away and found again: the driver resets the device, sizes its BAR and sets it up anew.
    shell(clean, "echo 1 >0000:00:01.0/remove; echo 1 >../rescan; head -c 100 /dev/hwrng | wc -c | sed s/^/again-/", r"again-100\r?\n")
    clean.type("debian", "poweroff -f\n")
    assert clean.wait_state("debian", "stopped", timeout=60) == "stopped"


def test_virtio_console(clean, problem):
    """Linux has a second console, both ways, and what it writes there costs an exit a line."""
    m = clean
    m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    m.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    m.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"}, 256 << 20,
                virtio_console={"enabled": True})
    assert [(c["id"], c["kind"]) for c in m.json("/vms/debian/consoles")] == [(0, "serial"), (1, "virtio")]
    m.wait_console("debian", r"SOCLE-GUEST-READY", timeout=180)
    assert m.get("/vms/debian/consoles/1/log").body == b""
    shell(m, "exec 3<>/dev/hvc0; stty raw -echo <&3; echo open-$((6*7))", r"open-42")  # Linux forgets the modes at the last close
    shell(m, "head -c 20000 <&3 | md5sum | sed s/^/sum-/ & echo reads-$((6*7))", r"reads-42")
    sent = bytes(range(33, 127)) * 213
    assert m.post("/vms/debian/consoles/1/input", sent[:20000]).status == 204
    shell(m, "wait; echo waited-$((6*7))", rf"(?s)sum-{hashlib.md5(sent[:20000]).hexdigest()}\W.*waited-42")
    before = sum(e["count"] for e in m.json("/vms/debian/exits"))
    shell(m, "seq 1 10000 >&3; echo done-$((6*7))", r"done-42", timeout=240)
    text = m.get("/vms/debian/consoles/1/log").body.decode()
    assert text == "".join(f"{i}\n" for i in range(1, 10001)), text[-200:]
    assert sum(e["count"] for e in m.json("/vms/debian/exits")) - before < len(text)  # the serial port takes two a byte
    problem(m.get("/vms/debian/consoles/2/log"), 404, "no_such")
    m.type("debian", "poweroff -f\n")
    assert m.wait_state("debian", "stopped", timeout=60) == "stopped"


@pytest.mark.parametrize("count", [2, 4, 8])
def test_linux_on_several_cpus(clean, count):
    """More vCPUs than the machine has CPUs, too; each runs code, and takes IPIs from the others."""
    clean.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"},
                    256 << 20, cpu={"count": count})
    clean.wait_console("debian", r"SOCLE-GUEST-READY", timeout=180)
    clean.type("debian", "for c in $(seq 0 %d); do taskset $((1 << c)) sh -c 'echo ran-on-$((2*21))-'$c; done\n" % (count - 1))
    for cpu in range(count):
        clean.wait_console("debian", rf"ran-on-42-{cpu}\r?\n")
    text = clean.console("debian")
    assert f"smp: Brought up 1 node, {count} CPUs" in text
    assert "BUG:" not in text and "Call Trace" not in text and "soft lockup" not in text
    for taken in ("setup PV IPIs", "PV spinlocks enabled", "KVM setup pv remote TLB flush"):
        assert taken in text, taken
    clean.type("debian", "grep -c ^processor /proc/cpuinfo; poweroff -f\n")
    assert clean.wait_state("debian", "stopped", timeout=60) == "stopped"
