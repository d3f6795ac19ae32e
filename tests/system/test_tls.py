# SPDX-License-Identifier: BSD-2-Clause
"""TLS: which versions and ciphers are spoken, what broken and slow handshakes do, and hosts without random numbers."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import time

import pytest

from backend import compile_dtb
from machine import Machine, uses_tcg

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}


@pytest.fixture(autouse=True)
def goes_on(request):
    yield
    if "machine" in request.fixturenames:
        machine = request.getfixturevalue("machine")
        assert machine.get("/health").status == 200
        assert "panic" not in machine.serial().lower()


def s_client(machine, *options):
    return subprocess.run(["openssl", "s_client", "-brief", *options, "-connect", f"127.0.0.1:{machine.port}"],
                          input=b"", capture_output=True, timeout=60 * machine.patience)


@pytest.mark.parametrize("version,options,cipher", [
    ("TLSv1.3", ["-tls1_3"], "TLS_CHACHA20_POLY1305_SHA256"),
    ("TLSv1.3", ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
    ("TLSv1.3", ["-tls1_3", "-groups", "P-256"], "TLS_CHACHA20_POLY1305_SHA256"),
    ("TLSv1.3", ["-tls1_3", "-groups", "P-384:X25519"], "TLS_CHACHA20_POLY1305_SHA256"),  # HelloRetryRequest
    ("TLSv1.2", ["-tls1_2"], "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("TLSv1.2", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDHE-ECDSA-AES128-GCM-SHA256"),
])
def test_what_is_spoken(machine, version, options, cipher):
    done = s_client(machine, *options)
    text = done.stderr.decode()
    assert done.returncode == 0, text
    assert f"Protocol version: {version}" in text and f"Ciphersuite: {cipher}" in text


@pytest.mark.parametrize("options", [
    ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
    ["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "AES128-SHA"],  # no forward secrecy
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],  # CBC
    ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
    ["-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "DEFAULT@SECLEVEL=0"],
    ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"],
])
def test_what_is_not_spoken(machine, options):
    done = s_client(machine, *options)
    assert done.returncode != 0 and "alert" in done.stderr.decode(), done.stderr.decode()


def test_no_group_in_common(machine):
    """Here the library ends the connection without an alert."""
    assert s_client(machine, "-tls1_3", "-groups", "P-384").returncode != 0


def test_certificate_names_the_host(machine):
    with machine.socket() as s:
        pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(binary_form=True))
    text = subprocess.run(["openssl", "x509", "-noout", "-text", "-checkip", "10.0.2.15"], input=pem.encode(),
                          capture_output=True, check=True).stdout.decode()
    assert "does match certificate" in text and "DNS:socle" in text and "CA:FALSE" in text
    assert "id-ecPublicKey" in text and "ecdsa-with-SHA256" in text


def test_curl_with_the_pin_from_the_console(machine):
    def curl(pin):
        return subprocess.run(["curl", "-sk", "--max-time", "60", "--pinnedpubkey", pin,
                               f"https://127.0.0.1:{machine.port}/api/v1/health"], capture_output=True)

    good = curl(machine.key_pin())
    assert good.returncode == 0 and json.loads(good.stdout)["state"] == "ok"
    assert curl("sha256//" + "A" * 43 + "=").returncode == 90  # CURLE_SSL_PINNEDPUBKEYNOTMATCH


HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(32)  # a ClientHello that says 200 bytes, and its beginning


@pytest.mark.parametrize("data", [
    b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
    bytes(500),
    b"\xff" * 500,
    b"\x16\x03\x01\xff\xff" + bytes(65535),
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x17\x03\x03\x00\x20" + bytes(32),
    b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
    HELLO + b"\xff" * 168,
    bytes.fromhex("800b0100020000000000100000") + bytes(40),  # SSL 2
], ids=["http", "zeros", "ones", "large-record", "alert", "data-first", "huge-hello", "bad-hello", "ssl2"])
def test_broken_handshakes_end(machine, data):
    with socket.create_connection(("127.0.0.1", machine.port), 30 * machine.patience) as s:
        try:
            s.sendall(data)
            while s.recv(4096):
                pass
        except ConnectionError:
            pass


def test_slow_handshakes_do_not_keep_others_out(machine):
    """More than can have a handshake under way, all in the middle of their ClientHello or silent."""
    slow = []
    try:
        for i in range(130):
            s = socket.create_connection(("127.0.0.1", machine.port), 30)
            slow.append(s)
            if i % 2:
                s.sendall(HELLO)
            if i % 40 == 39:
                assert machine.get("/health", timeout=60).status == 200
    finally:
        for s in slow:
            s.close()


def test_a_handshake_that_stops_is_ended(machine):
    with socket.create_connection(("127.0.0.1", machine.port), 60 * machine.patience) as s:
        s.sendall(HELLO)
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass


def health(s):
    s.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version,cipher", [
    (ssl.TLSVersion.TLSv1_3, None), (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
])
def test_a_session_rests_between_requests(machine, version, cipher):
    """It goes on where it was: both ways' records are counted, and the count is part of their protection."""
    context = ssl._create_unverified_context()
    context.minimum_version = context.maximum_version = version
    if cipher:
        context.set_ciphers(cipher)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", machine.port), 30 * machine.patience)) as s:
        for _ in range(5):
            health(s)


def test_parts_of_records_do_not_keep_others_out(machine):
    """More than can be at work end a request, begin a record, and never go on."""
    slow = []
    try:
        for _ in range(90):
            s = machine.socket()
            slow.append(s)
            health(s)
            with socket.socket(fileno=os.dup(s.fileno())) as raw:
                raw.sendall(b"\x17\x03\x03\x40")
        begin = time.monotonic()
        assert machine.get("/host").status == 200
        assert time.monotonic() - begin < 10 * machine.patience
    finally:
        for s in slow:
            s.close()


def test_records_of_every_size(machine):
    """A body in records of one byte, and one of the largest record there is."""
    text = json.dumps({"boot": {"kernel": "k"}, "description": "x" * 200}).encode()
    head = (f"PUT /api/v1/vms/x?dry_run=true HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n").encode() + machine.authorization() + b"\r\n"
    with machine.socket() as s:
        for byte in head + text:
            s.sendall(bytes([byte]))
        assert s.recv(100).startswith(b"HTTP/1.1 200")
    data = bytes(range(256)) * 4096
    machine.upload("records", data, "raw")
    assert machine.get("/images/records/data").body == data
    assert machine.delete("/images/records").status == 204


@pytest.mark.qemu("Bochs forwards one port")
def test_plain_http_is_redirected():
    port = Machine(smp=1).port
    with Machine(smp=1, forwards=[(port, 80)]) as m:
        m.wait_ready()
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        plain.request("GET", "/api/v1/vms?limit=1%20", headers={"Host": f"127.0.0.1:{port}"})
        reply = plain.getresponse()
        assert reply.status == 308
        assert reply.headers["Location"] == "https://127.0.0.1/api/v1/vms?limit=1%20"
        assert json.loads(reply.read())["type"] == "urn:socle:error:use_tls"
        plain.request("GET", "/", headers={"Host": "a/b"})
        reply = plain.getresponse()
        assert reply.status == 308 and "Location" not in reply.headers


NO_RDRAND = "EPYC,+svm,+npt,-rdrand,-rdseed"


@pytest.mark.qemu("it has no processor without RDRAND but with a random number device")
@pytest.mark.skipif(not uses_tcg(), reason="KVM's guests have the host's RDRAND")
def test_without_random_numbers_nobody_is_let_in():
    with Machine(smp=1, cpu=NO_RDRAND) as m:
        m.wait_serial(r"net: address \d")
        m.wait_serial(r"tls: the management endpoint stays closed: neither the CPU nor the firmware has random numbers")
        with socket.create_connection(("127.0.0.1", m.port), 30) as s:
            try:
                assert s.recv(10) == b""
            except ConnectionResetError:
                pass
    with Machine(smp=1, cpu=NO_RDRAND, extra=["-device", "virtio-rng-pci"]) as m:
        m.wait_ready()  # the firmware's random numbers suffice


@pytest.mark.qemu("under Bochs the processors without RDRAND run this way in every test")
def test_tls_turned_off(tmp_path):
    with Machine(smp=1, dtb=compile_dtb(tmp_path, 'api { tls = "off"; };'), tls=False) as m:
        m.wait_ready()
        assert re.search(r"W tls: socle.dtb turns TLS off", m.serial())
        assert m.get("/host", token="").status == 401 and m.get("/host").status == 200
        assert m.post("/sessions", {"token": m.token()}, token="").status == 422  # its cookie would be no secret
