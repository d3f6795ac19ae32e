# SPDX-License-Identifier: BSD-2-Clause
"""A machine that boots Socle, for the processor that CPU asks for: QEMU here, Bochs in bochs.py."""

import functools
import glob
import os
import shutil
import socket
import subprocess

from backend import API, BUILD, DIES_WITH_US, IMAGE_DIR, ROOT, Backend, Response, body_json, files_beside, put_files  # noqa: F401 (for the tests)
from bochs import BochsMachine


def vendor():
    """The processor the machine is to have: "amd" or "intel"."""
    return os.environ.get("CPU") or "amd"


def kvm_nested():
    """The vendor ("amd" or "intel") whose nested virtualization KVM offers here, or None."""
    for vendor in ("amd", "intel"):
        path = f"/sys/module/kvm_{vendor}/parameters/nested"
        if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.path.exists(path):
            with open(path) as f:
                if f.read().strip() in ("1", "Y"):
                    return vendor
    return None


def uses_bochs():
    """True where only Bochs has the processor's virtualization: VT-x is in no QEMU."""
    return vendor() == "intel" and kvm_nested() != "intel"


def uses_tcg():
    """True where QEMU emulates the processor."""
    return not uses_bochs() and kvm_nested() != vendor()


def make_machine(**options):
    """A machine with the processor that CPU asks for. Options of QEMU alone need the `qemu` marker on the test."""
    return BochsMachine(**options) if uses_bochs() else Machine(**options)


def find_firmware():
    """OVMF's code and variable store: the pinned copy of the build first, then the system's."""
    for pattern in (f"{BUILD}/deps/**/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE_4M.fd"):
        for code in sorted(glob.glob(pattern, recursive=True)):
            variables = code.replace("OVMF_CODE_4M", "OVMF_VARS_4M")
            if os.path.exists(variables):
                return code, variables
    raise FileNotFoundError("no OVMF firmware found: run `make setup`")


NICS = {"e1000e": "e1000e", "e1000": "e1000", "igb": "igb", "virtio": "virtio-net-pci"}


QEMU = os.environ.get("QEMU") or "qemu-system-x86_64"
SECOND_QEMU = f"{BUILD}/deps/qemu/qemu"


@functools.cache
def igb_qemu():
    """A QEMU that emulates the 82576: QEMU=, or else the one that tools/fetch_qemu.sh has brought; None: there is none."""
    def knows(qemu):  # it ends well in either case
        return shutil.which(qemu) and subprocess.run([qemu, "-device", "igb,help"], capture_output=True).stdout
    return next((qemu for qemu in (QEMU, SECOND_QEMU) if knows(qemu)), None)


def default_nic():
    """QEMU's name of the network card that NIC asks for."""
    return NICS[os.environ.get("NIC") or "e1000e"]


# A kind of disk -> its device.
DISKS = {
    "nvme": "nvme",
    "ahci": "ide-hd,bus=ahci.{n}",
    "virtio": "virtio-blk-pci,disable-legacy=on",
}


def disk_args(kind, drive, n=0, **options):
    """QEMU's options for a disk with the given raw image, or with what `drive` says it is made of."""
    drive = drive if "=" in drive else f"format=raw,file={drive}"
    device = f"{DISKS[kind].format(n=n)},drive=d{n},id=disk{n},serial=serial-{n}"
    device += "".join(f",{key}={value}" for key, value in options.items())
    controller = ["-device", "ahci,id=ahci"] if kind == "ahci" and n == 0 else []
    return ["-drive", f"if=none,id=d{n},{drive}", *controller, "-device", device]


class Machine(Backend):
    """QEMU: emulated, or on KVM where that offers the processor's virtualization to its guests."""

    description = "QEMU"
    boot_method = "usb"

    def __init__(self, smp=1, memory="1G", boot="usb", icount=False, cpu=None, extra=(), port=None,
                 dtb=None, echo=None, qemu=None, image=None, address="", nic=None, chipset="q35", files=None,
                 tls=True, forwards=(), typed=False):
        """files: name beside socle.dtb -> path, for the images it names. tls: what its socle.dtb says.
        icount: the clock counts instructions; "paced": and an idle machine's goes no faster than ours.
        forwards: (port of 127.0.0.1, port of the host) besides the endpoint's. typed: type_on_host() is wanted."""
        super().__init__(port, echo, tls)
        self.smp, self.memory, self.boot, self.icount, self.cpu = smp, memory, boot, icount, cpu
        self.nic, self.chipset, self.extra = nic or default_nic(), chipset, list(extra)
        self.files = files_beside(dtb, files)
        self.image, self.address = image or f"{IMAGE_DIR}/socle.img", address
        self.forwards, self.typed = forwards, typed
        self.qemu = qemu or (igb_qemu() if self.nic.split(",")[0] == "igb" else None) or QEMU

    # -- process ------------------------------------------------------------------------------

    def uses_kvm(self):
        return kvm_nested() == vendor() and not self.icount and not self.cpu

    def repair(self):
        """Goes before QEMU's command line: what its emulation gets wrong is repaired as it starts."""
        library = f"{BUILD}/qemu_repair.so"
        if self.uses_kvm():
            return []
        if not os.path.exists(library):
            raise FileNotFoundError(f"{library} is missing: run `make guests`")
        return ["env", f"LD_PRELOAD={library}"]

    def command(self):
        code, variables = find_firmware()
        shutil.copy(variables, f"{self.directory}/vars.fd")
        accel, cpu = ("kvm", "host") if self.uses_kvm() else ("tcg", self.cpu or "EPYC,+svm,+npt")
        args = [self.qemu, "-M", f"{self.chipset},accel={accel}", "-cpu", cpu, "-smp", str(self.smp),
                "-m", self.memory, "-nodefaults", "-no-user-config", "-display", "none",
                "-serial", "stdio", "-monitor", "none", "-no-reboot",
                "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                "-drive", f"if=pflash,format=raw,unit=1,file={self.directory}/vars.fd"]
        network = f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-{self.address}:{self.endpoint_port()}"
        for port, host_port in self.forwards:
            network += f",hostfwd=tcp:127.0.0.1:{port}-{self.address}:{host_port}"
        if self.boot == "pxe":
            tftp = f"{self.directory}/tftp"
            os.mkdir(tftp)
            shutil.copy(f"{IMAGE_DIR}/BOOTX64.EFI", tftp)
            for name, path in self.files.items():
                os.makedirs(os.path.dirname(f"{tftp}/{name}"), exist_ok=True)
                shutil.copy(path, f"{tftp}/{name}")
            network += f",tftp={tftp},bootfile=BOOTX64.EFI"
            args += ["-device", f"{self.nic},netdev=n0,bootindex=1"]
        else:
            image = f"{self.directory}/socle.img"
            shutil.copy(self.image, image)
            put_files(image, self.files)
            args += ["-device", f"{self.nic},netdev=n0,romfile=",
                     "-drive", f"if=none,id=stick,format=raw,file={image}"]
            # i440fx stands for machines from before PCI Express: its disk is IDE.
            args += (["-device", "ide-hd,drive=stick,bootindex=1"] if self.chipset == "pc" else
                     ["-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=1"])
        args += ["-netdev", network]
        if self.icount:
            args += ["-icount", f"shift=0,sleep={'on' if self.icount == 'paced' else 'off'}", "-seed", "1",
                     "-rtc", "base=2025-01-01T00:00:00,clock=vm"]
        return args + self.extra

    def type_on_host(self, data):
        """Bytes that come in on the host's serial line."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def launch(self):
        keys = subprocess.PIPE if self.typed else subprocess.DEVNULL
        process = subprocess.Popen(DIES_WITH_US + self.repair() + self.command(), stdin=keys, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        return process, process.stdout.fileno()


class Monitor:
    """QEMU's human monitor on a socket of its own; commands are answered before the next one is sent."""

    PROMPT = b"(qemu) "

    def __init__(self, path):
        self.path = str(path)
        self.options = ["-chardev", f"socket,id=mon,path={self.path},server=on,wait=off",
                        "-mon", "chardev=mon,mode=readline"]

    def _until_prompt(self, s):
        data = b""
        while not data.endswith(self.PROMPT):
            chunk = s.recv(4096)
            assert chunk, "the monitor closed the connection"
            data += chunk
        return data.decode(errors="replace")

    def run(self, command):
        """Returns what the command printed."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.path)
            self._until_prompt(s)
            s.sendall(command.encode() + b"\n")
            return self._until_prompt(s)
