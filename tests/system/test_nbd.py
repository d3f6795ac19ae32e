# SPDX-License-Identifier: BSD-2-Clause
"""Volumes exported by NBD: copied out and in by qemu-img and nbdcopy, over TLS and without, and who is refused."""

import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess

import pytest

from backend import compile_dtb, free_port
from machine import Machine
from test_pools import Host, disk  # noqa: F401 (a fixture)
from test_volumes import MIB, make

pytestmark = pytest.mark.qemu("tools that need a second port of the host")

NBD_PORT = 10809
SIZE = 8 * MIB
OCTETS = {"Content-Type": "application/octet-stream"}


READ, WRITE, FLUSH, TRIM = 0, 1, 3, 4  # commands
LIST, GO, STARTTLS = 3, 7, 5  # options
TLS_REQD, ACK, INFO = 0x80000005, 1, 3  # answers to them
EPERM, EINVAL, ENOSPC = 1, 22, 28  # and to commands


def go_data(name):
    return struct.pack(">I", len(name)) + name.encode() + b"\0\0"


class Raw:
    """A client that does what it is told, and speaks simple replies."""

    def __init__(self, m, name=None, authority=None):
        """name: the export to begin with; authority: by TLS."""
        self.socket = socket.create_connection(("127.0.0.1", m.nbd_port), timeout=30)
        try:
            assert self.receive(18) == b"NBDMAGICIHAVEOPT\0\3"
            self.socket.sendall(struct.pack(">I", 3))
            if authority:
                assert self.option(STARTTLS) == ACK
                context = ssl.create_default_context(cafile=str(authority / "ca-cert.pem"))
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            if name:
                assert self.option(GO, go_data(name)) == ACK
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def receive(self, length):
        data = b""
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                raise ConnectionError("the host has closed the connection")
            data += piece
        return data

    def option(self, number, data=b""):
        """The last answer to an option."""
        self.socket.sendall(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)
        while True:
            _, _, kind, length = struct.unpack(">QIII", self.receive(20))
            self.receive(length)
            if kind != INFO:
                return kind

    def send_command(self, kind, offset, length):
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 42, offset, length))

    def error(self):
        magic, error, cookie = struct.unpack(">IIQ", self.receive(16))
        assert (magic, cookie) == (0x67446698, 42)
        return error

    def command(self, kind, offset, length, data=b""):
        self.send_command(kind, offset, length)
        self.socket.sendall(data)
        return self.error()

    def take_read(self, length):
        assert self.error() == 0
        return self.receive(length)

    def read(self, offset, length):
        self.send_command(READ, offset, length)
        return self.take_read(length)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Its name is the one its clients use, so that they can check its certificate."""
    port = free_port()
    dtb = compile_dtb(str(tmp_path_factory.mktemp("dtb")), 'hostname = "localhost";')
    with Machine(smp=2, memory="1G", tls=True, dtb=dtb, forwards=[(port, NBD_PORT)]) as m:
        m.nbd_port = port
        yield m.wait_ready()


@pytest.fixture(scope="module")
def authority(machine, tmp_path_factory):
    """A directory with the host's certificate as the one that clients trust."""
    with machine.socket() as s:
        pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(binary_form=True))
    directory = tmp_path_factory.mktemp("pki")
    (directory / "ca-cert.pem").write_text(pem)
    return directory


@pytest.fixture
def nbd(clean):
    """Ends the exports that a test made."""
    yield clean
    for volume in clean.json("/volumes")["items"]:
        clean.delete(f"/volumes/{volume['name']}/nbd")


def export(m, name, **wanted):
    reply = m.put(f"/volumes/{name}/nbd", wanted)
    assert reply.status == 200, reply
    return json.loads(reply.body)


def fill(m, name, size=SIZE):
    """A volume of random bytes, and a hole in it."""
    make(m, name, size_bytes=size)
    data = os.urandom(size // 2) + bytes(size // 4) + os.urandom(size // 4)
    assert m.put(f"/volumes/{name}/data", data, headers=OCTETS).status == 204
    return data


def run(*command, ok=True):
    done = subprocess.run(command, capture_output=True, timeout=240)
    assert (done.returncode == 0) == ok, (command, done.stdout[-2000:], done.stderr[-2000:])
    return (done.stdout + done.stderr).decode(errors="replace")


class Qemu:
    """qemu-img's and qemu-io's way to name an export."""

    def __init__(self, m, authority, exported):
        self.objects, tls = [], ""
        if exported["tls"]:
            self.objects = ["--object", f"tls-creds-x509,id=tls0,endpoint=client,dir={authority},sanity-check=off"]
            tls = ",file.tls-creds=tls0"
        self.target = (f"driver=raw,file.driver=nbd,file.host=localhost,file.port={m.nbd_port},"
                       f"file.export={exported['export']}{tls}")

    def img(self, verb, *args, ok=True):
        return run("qemu-img", verb, *self.objects, *args, ok=ok)

    def io(self, *commands, ok=True):
        options = [word for command in commands for word in ("-c", command)]
        return run("qemu-io", *self.objects, "--image-opts", self.target, *options, ok=ok)


def libnbd_uri(m, authority, exported):
    scheme, more = ("nbds", f"?tls-certificates={authority}") if exported["tls"] else ("nbd", "")
    return f"{scheme}://localhost:{m.nbd_port}/{exported['export']}{more}"


@pytest.mark.parametrize("tls", [True, False])
def test_copies(nbd, authority, tmp_path, tls):
    """Out by both tools, and in again: the same bytes."""
    m = nbd
    data = fill(m, "v")
    exported = export(m, "v", tls=tls)
    assert exported["uri"] == f"{'nbds' if tls else 'nbd'}://10.0.2.15:{NBD_PORT}/{exported['export']}"
    assert exported["export"].startswith("v.") and exported["read_only"] is False
    qemu, uri = Qemu(m, authority, exported), libnbd_uri(m, authority, exported)
    info = json.loads(run("nbdinfo", "--json", uri))["exports"][0]
    assert (info["export-size"], info["is_read_only"], info["block_size_minimum"]) == (SIZE, False, 512)
    assert info["can_multi_conn"] and info["can_fua"] and info["can_trim"] and info["can_zero"]
    qemu.img("convert", "--image-opts", qemu.target, "-O", "raw", str(tmp_path / "qemu.raw"))
    assert (tmp_path / "qemu.raw").read_bytes() == data
    run("nbdcopy", uri, str(tmp_path / "nbdcopy.raw"))
    assert (tmp_path / "nbdcopy.raw").read_bytes() == data
    changed = os.urandom(SIZE)
    (tmp_path / "new.raw").write_bytes(changed)
    run("nbdcopy", "--flush", str(tmp_path / "new.raw"), uri)
    assert "identical" in qemu.img("compare", "--image-opts", qemu.target, f"driver=raw,file.filename={tmp_path}/new.raw")
    assert m.delete("/volumes/v/nbd").status == 204
    assert m.get("/volumes/v/data").body == changed
    qemu = Qemu(m, authority, export(m, "v", tls=tls))
    (tmp_path / "old.raw").write_bytes(data)
    qemu.img("convert", "-n", "-f", "raw", str(tmp_path / "old.raw"), "--target-image-opts", qemu.target)
    assert m.delete("/volumes/v/nbd").status == 204
    assert m.get("/volumes/v/data").body == data


def test_snapshot_is_only_read(nbd, authority, tmp_path):
    """An image's volume that cannot be written: two may read it, nobody may write it."""
    m = nbd
    data = os.urandom(300 * 1024)
    m.upload("disk.img", data, "raw")
    make(m, "frozen", read_only=True, **{"from": {"image": "disk.img"}})
    exported = export(m, "frozen")
    assert exported["read_only"] is True
    qemu, uri = Qemu(m, authority, exported), libnbd_uri(m, authority, exported)
    assert json.loads(run("nbdinfo", "--json", uri))["exports"][0]["is_read_only"]
    run("nbdcopy", uri, str(tmp_path / "copy.raw"))
    assert (tmp_path / "copy.raw").read_bytes() == data
    assert m.get("/volumes/frozen/data").body == data  # others may read it, too
    qemu.io("write 0 4096", ok=False)
    with Raw(m, exported["export"], authority) as raw:
        assert raw.command(WRITE, 0, 512, data=bytes(512)) == EPERM
        assert raw.command(TRIM, 0, 512) == EPERM
        assert raw.read(0, 1024) == data[:1024]


def test_what_the_api_refuses(nbd, problem):
    m = nbd
    make(m, "v", size_bytes=MIB)
    make(m, "w", size_bytes=MIB)
    problem(m.put("/volumes/none/nbd", {}), 404, "no_such")
    problem(m.delete("/volumes/v/nbd"), 404, "no_such")
    for body, status, slug in (({"port": 0}, 400, "bad_value"), ({"port": 65536}, 400, "bad_value"), ([], 400, "bad_value"),
                               ({"colour": 1}, 400, "unknown_field"), ({"read_only": 1}, 400, "bad_value"),
                               ({"port": 443}, 409, "in_use"), ({"port": 80}, 409, "in_use")):
        problem(m.put("/volumes/v/nbd", body), status, slug)
    export(m, "v")
    problem(m.put("/volumes/v/nbd", {}), 409, "exists")  # its uri was shown
    problem(m.put("/volumes/w/nbd", {"port": NBD_PORT + 1}), 409, "in_use")
    problem(m.delete("/volumes/v"), 409, "in_use")
    problem(m.get("/volumes/v/data"), 409, "in_use")  # it may be written
    export(m, "w", read_only=True)
    assert m.json("/volumes/w")["nbd"] == {"port": NBD_PORT, "read_only": True, "tls": True, "clients": 0}
    assert m.get("/volumes/w/data").status == 200
    problem(m.put("/volumes/w/data", b"x", headers=OCTETS), 409, "in_use")
    problem(m.put("/networks/lab", {"kind": "nat", "forwards": [{"proto": "tcp", "host_port": NBD_PORT, "vm": "x", "port": 1}]}),
            422, "semantic")
    assert m.delete("/volumes/v/nbd").status == 204
    assert m.delete("/volumes/v").status == 204
    assert m.delete("/volumes/w/nbd").status == 204
    assert export(m, "w", port=NBD_PORT + 1)["port"] == NBD_PORT + 1


def test_names_are_secrets(nbd, authority):
    """Without the name, or without TLS, nobody gets in; the name says nothing of another export's."""
    m = nbd
    fill(m, "v")
    exported = export(m, "v")
    wrong = exported["export"][:-1] + ("0" if exported["export"][-1] != "0" else "1")
    for name in (wrong, "v", ""):
        qemu = Qemu(m, authority, {**exported, "export": name})
        qemu.img("info", "--image-opts", qemu.target, ok=False)
    run("nbdinfo", "--list", libnbd_uri(m, authority, {**exported, "export": ""}), ok=False)
    plain = libnbd_uri(m, authority, {**exported, "tls": False})
    run("nbdinfo", plain, ok=False)
    with Raw(m) as raw:  # before TLS it is as if there were nothing at all
        assert raw.option(GO, go_data(exported["export"])) == TLS_REQD
        assert raw.option(GO, go_data("none")) == TLS_REQD
        assert raw.option(LIST) == TLS_REQD
    assert m.delete("/volumes/v/nbd").status == 204
    with pytest.raises((ConnectionError, socket.timeout)):
        Raw(m)
    other = export(m, "v")
    assert other["export"] != exported["export"]
    run("nbdinfo", libnbd_uri(m, authority, exported), ok=False)
    run("nbdinfo", libnbd_uri(m, authority, other))


def test_ends_with_its_token(nbd, authority):
    """Who made it is gone: so are the export and its clients."""
    m = nbd
    fill(m, "v")
    token = json.loads(m.post("/tokens", {"user": "backup", "role": "admin"}).body)
    reply = m.put("/volumes/v/nbd", {}, token=token["token"])
    assert reply.status == 200, reply
    with Raw(m, json.loads(reply.body)["export"], authority) as raw:
        assert len(raw.read(0, 4096)) == 4096
        assert m.delete(f"/tokens/{token['id']}").status == 204
        with pytest.raises((ConnectionError, ssl.SSLError)):
            raw.read(0, 4096)
    assert m.get("/volumes/v/data").status == 200  # nobody has it open any more


def test_clients_that_go_away_in_the_middle(nbd, authority):
    """In the greeting, the handshake, a command and its data; then others are served as before."""
    m = nbd
    data = fill(m, "v")
    exported = export(m, "v", tls=False)
    name = exported["export"]
    for _ in range(3):
        Raw(m).close()
        with Raw(m) as raw:
            raw.socket.sendall(b"IHAVEOPT\0\0\0\7")
        with Raw(m, name) as raw:
            raw.send_command(READ, 0, SIZE)
        with Raw(m, name) as raw:
            raw.send_command(WRITE, 0, MIB)
            raw.socket.sendall(data[:1000])
    with Raw(m, name) as raw:
        raw.socket.sendall(b"\xff" * 28)  # no command
        with pytest.raises(ConnectionError):
            raw.receive(1)
    with Raw(m, name) as raw:
        raw.send_command(WRITE, 0, 64 * MIB)
        with pytest.raises(ConnectionError):
            raw.receive(1)
    with Raw(m, name) as raw:
        assert raw.command(READ, SIZE, 512) == EINVAL
        assert raw.command(READ, 1, 512) == EINVAL
        assert raw.command(WRITE, SIZE - 512, 1024, data=bytes(1024)) == ENOSPC
        assert raw.command(99, 0, 512) == EINVAL
        assert raw.read(0, SIZE) == data
    process = subprocess.Popen(["nbdcopy", libnbd_uri(m, authority, exported), "null:"])
    process.kill()
    process.wait()
    with Raw(m, name) as raw:
        assert raw.read(0, 4096) == data[:4096]
    assert "panic" not in m.serial().lower()


def test_many_clients(nbd):
    """Each is served; those who only sit there make room for who knows the name; a deaf one holds nobody up."""
    m = nbd
    data = fill(m, "v")
    name = export(m, "v", tls=False)["export"]
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(Raw(m, name))
        deaf.send_command(READ, 0, SIZE)
        for _ in range(15):
            assert stack.enter_context(Raw(m, name)).read(4096, 4096) == data[4096:8192]
        with pytest.raises((ConnectionError, socket.timeout)):
            Raw(m, name)  # all are taken, by clients with a right
        assert m.json("/volumes/v")["nbd"]["clients"] == 16
        assert deaf.take_read(SIZE) == data
        assert m.get("/health").status == 200
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(Raw(m)) for _ in range(4)]
        assert strangers
        with Raw(m, name) as raw:
            assert raw.read(0, 512) == data[:512]
    with Raw(m, name) as raw:
        assert raw.command(TRIM, 0, SIZE) == 0
        assert raw.command(FLUSH, 0, 0) == 0
        assert raw.read(0, SIZE) == bytes(SIZE)
    assert m.delete("/volumes/v/nbd").status == 204
    assert m.json("/volumes/v")["used_bytes"] == 0


def test_pool(disk, tmp_path):
    """A volume on a disk: what is written is there after a power failure once it was flushed; a snapshot of it by another client."""
    port = free_port()
    data, changed = os.urandom(SIZE), os.urandom(SIZE)
    (tmp_path / "old.raw").write_bytes(data)
    (tmp_path / "new.raw").write_bytes(changed)
    with Host(disk, forwards=[(port, NBD_PORT)]) as m:
        m.nbd_port = port
        m.wait_ready()
        m.make_pool()
        make(m, "v", size_bytes=SIZE, pool="tank")
        exported = export(m, "v", tls=False)
        uri = libnbd_uri(m, None, exported)
        run("nbdcopy", "--flush", str(tmp_path / "old.raw"), uri)
        assert m.delete("/volumes/v/nbd").status == 204
        make(m, "s", read_only=True, **{"from": {"volume": "v"}})
        uri = libnbd_uri(m, None, export(m, "v", tls=False))
        snapshot = libnbd_uri(m, None, export(m, "s", tls=False))
        writer = subprocess.Popen(["nbdcopy", "--flush", str(tmp_path / "new.raw"), uri])
        run("nbdcopy", snapshot, str(tmp_path / "snapshot.raw"))
        assert writer.wait(timeout=240) == 0
        assert (tmp_path / "snapshot.raw").read_bytes() == data
        for _ in range(3):
            before = m.serial().count("v: 10.0.2.2 uses it")
            process = subprocess.Popen(["nbdcopy", str(tmp_path / "new.raw"), uri])
            m.wait_serial(r"(?s)(?:v: 10\.0\.2\.2 uses it.*?){%d}" % (before + 1))
            process.kill()
            process.wait()
        qemu = Qemu(m, None, {"tls": False, "export": uri.rsplit("/", 1)[1]})
        assert "identical" in qemu.img("compare", "--image-opts", qemu.target, f"driver=raw,file.filename={tmp_path}/new.raw")
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        assert m.get("/volumes/v/data").body == changed
        assert m.get("/volumes/s/data").body == data
        assert m.delete("/volumes/v/nbd").status == 404  # exports end with the host


def test_incremental_backup(disk, problem, tmp_path):
    """What changed between two snapshots, fetched by NBD and put on top of the first backup, is the second one."""
    port = free_port()
    extent = 64 << 10
    with Host(disk, forwards=[(port, NBD_PORT)]) as m:
        m.nbd_port = port
        m.wait_ready()
        m.make_pool()
        backup = bytearray(fill(m, "v"))
        size = 64 * MIB
        assert m.patch("/volumes/v", {"size_bytes": size}).status == 200
        backup += bytes(size - len(backup))
        changes = m.json("/volumes/v/changes")
        assert (changes["size_bytes"], changes["since"]) == (size, None)
        make(m, "s1", read_only=True, **{"from": {"volume": "v"}})
        assert m.json("/volumes/v/changes?since=s1")["extents"] == []
        exported = export(m, "v", tls=False)
        with Raw(m, exported["export"]) as raw:
            for at in (0, 5 * MIB, 5 * MIB + extent, 40 * MIB + 512, size - 512):
                assert raw.command(WRITE, at, 512, data=os.urandom(512)) == 0
            assert raw.command(TRIM, MIB, 2 * extent) == 0
            assert raw.command(FLUSH, 0, 0) == 0
            expected = raw.read(0, 16 * MIB) + raw.read(16 * MIB, 32 * MIB) + raw.read(48 * MIB, 16 * MIB)
        make(m, "s2", read_only=True, **{"from": {"volume": "v"}})
        extents = m.json("/volumes/s2/changes?since=s1")["extents"]
        assert sum(length for _, length in extents) == 7 * extent
        assert all(offset % extent == 0 and length % extent == 0 for offset, length in extents)
        snapshot = export(m, "s2", tls=False)
        with Raw(m, snapshot["export"]) as raw:
            for offset, length in extents:
                backup[offset:offset + length] = raw.read(offset, length)
        assert bytes(backup) == expected
        problem(m.get("/volumes/v/changes?since=none"), 410, "gone")
        problem(m.get("/volumes/s2/changes?since=v"), 422, "semantic")
        problem(m.get("/volumes/none/changes"), 404, "no_such")
        make(m, "ram", size_bytes=MIB, pool="ram")
        problem(m.get("/volumes/ram/changes"), 422, "semantic")
