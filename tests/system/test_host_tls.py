# SPDX-License-Identifier: BSD-2-Clause
"""An own certificate: chains made with openssl, what is refused, who trusts the host then, and the way back."""

import hashlib
import json
import socket
import ssl
import subprocess

import pytest

from backend import body_json, compile_dtb
from machine import Machine
from test_pools import Host

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}
NAMES = "DNS:rack-7.example,IP:127.0.0.1,IP:fd00::7"
P256 = ("EC", "ec_paramgen_curve:P-256")
P384 = ("EC", "ec_paramgen_curve:P-384")


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout.decode()


def make_key(kind=P256):
    algorithm, option = kind
    return openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option)


class Authority:
    """A CA: signs servers' certificates, or itself another CA's."""

    def __init__(self, directory, name, kind=P256, parent=None, digest="sha256"):
        self.directory, self.name, self.digest = directory, name, digest
        self.key = make_key(kind)
        (directory / f"{name}.key").write_text(self.key)
        self.pem = (parent or self).sign(self.key, f"/O=Test/CN={name}", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign",
                                         itself=parent is None)
        (directory / f"{name}.pem").write_text(self.pem)

    def sign(self, key, subject, extensions, days="30", itself=False):
        (self.directory / "new.key").write_text(key)
        (self.directory / "new.ext").write_text(extensions)
        request = openssl("req", "-new", "-key", str(self.directory / "new.key"), "-subj", subject)
        by = ["-signkey", str(self.directory / "new.key")] if itself else \
             ["-CA", str(self.directory / f"{self.name}.pem"), "-CAkey", str(self.directory / f"{self.name}.key")]
        return openssl("x509", "-req", f"-{self.digest}", "-days", days, *by, "-set_serial", "7",
                       "-extfile", str(self.directory / "new.ext"), data=request.encode())

    def server(self, key, extensions=f"subjectAltName={NAMES}", **more):
        return self.sign(key, "/O=Test/CN=rack-7", extensions, **more)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "root")


@pytest.fixture(scope="module")
def middle(root):
    return Authority(root.directory, "middle", P384, root, "sha384")


@pytest.fixture(autouse=True)
def self_made_at_the_end(request):
    yield
    if "machine" in request.fixturenames:
        machine = request.getfixturevalue("machine")
        machine.delete("/host/tls")
        assert machine.json("/host/tls")["source"] == "self_made"
        assert "panic" not in machine.serial().lower()


def sha256_of(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN"):])).hexdigest()


def put(machine, certificate, key):
    return machine.put("/host/tls", {"certificate": certificate, "key": key})


def trusting(root, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cadata=root.pem)
    context.minimum_version = context.maximum_version = version
    return context


def verified(machine, context, name="rack-7.example"):
    """The SHA-256 of the certificate that a client sees that trusts the CA, and checks the name."""
    with socket.create_connection(("127.0.0.1", machine.port), 60 * machine.patience) as s:
        with context.wrap_socket(s, server_hostname=name) as t:
            return hashlib.sha256(t.getpeercert(binary_form=True)).hexdigest()


def test_own_chain(machine, root, middle):
    """Served with its chain to who trusts the root only; others' connections go on; then the self-made one is back."""
    before = machine.json("/host/tls")
    assert (before["source"], before["key"], set(before["names"])) == ("self_made", "EC P-256", {"socle", "10.0.2.15"})
    assert (before["valid_until"], before["certificates"]) == ("9999-12-31T23:59:59Z", 1)
    open_before = machine.connect()
    open_before.request("GET", "/api/v1/host")
    assert open_before.getresponse().read()
    with pytest.raises(ssl.SSLCertVerificationError):
        verified(machine, trusting(root))

    key = make_key()
    leaf = middle.server(key)
    reply = put(machine, leaf + middle.pem, key)
    assert reply.status == 200, reply
    now = body_json(reply)
    assert now["source"] == "own" and now["sha256"] == sha256_of(leaf) != before["sha256"]
    assert now["subject"] == "O=Test, CN=rack-7" and now["issuer"] == "O=Test, CN=middle"
    assert now["names"] == ["rack-7.example", "127.0.0.1", "fd00:0:0:0:0:0:0:7"]
    assert (now["key"], now["certificates"], now["survives_reboot"]) == ("EC P-256", 2, False)
    assert now["key_pin"] != before["key_pin"] and "warning" not in now
    assert machine.json("/host/tls") == now

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for name in ("rack-7.example", "127.0.0.1"):
            assert verified(machine, trusting(root, version), name) == now["sha256"]
    with pytest.raises(ssl.SSLCertVerificationError):
        verified(machine, trusting(root), "other.example")
    shown = subprocess.run(["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{machine.port}"],
                           input=b"", capture_output=True, timeout=60).stdout.decode()
    assert shown.count("BEGIN CERTIFICATE") == 2
    open_before.request("GET", "/api/v1/health")
    assert open_before.getresponse().status == 200
    open_before.close()
    machine.wait_serial(f"certificate SHA-256 {now['sha256']}")

    back = machine.delete("/host/tls")
    assert back.status == 200 and body_json(back)["sha256"] == before["sha256"]
    with pytest.raises(ssl.SSLCertVerificationError):
        verified(machine, trusting(root))


@pytest.mark.parametrize("kind,shown", [(P384, "EC P-384"), (("RSA", "rsa_keygen_bits:2048"), "RSA 2048"),
                                        (("RSA", "rsa_keygen_bits:4096"), "RSA 4096")], ids=["p384", "rsa2048", "rsa4096"])
def test_kinds_of_keys(machine, root, kind, shown):
    key = make_key(kind)
    assert body_json(put(machine, root.server(key), key))["key"] == shown
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        verified(machine, trusting(root, version))
    old = openssl("pkey", "-traditional", data=key.encode())
    assert ("RSA PRIVATE KEY" if "RSA" in shown else "EC PRIVATE KEY") in old
    assert put(machine, root.server(key), old).status == 200


def test_signed_by_rsa(machine, tmp_path):
    authority = Authority(tmp_path, "rsa", ("RSA", "rsa_keygen_bits:2048"), digest="sha512")
    key = make_key()
    assert put(machine, authority.server(key) + authority.pem, key).status == 200
    assert verified(machine, trusting(authority))


CHAIN_MAX = 4096 - 128  # bytes in DER


def with_names(root, key, count):
    return root.server(key, "subjectAltName=" + ",".join(f"DNS:n{i:03}.example" for i in range(count)))


def test_largest_chain(machine, root, problem):
    """It fits into the message it leaves in, with both versions; one name more is refused."""
    key, count = make_key(), 200
    room = CHAIN_MAX - len(ssl.PEM_cert_to_DER_cert(with_names(root, key, count)))
    count += room // 14  # of a name and its header
    largest = with_names(root, key, count)
    assert CHAIN_MAX - 14 < len(ssl.PEM_cert_to_DER_cert(largest)) <= CHAIN_MAX
    now = body_json(put(machine, largest, key))
    assert len(now["names"]) == count and now["sha256"] == sha256_of(largest)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert verified(machine, trusting(root, version), "n007.example") == now["sha256"]
    told = problem(put(machine, with_names(root, key, count + 1), key), 422, "semantic")
    assert f"{CHAIN_MAX} bytes" in told["detail"]


def test_expired_is_only_warned_about(machine, root, tmp_path):
    key = make_key()
    reply = put(machine, root.server(key, days="-1"), key)
    assert reply.status == 200 and "has expired" in body_json(reply)["warning"]
    machine.wait_serial("tls: The certificate has expired")


def encrypted(key, *options):
    return openssl("pkey", "-aes128", "-passout", "pass:x", *options, data=key.encode())


def test_refusals(machine, root, middle, problem):
    """Each says what is wrong, and where; what was in force stays, the key is in no answer and no log."""
    key = make_key()
    leaf = middle.server(key)
    assert put(machine, leaf + middle.pem, key).status == 200
    weak, other = make_key(("RSA", "rsa_keygen_bits:1024")), make_key()
    p521, edwards = make_key(("EC", "ec_paramgen_curve:P-521")), openssl("genpkey", "-algorithm", "ed25519")
    damaged = leaf[:200] + "!" + leaf[201:]
    client_only = root.server(key, "extendedKeyUsage=clientAuth")
    for certificate, private, pointer, says in [
        ("", key, "/certificate", "no certificate in PEM"),
        ("rack-7", key, "/certificate", "no certificate in PEM"),
        (damaged, key, "/certificate", "PEM of certificate 1 is damaged"),
        (leaf + damaged, key, "/certificate", "PEM of certificate 2 is damaged"),
        (key, key, "/certificate", "Block 1 is no certificate"),
        (leaf + "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n", key, "/certificate", "Certificate 2 cannot be read"),
        (leaf + root.pem, key, "/certificate", "Certificate 2 is not the issuer of the one before it"),
        (leaf + middle.pem + middle.pem, key, "/certificate", "Certificate 3 is not the issuer"),
        (leaf * 9, key, "/certificate", "longer than 8 certificates"),
        (client_only, key, "/certificate", "not for servers"),
        ("x" * 16384, key, "/certificate", "too long"),
        (leaf, "", "/key", "no private key in PEM"),
        (leaf, leaf, "/key", "no private key"),
        (leaf, other, "/key", "does not belong to the first certificate"),
        (middle.pem + leaf, key, "/key", "does not belong to the first certificate"),
        (leaf, key[:60] + "!" + key[61:], "/key", "PEM of the key is damaged"),
        (leaf, encrypted(key), "/key", "is encrypted"),
        (leaf, encrypted(key, "-traditional"), "/key", "is encrypted"),
        (root.server(weak), weak, "/key", "cannot use a key of this kind"),
        (leaf, p521, "/key", "cannot use a key of this kind"),
        (leaf, edwards, "/key", "cannot use a key of this kind"),
        (leaf, key + "x" * 8192, "/key", "too long"),
    ]:
        told = problem(put(machine, certificate, private), 422, "semantic")
        assert told["pointer"] == pointer and says in told["detail"], (says, told)
    problem(machine.put("/host/tls", {"certificate": leaf, "key": 7}), 400, "bad_value")
    problem(machine.put("/host/tls", {"certificate": leaf, "key": key, "ca": ""}), 400, "unknown_field")
    problem(machine.put("/host/tls", {"certificate": leaf, "key": key}, token=machine.make_token("operator")), 403, "role")
    assert verified(machine, trusting(root)) == machine.json("/host/tls")["sha256"] == sha256_of(leaf)
    secret = key.splitlines()[1]
    audit = machine.get("/audit").body.decode()
    assert secret not in machine.serial() and secret not in audit
    assert any(e["path"] == "/api/v1/host/tls" and e["status"] == 200 for e in map(json.loads, audit.splitlines()))
    assert machine.delete("/host/tls").status == 200
    problem(machine.delete("/host/tls"), 404, "no_such")


def test_memory_comes_back(machine, root):
    """Of good ones and of bad ones."""
    key = make_key(("RSA", "rsa_keygen_bits:4096"))
    leaf = root.server(key)
    free = machine.free_bytes()
    for _ in range(3):
        assert put(machine, leaf, key).status == 200
        assert put(machine, leaf, "").status == 422
        assert machine.delete("/host/tls").status == 200
    assert machine.free_bytes() == free


@pytest.mark.qemu("disks of the host; Bochs has none of these controllers")
def test_kept_in_a_pool(tmp_path, root, middle):
    """Over a reboot, and one made when there was no pool yet when there is; gone for good when deleted."""
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"")
    with open(disk, "wb") as f:
        f.truncate(256 << 20)
    key = make_key()
    leaf = middle.server(key)
    with Host(disk) as m:
        m.wait_ready()
        assert body_json(put(m, leaf + middle.pem, key))["survives_reboot"] is False
        m.make_pool()
        while not m.json("/host/tls")["survives_reboot"]:
            pass
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        assert verified(m, trusting(root)) == sha256_of(leaf)
        assert m.json("/host/tls")["survives_reboot"] is True
        second = root.server(key)
        assert body_json(put(m, second, key))["survives_reboot"] is True
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        assert verified(m, trusting(root)) == sha256_of(second)
        assert m.delete("/host/tls").status == 200
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        assert m.json("/host/tls")["source"] == "self_made"


def test_without_tls(tmp_path, problem):
    with Machine(smp=1, dtb=compile_dtb(tmp_path, 'api { tls = "off"; };'), tls=False) as m:
        m.wait_ready()
        key = make_key()
        for reply in (m.get("/host/tls"), put(m, "", key), m.delete("/host/tls")):
            assert problem(reply, 409, "state")["state"] == "off"
