# SPDX-License-Identifier: BSD-2-Clause
"""Bochs: the machine with VT-x where there is no KVM. tools/fetch_bochs.sh puts it into build/deps/bochs."""

import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import threading
import tty

from backend import DIES_WITH_US, IMAGE_DIR, ROOT, Backend, files_beside, put_files

# Processors by who serves a guest's local APIC: the CPU, which takes posted interrupts as well; the CPU; software.
MODELS = {"posted-interrupts": "corei7_skylake_x", "virtual-apic": "corei7_haswell_4770",
          "software-apic": "corei7_sandy_bridge_2600k"}

WITHOUT_RDRAND = [MODELS["software-apic"], "core2_penryn_t9600", "corei5_lynnfield_750"]  # and its firmware has no random numbers either

GUEST_ADDRESS = "10.0.2.15"  # what its DHCP server gives

# What the log says when the guest state or a control was refused, and when the processor or the emulator stopped.
NOTABLE = re.compile(rb"^.*(?:VMENTER FAIL|VMFAIL|VMABORT|exception with no resolution|>>PANIC<<).*$", re.M)
FATAL = re.compile(rb"3rd \(\d+\) exception with no resolution|>>PANIC<<")
POWERED_OFF = b"ACPI control: soft power off"

# A guest second is `ips` instructions. Bochs executes 40 to 150 million a second, so that at 200 million a busy guest's
# clock is slower than the host's and its time-outs are generous; sync=slowdown keeps an idle one from running ahead.
CONFIGURATION = """\
display_library: term
romimage: file={firmware}, address=0xffe00000
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
memory: guest={mib}, host={mib}
cpu: model={model}, count={smp}, ips=200000000, reset_on_triple_fault=0, ignore_bad_msrs=1, cpuid_freq=ips
clock: sync=slowdown
fw_cfg: enabled=1
pci: enabled=1, chipset=i440fx{network}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={directory}/socle.img, mode=flat
boot: disk
com1: enabled=1, mode=term, dev={serial}
sound: driver=dummy, waveout=none
speaker: enabled=0
log: {directory}/bochs.log
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
"""


NETWORK = ", slot1=e1000\ne1000: enabled=1, mac=52:54:00:12:34:56, ethmod=slirp, script={directory}/slirp.conf"


def mebibytes(size):
    return int(size[:-1]) * {"M": 1, "G": 1024}[size[-1]]


def raw_terminal():
    """Both ends of a pseudo-terminal that changes no byte."""
    master, slave = pty.openpty()
    tty.setraw(slave, termios.TCSANOW)
    return master, slave


class BochsMachine(Backend):
    """Bochs 3.1 with a PIIX board, an IDE disk, an 82540EM and the pinned OVMF."""

    description = "Bochs"
    boot_method = "disk"
    patience = 4
    stop_signal = signal.SIGKILL  # it does not listen to a gentler one, and has nothing to save

    def __init__(self, smp=1, memory="1G", boot="usb", cpu=None, dtb=None, port=None, echo=None, image=None,
                 address="", files=None, has_network=True, tls=True):
        """boot is for QEMU's sake: the disk is the only way. files: name beside socle.dtb -> path. tls: where the CPU can."""
        assert boot == "usb", "Bochs' network card has no boot ROM"
        self.smp, self.memory, self.cpu = smp, memory, cpu or MODELS["posted-interrupts"]
        super().__init__(port, echo, tls=tls and self.cpu not in WITHOUT_RDRAND)
        self.image, self.address = image or f"{IMAGE_DIR}/socle.img", address or GUEST_ADDRESS
        self.files, self.has_network = files_beside(dtb, files), has_network
        self.terminals = []

    def launch(self):
        root = os.path.realpath(f"{ROOT}/build/deps/bochs")
        if not os.path.exists(f"{root}/bochs"):
            raise FileNotFoundError("there is no Bochs: run `make setup CPU=intel`")
        shutil.copy(self.image, f"{self.directory}/socle.img")
        put_files(f"{self.directory}/socle.img", self.files)
        serial, serial_slave = raw_terminal()
        screen, screen_slave = raw_terminal()
        self.terminals = [serial, serial_slave, screen]
        self._write("slirp.conf", f"# slirp config\nhostfwd = tcp:127.0.0.1:{self.port}-{self.address}:{self.endpoint_port()}\n")
        self._write("debugger", "c\n")  # Debian's Bochs stops in its debugger first
        network = NETWORK.format(directory=self.directory) if self.has_network else ""
        self._write("bochsrc", CONFIGURATION.format(
            network=network,
            firmware=f"{ROOT}/build/deps/ovmf/usr/share/ovmf/OVMF.fd", directory=self.directory, model=self.cpu,
            mib=mebibytes(self.memory), smp=self.smp, serial=os.ttyname(serial_slave)))
        # Its display waits for keys, the machine with it, if its standard input is a terminal.
        process = subprocess.Popen(
            [*DIES_WITH_US, f"{root}/bochs", "-q", "-f", f"{self.directory}/bochsrc",
             "-rc", f"{self.directory}/debugger"],
            stdin=subprocess.DEVNULL, stdout=screen_slave, stderr=subprocess.DEVNULL, start_new_session=True,
            cwd=self.directory, env={**os.environ, "TERM": "vt100"})
        os.close(screen_slave)
        threading.Thread(target=self._drain, args=(screen,), daemon=True).start()
        return process, serial

    def _write(self, name, text):
        with open(f"{self.directory}/{name}", "w") as f:
            f.write(text)

    @staticmethod
    def _drain(screen):
        """Nobody looks at the screen, but a full terminal would stop the emulator."""
        try:
            while os.read(screen, 65536):
                pass
        except OSError:
            pass

    def cleanup(self):
        for descriptor in self.terminals:
            os.close(descriptor)
        self.terminals = []

    def bochs_log(self):
        try:
            with open(f"{self.directory}/bochs.log", "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def is_dead(self):
        return super().is_dead() or FATAL.search(self.bochs_log()) is not None

    def wait_exit(self, timeout=60):
        """Bochs reports a power-off as an error; here it is the status 0 that it is with QEMU."""
        status = super().wait_exit(timeout)
        return 0 if POWERED_OFF in self.bochs_log() else status

    def evidence(self):
        text, files = super().evidence()
        log = self.bochs_log()
        notable = [m.group().decode(errors="replace") for m in NOTABLE.finditer(log)]
        if notable:
            text = "Bochs says:\n" + "\n".join(notable[-20:]) + "\n" + text
        return text, {**files, "bochs.log": log}
