# SPDX-License-Identifier: BSD-2-Clause
"""Volumes on NBD servers: real ones, with and without TLS, that are killed and come back, or do not."""

import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from backend import free_port
from machine import BUILD, Machine
from test_linux import shell
from test_pools import Host, disk  # noqa: F401 (a fixture)
from test_volumes import MIB, boot, make, off

pytestmark = pytest.mark.qemu("servers that are reached through QEMU's user network")

HOST = "10.0.2.2"  # this machine, for the host
SIZE = 64 * MIB


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, (command, done.stderr[-2000:])
    return done.stdout.decode()


class Server:
    """A program that serves NBD at one port, and can be killed and started again."""

    def __init__(self, *command):
        self.port, self.process = free_port(), None
        self.command = [word.replace("{port}", str(self.port)) for word in command]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            assert self.process.poll() is None, f"{self.command} has ended"
            with contextlib.suppress(ConnectionError):
                socket.create_connection(("127.0.0.1", self.port), timeout=10).close()
                return self
            time.sleep(0.05)
        raise AssertionError(f"{self.command} does not listen")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


def qemu_nbd(path, *options, name="disk"):
    return Server("qemu-nbd", "-t", "-e", "8", "-f", "raw", "-x", name, "-p", "{port}", *options, str(path))


def nbdkit(*options):
    return Server("nbdkit", "-f", "-i", "127.0.0.1", "-p", "{port}", *options)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "export.raw"
    with open(path, "wb") as f:
        f.truncate(SIZE)
    return path


@pytest.fixture(scope="module")
def machine():
    with Machine(smp=2, memory="1G") as m:
        yield m.wait_ready()


@pytest.fixture
def host(clean):
    """Forgets what a test put there."""
    m = clean
    yield m
    if any(vm["name"] == "debian" for vm in m.json("/vms")["items"]):
        m.post("/vms/debian/poweroff")
        m.wait_state("debian", "stopped", timeout=30)
        m.delete("/vms/debian")
    for volume in m.json("/volumes")["items"]:
        assert m.delete(f"/volumes/{volume['name']}").status == 204
    for pool in m.json("/pools")["items"]:
        assert m.delete(f"/pools/{pool['name']}").status == 204


def put_pool(m, server, name="store", **tls):
    reply = m.put(f"/pools/{name}", {"nbd": {"host": HOST, "port": server.port, **tls}})
    assert reply.status == 200, reply
    return m.json(f"/pools/{name}")


def wait_volume(m, name="v", state="online", reason=None):
    for _ in range(600):
        volume = m.json(f"/volumes/{name}")
        if volume["state"] == state and (reason is None or reason in volume.get("reason", "")):
            return volume
        time.sleep(0.1)
    raise AssertionError(f"volume {name} is {volume}")


def attach(m, server, export="disk", read_only=False, **tls):
    put_pool(m, server, **tls)
    make(m, "v", pool="store", export=export, read_only=read_only)
    return wait_volume(m)


FILE_SYSTEM = "mke2fs -F /dev/vda >/dev/null && mkdir -p /d && mount -t ext4 /dev/vda /d && echo mounted-$((6*7))"
FRESH = "echo 3 >/proc/sys/vm/drop_caches"


def digest(m):
    """Of a new file of the guest, when it is safe and read again."""
    shell(m, "dd if=/dev/urandom of=/d/f bs=64k count=200 2>/dev/null && sync && echo written-$((6*7))", r"written-42", timeout=240)
    return shell(m, f"{FRESH}; sha256sum /d/f", r"([0-9a-f]{64})  /d/f", timeout=240).group(1)


def in_image(image):
    """The digest of the same file in the server's."""
    return hashlib.sha256(subprocess.run(["debugfs", "-R", "cat /f", str(image)], capture_output=True, timeout=60).stdout).hexdigest()


@pytest.mark.parametrize("kind", ["qemu", "nbdkit"])
def test_linux(host, image, kind):
    """A file system that a guest makes, and writes a file on, is in the server's file afterwards."""
    m = host
    with qemu_nbd(image, "--discard=unmap") if kind == "qemu" else nbdkit("-e", "disk", "file", str(image)) as server:
        volume = attach(m, server)
        assert (volume["size_bytes"], volume["export"], volume["read_only"]) == (SIZE, "disk", False)
        assert m.put("/volumes/v", volume).status == 200
        boot(m, [{"id": "root", "volume": "v"}])
        shell(m, FILE_SYSTEM, r"mounted-42")
        expected = digest(m)
        shell(m, "umount /d && dd if=/dev/urandom of=/dev/vda bs=1M seek=60 count=1 && sync && "
                 "blkdiscard -o 62914560 -l 524288 /dev/vda && sync && echo over-$((6*7))", r"over-42", timeout=120)
        off(m)
    assert in_image(image) == expected
    with open(image, "rb") as f:
        f.seek(60 * MIB)
        assert f.read(MIB // 2) == bytes(MIB // 2)
        assert f.read(MIB // 2) != bytes(MIB // 2)
    assert "panic" not in m.serial().lower()


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A CA, and a server's certificate for this machine's address; another CA that has signed nothing."""
    at = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(at / f"{name}-key.pem"), "-out", str(at / f"{name}-cert.pem"), "-days", "3650")
    for name, address in (("server", HOST), ("wrong", "192.0.2.1")):
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=store", "-keyout", str(at / f"{name}-key.pem"),
            "-out", str(at / f"{name}.csr"))
        (at / f"{name}.ext").write_text(f"subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", str(at / f"{name}.csr"), "-CA", str(at / "ca-cert.pem"), "-CAkey", str(at / "ca-key.pem"),
            "-CAcreateserial", "-days", "3650", "-extfile", str(at / f"{name}.ext"), "-out", str(at / f"{name}-cert.pem"))
    return at


def with_tls(pki, image, name="server"):
    """nbdkit wants to be named its files as it calls them."""
    at = pki / f"as-{name}"
    at.mkdir(exist_ok=True)
    for to, source in (("ca-cert.pem", "ca-cert.pem"), ("server-cert.pem", f"{name}-cert.pem"), ("server-key.pem", f"{name}-key.pem")):
        (at / to).write_bytes((pki / source).read_bytes())
    return nbdkit("--tls=require", f"--tls-certificates={at}", "-e", "disk", "file", str(image))


def fingerprint(pki, name):
    der = subprocess.run(["openssl", "x509", "-in", str(pki / f"{name}-cert.pem"), "-outform", "DER"], capture_output=True, check=True)
    return hashlib.sha256(der.stdout).hexdigest()


def test_tls(host, image, pki):
    """By a CA and by a pin; and nothing at all for a server that is another one."""
    m = host
    ca = (pki / "ca-cert.pem").read_text()
    with with_tls(pki, image) as server:
        pin = fingerprint(pki, "server")
        for given, tls in (({"ca": ca}, {"ca": ca}), ({"certificate_sha256": pin.upper()}, {"certificate_sha256": pin})):
            volume = attach(m, server, tls=given)
            assert volume["size_bytes"] == SIZE
            assert m.json("/pools/store")["nbd"] == {"host": HOST, "port": server.port, "tls": tls}
            assert m.delete("/volumes/v").status == 204
            assert m.delete("/pools/store").status == 204
        for tls, why in (({"ca": (pki / "other-cert.pem").read_text()}, "signed by none"),
                         ({"certificate_sha256": "0" * 64}, "another one than the pinned"), (None, "wants TLS")):
            put_pool(m, server, tls=tls)
            make(m, "v", pool="store", export="disk")
            wait_volume(m, state="connecting", reason=why)
            assert m.json("/volumes/v")["size_bytes"] == 0
            assert m.delete("/volumes/v").status == 204
            assert m.delete("/pools/store").status == 204
    with with_tls(pki, image, "wrong") as server:
        put_pool(m, server, tls={"ca": ca})
        make(m, "v", pool="store", export="disk")
        wait_volume(m, state="connecting", reason="for another host")
        assert m.delete("/volumes/v").status == 204
        assert m.delete("/pools/store").status == 204
    with qemu_nbd(image) as server:
        put_pool(m, server, tls={"ca": ca})
        make(m, "v", pool="store", export="disk")
        wait_volume(m, state="connecting", reason="does not offer TLS")


def test_tls_carries_data(host, image, pki):
    m = host
    with with_tls(pki, image) as server:
        attach(m, server, tls={"ca": (pki / "ca-cert.pem").read_text()})
        boot(m, [{"id": "root", "volume": "v"}])
        shell(m, FILE_SYSTEM, r"mounted-42")
        expected = digest(m)
        shell(m, "umount /d && sync && echo over-$((6*7))", r"over-42")
        off(m)
    assert in_image(image) == expected


def test_killed_under_load(host, image):
    """The server is killed again and again while a guest writes; nothing that was flushed afterwards is lost."""
    m = host
    with qemu_nbd(image) as server:
        attach(m, server)
        boot(m, [{"id": "root", "volume": "v"}])
        m.type("debian", "for i in 1 2 3 4 5 6; do dd if=/dev/urandom of=/dev/vda bs=1M seek=$((i*4)) count=4 oflag=direct "
                         "2>/dev/null || echo bad-$((6*7)); done; echo through-$((6*7))\n")
        for _ in range(3):
            time.sleep(1)  # of load; there is nothing to wait for
            server.kill()
            wait_volume(m, state="connecting")
            server.start()
            wait_volume(m)
        m.wait_console("debian", r"through-42", timeout=240)
        assert "bad-42" not in m.console("debian")
        shell(m, "sync; sync; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=1M skip=4 count=24 2>/dev/null | sha256sum", r"([0-9a-f]{64})  -")
        expected = re.findall(r"([0-9a-f]{64})  -", m.console("debian"))[-1]
        off(m)
    with open(image, "rb") as f:
        f.seek(4 * MIB)
        assert hashlib.sha256(f.read(24 * MIB)).hexdigest() == expected


def test_flush_does_not_lie(host, image):
    """What was written and not flushed when the server died may be lost: the next flush says so, once."""
    m = host
    with qemu_nbd(image) as server:
        attach(m, server)
        boot(m, [{"id": "root", "volume": "v"}])
        shell(m, "dd if=/dev/urandom of=/dev/vda bs=1M count=1 oflag=direct 2>/dev/null && echo written-$((6*7))", r"written-42")
        server.kill()
        wait_volume(m, state="connecting")
        server.start()
        wait_volume(m)
        shell(m, "dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync 2>/dev/null || echo refused-$((6*7))", r"refused-42")
        shell(m, "dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync 2>/dev/null && echo taken-$((6*7))", r"taken-42")
        off(m)


def test_server_never_comes_back(host, image, problem):
    """The guest sees errors, in bounded time, and the host goes on; the VM can be powered off in the middle."""
    m = host
    with qemu_nbd(image) as server:
        attach(m, server)
        boot(m, [{"id": "root", "volume": "v"}])
        server.kill()
        shell(m, "dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null || echo failed-$((6*7))", r"failed-42", timeout=120)
        assert m.get("/health").status == 200
        server.start()
        wait_volume(m)
        shell(m, "dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null && echo works-$((6*7))", r"works-42")
        os.kill(server.process.pid, signal.SIGSTOP)  # it takes commands and does not answer
        m.type("debian", "dd if=/dev/zero of=/dev/vda bs=1M count=16 oflag=direct\n")
        time.sleep(1)  # until some are under way: nobody tells
        begin = time.monotonic()
        assert m.post("/vms/debian/poweroff").status == 200
        assert m.wait_state("debian", "stopped", timeout=30) == "stopped"
        assert time.monotonic() - begin < 10
        assert m.delete("/vms/debian").status == 204
        assert m.delete("/volumes/v").status == 204
        os.kill(server.process.pid, signal.SIGCONT)
    assert "panic" not in m.serial().lower()


def test_another_size(host, image):
    m = host
    with qemu_nbd(image) as server:
        attach(m, server)
        server.kill()
        os.truncate(image, SIZE // 2)
        server.start()
        wait_volume(m, state="connecting", reason="another size")
        assert m.json("/pools/store")["state"] == "connecting"
        server.kill()
        os.truncate(image, SIZE)
        server.start()
        assert wait_volume(m)["size_bytes"] == SIZE


def test_refusals(host, image, problem):
    m = host
    for nbd, status, slug in (({"port": 1}, 400, "bad_value"), ({"host": "a b"}, 400, "bad_value"), ({"host": HOST, "port": 0}, 400, "bad_value"),
                              ({"host": HOST, "tls": {}}, 400, "bad_value"), ({"host": HOST, "tls": {"ca": "x"}}, 400, "bad_value"),
                              ({"host": HOST, "tls": {"certificate_sha256": "12"}}, 400, "bad_value"),
                              ({"host": HOST, "user": "x"}, 400, "unknown_field")):
        problem(m.put("/pools/store", {"nbd": nbd}), status, slug)
    problem(m.put("/pools/store", {"nbd": {"host": HOST}, "disk": "vd0"}), 422, "semantic")
    problem(m.put("/volumes/v", {"export": "disk"}), 422, "semantic")
    with qemu_nbd(image, "-r") as server:
        pool = put_pool(m, server)
        assert m.put("/pools/store", pool).status == 200
        problem(m.put("/pools/store", {"nbd": {"host": HOST, "port": 1}}), 409, "exists")
        problem(m.put("/volumes/v", {"pool": "store", "size_bytes": MIB}), 422, "semantic")
        problem(m.put("/volumes/v", {"pool": "store"}), 422, "semantic")
        make(m, "v", pool="store", export="none")
        wait_volume(m, state="connecting", reason="has no such export")
        m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz", "kernel")
        problem(m.put("/vms/x?start=true", {"cpu": {"count": 1}, "memory": {"size_bytes": 256 * MIB}, "boot": {"kernel": "debian-kernel"},
                                            "disks": [{"id": "root", "volume": "v"}]}), 409, "state")
        problem(m.delete("/pools/store"), 409, "in_use")
        assert m.delete("/volumes/v").status == 204
        make(m, "v", pool="store", export="disk")
        assert wait_volume(m)["read_only"] is True
        problem(m.get("/volumes/v/data"), 422, "semantic")
        problem(m.put("/volumes/v/nbd", {"read_only": True}), 422, "semantic")
        problem(m.patch("/volumes/v", {"size_bytes": 2 * SIZE}), 422, "semantic")
        problem(m.put("/volumes/w", {"from": {"volume": "v"}}), 422, "semantic")
        boot(m, [{"id": "root", "volume": "v", "read_only": True}])
        shell(m, "cat /sys/block/vda/ro; dd if=/dev/vda of=/dev/null bs=1M count=8 2>/dev/null && echo read-$((6*7))", r"read-42")
        off(m)


def test_reboot(disk, image):
    """Pools and volumes on servers are there again, and a VM that starts with the host finds its disk."""
    with qemu_nbd(image) as server:
        with Host(disk) as m:
            m.make_pool()
            attach(m, server)
            assert m.json("/volumes/v")["persistent"] is True
            boot(m, [{"id": "root", "volume": "v"}], autostart={"enabled": True})
            m.kill()
        with Host(disk) as m:
            m.wait_ready()
            m.wait_pool("tank")
            assert wait_volume(m)["size_bytes"] == SIZE
            assert m.json("/pools/store")["nbd"]["port"] == server.port
            m.wait_console("debian", r"SOCLE-GUEST-READY", timeout=240)
            shell(m, "dd if=/dev/vda of=/dev/null bs=1M count=8 2>/dev/null && echo read-$((6*7))", r"read-42")
            off(m)
            assert m.delete("/vms/debian").status == 204
            assert m.delete("/volumes/v").status == 204
            assert m.delete("/pools/store").status == 204
            m.kill()
        with Host(disk) as m:
            m.wait_ready()
            m.wait_pool("tank")
            assert m.get("/volumes/v").status == 404
