# SPDX-License-Identifier: BSD-2-Clause
"""Clients known by their certificates: pinned by SHA-256 or signed by the client CA, with TLS 1.2 and 1.3."""

import hashlib
import json
import ssl
import subprocess

import pytest

from backend import body_json
from test_host_tls import P384, Authority, make_key, openssl
from test_pools import Host, disk  # noqa: F401

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}
VERSIONS = ["1.2", "1.3"]


class Client:
    """A certificate and its key, as curl takes them."""

    def __init__(self, machine, directory, name, authority, extensions="", subject=None, days="30", kind=None):
        self.machine, self.path = machine, directory / f"{name}.pem"
        key = make_key(kind) if kind else make_key()
        subject = subject or f"/O=Test/CN={name}"
        extensions = extensions or "keyUsage=digitalSignature"
        if authority:
            pem = authority.sign(key, subject, extensions, days=days)
        else:
            pem = Authority(directory, f"self-{name}").sign(key, subject, extensions, days=days, itself=True)
        self.path.write_text(pem + key)
        self.sha256 = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def ask(self, path, version="1.3", *more):
        """(status, body)"""
        done = subprocess.run(["curl", "-sk", "--max-time", "60", "--cert", self.path, f"--tlsv{version}", "--tls-max", version,
                               "-w", "\n%{http_code}", f"https://127.0.0.1:{self.machine.port}/api/v1{path}", *more],
                              capture_output=True, text=True)
        body, status = done.stdout.rsplit("\n", 1)
        assert done.returncode == 0, (done.returncode, done.stderr, body)
        return int(status), body


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "clients")


@pytest.fixture(autouse=True)
def nobody_at_the_end(machine):
    yield
    for user in machine.json("/users")["items"]:
        assert machine.delete(f"/users/{user['name']}").status == 204
    assert machine.put("/host/tls", {"client_ca": None}).status == 200
    assert "panic" not in machine.serial().lower()


def asks_for_one(machine):
    """Whether handshakes ask the client for a certificate."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{machine.port}", "-tls1_2"], input=b"", capture_output=True)
    return b"Client Certificate Types" in done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pinned_certificate(machine, tmp_path, version):
    """Self-signed will do: its owner has proven that the key is his."""
    olga, eve = (Client(machine, tmp_path, name, None) for name in ("olga", "eve"))
    assert not asks_for_one(machine)
    assert machine.put("/users/olga", {"role": "operator", "certs": [olga.sha256.upper()]}).status == 201
    assert asks_for_one(machine)
    assert olga.ask("/host", version)[0] == 200
    assert olga.ask("/audit", version)[0] == 403
    status, body = olga.ask("/vms/hers", version, "-X", "PUT", "-d", '{"boot": {"kernel": "k"}}')
    assert status == 201, body
    assert olga.ask("/vms/hers", version, "-X", "DELETE")[0] == 204
    made = [e for e in map(json.loads, machine.get("/audit").body.splitlines()) if e["path"].endswith("/vms/hers")][-1]
    assert made["user"] == "olga" and made["via"] == "certificate" and "token" not in made

    status, body = eve.ask("/host", version)
    assert status == 401 and "certificate" in json.loads(body)["detail"]
    assert machine.get("/host").status == 200  # who has none still comes in by a token
    assert machine.put("/users/olga", {"certs": [eve.sha256]}).status == 200
    assert olga.ask("/host", version)[0] == 401 and eve.ask("/host", version)[0] == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_names_count_when_the_ca_has_signed_them(machine, ca, tmp_path, version):
    san = "keyUsage=digitalSignature\nsubjectAltName=DNS:laptop.example,email:olga@example.org"
    olga = Client(machine, tmp_path, "olga", ca, san)
    forged = Client(machine, tmp_path, "forged", None, san)
    common = Client(machine, tmp_path, "bea", ca)
    assert machine.put("/users/olga", {"role": "viewer", "certs": ["olga@example.org"]}).status == 201
    assert machine.put("/users/bea", {"role": "operator", "certs": ["bea"]}).status == 201
    assert olga.ask("/host", version)[0] == 401  # there is no CA yet
    shown = body_json(machine.put("/host/tls", {"client_ca": ca.pem}))
    assert len(shown["client_ca"]) == 1 and "CN=clients" in shown["client_ca"][0] and shown["source"] == "self_made"
    assert olga.ask("/host", version)[0] == 200
    assert common.ask("/host", version)[0] == 200
    assert forged.ask("/host", version)[0] == 401
    san_only = Client(machine, tmp_path, "san", ca, "subjectAltName=DNS:other.example", subject="/CN=bea")
    assert san_only.ask("/host", version)[0] == 401  # with names of its own the common one does not count
    as_server = Client(machine, tmp_path, "server", ca, "extendedKeyUsage=serverAuth", subject="/CN=bea")
    assert as_server.ask("/host", version)[0] == 401
    strange = Client(machine, tmp_path, "strange", ca, "subjectAltName=DNS:" + "ab" * 32)
    assert machine.put("/users/pinned", {"role": "admin", "certs": ["ab" * 32]}).status == 201
    assert strange.ask("/host", version)[0] == 401  # a name that looks like a SHA-256 is none

    # What the old CA let in ends with it.
    follower = subprocess.Popen(["curl", "-skN", "--cert", olga.path, f"https://127.0.0.1:{machine.port}/api/v1/host/log?follow=true"],
                                stdout=subprocess.PIPE)
    assert follower.stdout.readline()
    assert body_json(machine.put("/host/tls", {"client_ca": None}))["client_ca"] == []
    follower.stdout.read()
    follower.wait(30)
    assert olga.ask("/host", version)[0] == 401


def test_expiry_counts_when_the_time_is_known(machine, ca, tmp_path):
    assert machine.put("/host/tls", {"client_ca": ca.pem}).status == 200
    past = Client(machine, tmp_path, "past", ca, days="-1")
    assert machine.put("/users/past", {"role": "viewer", "certs": ["past"]}).status == 201
    assert past.ask("/host")[0] == 401
    assert machine.put("/users/past", {"certs": [past.sha256]}).status == 200
    assert past.ask("/host")[0] == 401


def test_other_sites_cannot_use_a_browsers_certificate(machine, tmp_path):
    """A browser shows its certificate by itself: what changes something must not come from another site's page."""
    olga = Client(machine, tmp_path, "olga", None)
    assert machine.put("/users/olga", {"role": "operator", "certs": [olga.sha256]}).status == 201
    change = ["-X", "PUT", "-d", '{"boot": {"kernel": "k"}}']
    for header in ("Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
        status, body = olga.ask("/vms/hers", "1.3", *change, "-H", header)
        assert status == 403 and json.loads(body)["type"] == "urn:socle:error:origin", header
    assert machine.get("/vms/hers").status == 404
    same = ["-H", f"Origin: https://127.0.0.1:{machine.port}", "-H", "Sec-Fetch-Site: same-origin"]
    assert olga.ask("/vms/hers", "1.3", *change, *same)[0] == 201
    assert olga.ask("/vms/hers", "1.3", "-X", "DELETE")[0] == 204


def test_what_is_no_client_ca(machine, problem, ca, tmp_path):
    key = make_key()
    leaf = ca.sign(key, "/CN=leaf", "basicConstraints=CA:FALSE")
    for pem in ("no PEM", ca.key, leaf, ca.pem + leaf, ca.pem * 9):
        assert problem(machine.put("/host/tls", {"client_ca": pem}), 422, "semantic")["pointer"] == "/client_ca"
    for bad in ({}, {"client_ca": ""}, {"client_ca": 7}):
        problem(machine.put("/host/tls", bad), 400, "bad_value")
    assert machine.put("/host/tls", {"client_ca": ca.pem}).status == 200
    problem(machine.put("/host/tls", {"client_ca": None, "certificate": "x", "key": "y"}), 422, "semantic")
    assert len(machine.json("/host/tls")["client_ca"]) == 1  # nothing has changed


def test_hostile_certificates_cost_the_client_only(machine, ca, tmp_path):
    """Names without end, keys of kinds the host does not know, and chains without end: the handshake may fail, the host goes on."""
    assert machine.put("/host/tls", {"client_ca": ca.pem}).status == 200
    names = "subjectAltName=" + ",".join(f"DNS:n{i}.example" for i in range(2000))
    big = Client(machine, tmp_path, "big", ca, names)
    odd = Client(machine, tmp_path, "odd", ca, kind=P384)
    old = tmp_path / "ed.pem"
    old.write_text(openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ed", "-keyout", str(tmp_path / "ed.key"))
                   + (tmp_path / "ed.key").read_text())
    for path in (big.path, odd.path, old):
        for version in VERSIONS:
            done = subprocess.run(["curl", "-sk", "--max-time", "30", "--cert", path, f"--tlsv{version}", "--tls-max", version,
                                   f"https://127.0.0.1:{machine.port}/api/v1/host"], capture_output=True, text=True)
            assert done.returncode != 0 or "urn:socle:error:no_token" in done.stdout, (path, version, done)
            assert machine.get("/host").status == 200


def test_the_ca_outlives_power_cuts(disk, ca, tmp_path):  # noqa: F811
    """The CA and its users are in the datastore when they are answered for, and gone from it when they are taken away."""
    with Host(disk) as m:
        m.wait_ready()
        m.make_pool()
        assert m.put("/users/bea", {"role": "operator", "certs": ["bea"]}).status == 201
        shown = body_json(m.put("/host/tls", {"client_ca": ca.pem}))["client_ca"]
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        bea, forged = Client(m, tmp_path, "bea", ca), Client(m, tmp_path, "forged", None, subject="/CN=bea")
        assert m.json("/host/tls")["client_ca"] == shown and "CN=clients" in shown[0]
        assert asks_for_one(m)
        for version in VERSIONS:
            assert bea.ask("/host", version)[0] == 200
            assert forged.ask("/host", version)[0] == 401
        assert body_json(m.put("/host/tls", {"client_ca": None}))["client_ca"] == []
        assert bea.ask("/host")[0] == 401
        assert m.delete("/users/bea").status == 204
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        assert m.json("/host/tls")["client_ca"] == [] and not asks_for_one(m)
