# SPDX-License-Identifier: BSD-2-Clause
"""What every machine that boots Socle has: a process, a serial line, and a REST client for its endpoint."""

import collections
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import contract

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("SOCLE_BUILD", os.path.join(ROOT, "build"))
IMAGE_DIR = os.environ.get("SOCLE_IMAGES", BUILD)  # where the hypervisor to be booted is: `make system` has one for tests
API = "/api/v1"
BOOT_TIMEOUT_S = float(os.environ.get("SOCLE_BOOT_TIMEOUT", "240"))

DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]  # before an emulator's command line

Response = collections.namedtuple("Response", "status headers body")


def body_json(response):
    return json.loads(response.body)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def files_beside(dtb, files):
    """What lies in the folder of BOOTX64.EFI: name -> path."""
    return {**(files or {}), **({"socle.dtb": dtb} if dtb else {})}


def compile_dtb(directory, body):
    """Writes a socle.dtb with these nodes and properties; returns its path."""
    dts, dtb = f"{directory}/socle.dts", f"{directory}/socle.dtb"
    with open(dts, "w") as f:
        f.write('/dts-v1/; / { compatible = "socle,host"; ' + body + " };")
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", dtb, dts], check=True)
    return dtb


def tokens_dts(**tokens):
    """The node of /api that lets these tokens in; name: role, or role with anything behind an underscore."""
    nodes = ""
    for name, text in tokens.items():
        node, digest = text.split(".")[1], hashlib.sha256(text.encode()).hexdigest()
        nodes += f'{node} {{ role = "{name.split("_")[0]}"; sha256 = "{digest}"; }}; '
    return f"tokens {{ {nodes}}};"


def put_files(image, files):
    """Copies them onto a USB image."""
    for name, path in files.items():
        subprocess.run(["mcopy", "-o", "-i", f"{image}@@1M", path, f"::/EFI/BOOT/{name}"],
                       check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})


def complete_response(data):
    """True if the bytes hold one whole response with a Content-Length."""
    head, separator, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(separator and length and len(body) >= int(length.group(1)))


class Connection(http.client.HTTPConnection):
    """HTTP over TLS to a machine's endpoint. token: in place of the administrator's; "": none."""

    def __init__(self, machine, timeout, token=None):
        super().__init__("127.0.0.1", machine.port, timeout=timeout)
        self.machine, self.token = machine, token

    def request(self, method, url, body=None, headers=(), **options):
        headers = dict(headers)
        if "Authorization" not in headers and self.token != "":
            headers["Authorization"] = f"Bearer {self.token or self.machine.token()}"
        super().request(method, url, body=body, headers=headers, **options)

    def connect(self):
        self.sock = self.machine.socket(self.timeout)


class Backend:
    """One emulator process. Use as a context manager; nothing is left behind at the end.

    A backend says how its emulator is started (launch) and may add what it knows about a failure.
    """

    running = []  # machines that are up, for the report of a failed test
    stop_signal = signal.SIGTERM
    patience = 1  # how much longer than under QEMU a guest may take

    def __init__(self, port=None, echo=None, tls=True):
        self.port, self.echo, self.tls = port or free_port(), echo, tls
        self.admin_token = None
        self.files = {}
        self.log = b""
        self.process = None
        self.changed = threading.Condition()
        self.directory = None

    # -- process ------------------------------------------------------------------------------

    def launch(self):
        """Starts the emulator in self.directory; returns the process and the descriptor of its serial line."""
        raise NotImplementedError

    def cleanup(self):
        """Releases what launch() took beyond the process and the directory."""

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="socle-")
        if not self.tls and "socle.dtb" not in self.files:
            self.files = {**self.files, "socle.dtb": self.open_dtb()}
        self.process, serial = self.launch()
        Backend.running.append(self)
        threading.Thread(target=self._read_serial, args=(serial,), daemon=True).start()
        return self

    def _read_serial(self, serial):
        while True:
            try:
                chunk = os.read(serial, 65536)
            except OSError:  # the other end of a pseudo-terminal has gone
                chunk = b""
            with self.changed:
                self.log += chunk
                self.changed.notify_all()
            if self.echo and chunk:
                self.echo(chunk)
            if not chunk:
                return

    def stop(self):
        if self in Backend.running:
            Backend.running.remove(self)
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.cleanup()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None:
            self.keep_evidence()
        self.stop()

    def wait_exit(self, timeout=60):
        return self.process.wait(timeout * self.patience)

    def is_dead(self):
        """True if nothing more can come from this machine."""
        return self.process.poll() is not None

    # -- failures ------------------------------------------------------------------------------

    def evidence(self):
        """Text and files (name: bytes) that explain a failure."""
        serial = self.log
        return "the serial log ends:\n" + serial[-3000:].decode(errors="replace"), {"serial.log": serial}

    def keep_evidence(self):
        """Under pytest: puts the logs where they survive the machine; returns what to print."""
        test = os.environ.get("PYTEST_CURRENT_TEST")
        text, files = self.evidence()
        if test:
            directory = f"{BUILD}/failures/" + re.sub(r"[^\w.-]+", "-", test.rsplit(" ", 1)[0].rsplit("/", 1)[-1])
            os.makedirs(directory, exist_ok=True)
            for name, data in files.items():
                with open(f"{directory}/{name}", "wb") as f:
                    f.write(data)
            text += f"\nlogs: {directory}"
        return text

    # -- serial line ---------------------------------------------------------------------------

    def serial(self):
        with self.changed:
            return self.log.decode(errors="replace")

    def wait_serial(self, pattern, timeout=BOOT_TIMEOUT_S):
        """Waits until the serial log matches; returns the match."""
        deadline = time.monotonic() + timeout * self.patience
        with self.changed:
            while True:
                match = re.search(pattern, self.log.decode(errors="replace"))
                if match:
                    return match
                left = deadline - time.monotonic()
                if left <= 0 or self.is_dead():
                    raise AssertionError(f"{pattern!r} did not appear on the serial line; {self.evidence()[0]}")
                self.changed.wait(min(left, 1.0))

    def wait_ready(self, timeout=BOOT_TIMEOUT_S):
        """Waits for the REST endpoint. Asking before the host has an address would only fill the emulator's queues."""
        deadline = time.monotonic() + timeout
        self.wait_serial(r"net: address \d", timeout)
        while True:
            try:
                if self.get("/health", timeout=5, token="").status == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > deadline or self.is_dead():
                raise AssertionError(f"the REST endpoint did not answer; {self.evidence()[0]}")
            with self.changed:
                self.changed.wait(0.25)

    # -- REST ----------------------------------------------------------------------------------

    def endpoint_port(self):
        """The host's port, before the emulator's forwarding."""
        return 443 if self.tls else 80

    def open_dtb(self):
        """A socle.dtb that turns TLS off, for machines without random numbers; it brings the token they cannot make."""
        self.admin_token = "socle1.harness." + secrets.token_hex(16)
        return compile_dtb(self.directory, f'api {{ tls = "off"; {tokens_dts(admin=self.admin_token)} }};')

    def claim_codes(self):
        """What the console page has shown, the newest last."""
        return re.findall(r"\| claim code: ([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}) ", self.serial())

    def claim(self, **more):
        """Claims the host by the code on its console; returns the answer."""
        self.wait_serial(r"\| claim code: [-0-9A-Z]{14} ", timeout=60)
        return self.post("/claim", {"code": self.claim_codes()[-1], **more}, token="")

    def token(self):
        """An administrator's token: the machine is claimed when one is needed first."""
        if not self.admin_token:
            reply = self.claim()
            assert reply.status == 201, reply
            self.admin_token = json.loads(reply.body)["token"]
        return self.admin_token

    def authorization(self):
        """The line of a request's head, for raw()."""
        return f"Authorization: Bearer {self.token()}\r\n".encode()

    def make_token(self, role, **more):
        """A token made by the administrator."""
        reply = self.post("/tokens", {"role": role, **more})
        assert reply.status == 201, reply
        return json.loads(reply.body)["token"]

    def key_pin(self):
        """What the console shows for curl's --pinnedpubkey."""
        return self.wait_serial(r"tls: public key ([^,\s]+)").group(1)

    def socket(self, timeout=30, receive_bytes=None):
        """A TLS connection to the endpoint, whose certificate must be one that the console shows."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout)
        try:
            if receive_bytes:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            if not self.tls:
                return s
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            s = context.wrap_socket(s, server_hostname="socle")
            seen = hashlib.sha256(s.getpeercert(binary_form=True)).hexdigest()
            self.wait_serial(f"tls: certificate SHA-256 {seen}", timeout=10)
            return s
        except BaseException:
            s.close()
            raise

    def connect(self, timeout=60, token=None):
        return Connection(self, timeout, token)

    def raw(self, data, timeout=20):
        """Sends bytes as they are; returns all that comes back until the host closes or goes quiet."""
        with self.socket(timeout) as s:
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

    def request(self, method, path, body=None, headers=None, timeout=120, token=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        path = path if path.startswith("/metrics") else API + path
        connection = self.connect(timeout * self.patience, token)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            response = Response(reply.status, reply.headers, reply.read())
            contract.check(method, path, response)
            return response
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def patch(self, path, body=None, **kw):
        return self.request("PATCH", path, body, **kw)

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

    def connections(self):
        metrics = self.get("/metrics").body.decode()
        return int(re.search(r"^socle_http_connections (\d+)$", metrics, re.M).group(1))

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
        timeout *= self.patience
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
                             f"{self.get(f'/vms/{vm}').body.decode()}\n{self.evidence()[0]}")

    def wait_state(self, vm, *states, timeout=60):
        deadline = time.monotonic() + timeout * self.patience
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
