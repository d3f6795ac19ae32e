# SPDX-License-Identifier: BSD-2-Clause
"""A machine that boots Socle: QEMU with UEFI, its serial line, and a REST client for its endpoint."""

import collections
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("SOCLE_BUILD", os.path.join(ROOT, "build"))
API = "/api/v1"
BOOT_TIMEOUT_S = float(os.environ.get("SOCLE_BOOT_TIMEOUT", "240"))

Response = collections.namedtuple("Response", "status headers body")


def body_json(response):
    return json.loads(response.body)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def kvm_nested():
    """The vendor ("amd" or "intel") whose nested virtualization KVM offers here, or None."""
    for vendor in ("amd", "intel"):
        path = f"/sys/module/kvm_{vendor}/parameters/nested"
        if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.path.exists(path):
            with open(path) as f:
                if f.read().strip() in ("1", "Y"):
                    return vendor
    return None


def find_firmware():
    """OVMF's code and variable store: the pinned copy of the build first, then the system's."""
    for pattern in (f"{BUILD}/deps/**/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE_4M.fd"):
        for code in sorted(glob.glob(pattern, recursive=True)):
            variables = code.replace("OVMF_CODE_4M", "OVMF_VARS_4M")
            if os.path.exists(variables):
                return code, variables
    raise FileNotFoundError("no OVMF firmware found: run `make setup`")


class Machine:
    """One QEMU process. Use as a context manager; nothing is left behind at the end."""

    def __init__(self, smp=1, memory="1G", boot="usb", icount=False, cpu=None, extra=(), port=None,
                 dtb=None, echo=None, qemu=None, image=None, address="", files=None):
        """files: name beside socle.dtb -> path, for the images it names."""
        self.smp, self.memory, self.boot, self.icount, self.cpu = smp, memory, boot, icount, cpu
        self.extra, self.dtb, self.echo = list(extra), dtb, echo
        self.files = {**(files or {}), **({"socle.dtb": dtb} if dtb else {})}
        self.image, self.address = image or f"{BUILD}/socle.img", address
        self.port = port or free_port()
        self.qemu = qemu or os.environ.get("QEMU") or "qemu-system-x86_64"
        self.log = b""
        self.process = None
        self.changed = threading.Condition()
        self.directory = None

    # -- process ------------------------------------------------------------------------------

    def command(self):
        code, variables = find_firmware()
        shutil.copy(variables, f"{self.directory}/vars.fd")
        if kvm_nested() == "amd" and not self.icount:
            accel, cpu = "kvm", "host"
        else:
            accel, cpu = "tcg", self.cpu or "EPYC,+svm,+npt"
        args = [self.qemu, "-M", f"q35,accel={accel}", "-cpu", cpu, "-smp", str(self.smp),
                "-m", self.memory, "-nodefaults", "-no-user-config", "-display", "none",
                "-serial", "stdio", "-monitor", "none", "-no-reboot",
                "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                "-drive", f"if=pflash,format=raw,unit=1,file={self.directory}/vars.fd"]
        network = f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-{self.address}:80"
        if self.boot == "pxe":
            tftp = f"{self.directory}/tftp"
            os.mkdir(tftp)
            shutil.copy(f"{BUILD}/BOOTX64.EFI", tftp)
            for name, path in self.files.items():
                os.makedirs(os.path.dirname(f"{tftp}/{name}"), exist_ok=True)
                shutil.copy(path, f"{tftp}/{name}")
            network += f",tftp={tftp},bootfile=BOOTX64.EFI"
            args += ["-device", "e1000e,netdev=n0,bootindex=1"]
        else:
            image = f"{self.directory}/socle.img"
            shutil.copy(self.image, image)
            for name, path in self.files.items():
                subprocess.run(["mcopy", "-o", "-i", f"{image}@@1M", path, f"::/EFI/BOOT/{name}"],
                               check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})
            args += ["-device", "e1000e,netdev=n0,romfile=", "-device", "qemu-xhci",
                     "-drive", f"if=none,id=stick,format=raw,file={image}",
                     "-device", "usb-storage,drive=stick,bootindex=1"]
        args += ["-netdev", network]
        if self.icount:
            args += ["-icount", "shift=0,sleep=off", "-seed", "1",
                     "-rtc", "base=2025-01-01T00:00:00,clock=vm"]
        return args + self.extra

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="socle-")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        threading.Thread(target=self._read_serial, daemon=True).start()
        return self

    def _read_serial(self):
        while True:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            with self.changed:
                self.log += chunk
                self.changed.notify_all()
            if self.echo and chunk:
                self.echo(chunk)
            if not chunk:
                return

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def wait_exit(self, timeout=60):
        return self.process.wait(timeout)

    # -- serial line ---------------------------------------------------------------------------

    def serial(self):
        with self.changed:
            return self.log.decode(errors="replace")

    def send_serial(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_serial(self, pattern, timeout=BOOT_TIMEOUT_S):
        """Waits until the serial log matches; returns the match."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                match = re.search(pattern, self.log.decode(errors="replace"))
                if match:
                    return match
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError(f"{pattern!r} did not appear on the serial line; its end is:\n"
                                         + self.log[-3000:].decode(errors="replace"))
                self.changed.wait(min(left, 1.0))

    def wait_ready(self, timeout=BOOT_TIMEOUT_S):
        """Waits for the REST endpoint; each new serial output is a reason to ask again."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                if self.get("/health", timeout=5).status == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("the REST endpoint did not answer; the serial log ends:\n"
                                     + self.serial()[-3000:])
            with self.changed:
                self.changed.wait(0.25)

    # -- REST ----------------------------------------------------------------------------------

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def raw(self, data, timeout=20):
        """Sends bytes as they are; returns all that comes back until the host closes or goes quiet."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            s.sendall(data)
            received = b""
            try:
                while True:
                    chunk = s.recv(65536)
                    if not chunk:
                        return received
                    received += chunk
                    if complete_response(received):
                        return received
            except (socket.timeout, ConnectionError):
                return received

    def request(self, method, path, body=None, headers=None, timeout=120):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        path = path if path.startswith("/metrics") else API + path
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            return Response(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def json(self, path):
        reply = self.get(path)
        assert reply.status == 200, (path, reply)
        return json.loads(reply.body)

    # -- VMs -----------------------------------------------------------------------------------

    def free_bytes(self):
        return self.json("/host")["memory"]["free_bytes"]

    def upload(self, name, data, kind="kernel"):
        reply = self.put(f"/images/{name}?kind={kind}", data,
                         headers={"Content-Type": "application/octet-stream"}, timeout=300)
        assert reply.status in (200, 201), reply
        return reply

    def upload_file(self, name, path, kind="kernel"):
        with open(path, "rb") as f:
            return self.upload(name, f.read(), kind)

    def create_vm(self, name, boot, memory=64 << 20, start=True, **more):
        vm = {"cpu": {"count": 1}, "memory": {"size_bytes": memory}, "boot": boot, **more}
        reply = self.put(f"/vms/{name}" + ("?start=true" if start else ""), vm)
        assert reply.status in (200, 201), reply
        return json.loads(reply.body)

    def run_guest(self, name, memory=64 << 20, **more):
        """Uploads a micro-guest and starts it under its own name."""
        self.upload_file(name, f"{BUILD}/guests/{name}.elf")
        return self.create_vm(name, {"firmware": "pvh", "kernel": name}, memory, **more)

    def state(self, vm):
        return self.json(f"/vms/{vm}")["state"]

    def console(self, vm):
        return self.get(f"/vms/{vm}/consoles/0/log").body.decode(errors="replace")

    def wait_console(self, vm, pattern, timeout=120):
        """Follows the VM's console until it matches; returns everything read and the match."""
        connection = self.connect(timeout)
        text = ""
        deadline = time.monotonic() + timeout
        try:
            connection.request("GET", f"{API}/vms/{vm}/consoles/0/log?follow=true")
            reply = connection.getresponse()
            assert reply.status == 200, reply.status
            while time.monotonic() < deadline:
                chunk = reply.read1(65536)
                if not chunk:
                    break
                text += chunk.decode(errors="replace")
                match = re.search(pattern, text)
                if match:
                    return text, match
        except (socket.timeout, http.client.HTTPException):
            pass
        finally:
            connection.close()
        raise AssertionError(f"{pattern!r} did not appear on the console of {vm}: {text[-3000:]}\n"
                             f"{self.get(f'/vms/{vm}').body.decode()}\n{self.serial()[-2000:]}")

    def wait_state(self, vm, *states, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            state = self.state(vm)
            if state in states:
                return state
            if time.monotonic() > deadline:
                raise AssertionError(f"{vm} is {state}, not {states}: {self.console(vm)[-2000:]}")
            with self.changed:
                self.changed.wait(0.2)

    def type(self, vm, text):
        reply = self.post(f"/vms/{vm}/consoles/0/input", text.encode(),
                          headers={"Content-Type": "application/octet-stream"})
        assert reply.status == 204, reply


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

    def run(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.path)
            self._until_prompt(s)
            s.sendall(command.encode() + b"\n")
            self._until_prompt(s)


def complete_response(data):
    """True if the bytes hold one whole response with a Content-Length."""
    head, separator, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(separator and length and len(body) >= int(length.group(1)))
