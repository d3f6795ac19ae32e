# SPDX-License-Identifier: BSD-2-Clause
"""Images the host fetches by URL: from servers on this machine, well-behaved and hostile ones, over HTTP and HTTPS."""

import contextlib
import hashlib
import json
import os
import socketserver
import ssl
import subprocess
import threading
import time

import pytest

from backend import API, free_port

MACHINE = {"smp": 2, "memory": "1G"}

MiB = 1 << 20
HERE = "10.0.2.2"  # this machine, as QEMU's user network shows it
DATA = os.urandom(3 * MiB + 77)

pytestmark = pytest.mark.qemu("the network of QEMU that leads to this machine")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def answer(status=200, body=b"", *headers, length=True):
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{h}\r\n" for h in headers)
    return (head + (f"Content-Length: {len(body)}\r\n" if length else "") + "\r\n").encode() + body


def chunked(data, size=70000):
    pieces = [data[i:i + size] for i in range(0, len(data), size)]
    return answer(200, b"".join(f"{len(p):x};x\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n",
                  "Transfer-Encoding: chunked", length=False)


class Server(socketserver.ThreadingTCPServer):
    """Answers what `paths` says: bytes, or a function of the socket. Remembers the requests."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), None)
        self.paths, self.requests, self.stalled = {}, [], threading.Event()
        self.context, self.port = context, self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, sock, _):
        with contextlib.suppress(OSError):
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                more = sock.recv(4096)
                if not more:
                    return
                request += more
            self.requests.append(request.decode())
            what = self.paths.get(request.split()[1].decode().split("?")[0], answer(404))
            if callable(what):
                what(sock)
            else:
                sock.sendall(what)
            sock.close()

    def url(self, path):
        return f"http{'s' if self.context else ''}://{HERE}:{self.port}{path}"

    def stall(self, data):
        """Sends these bytes and then nothing more until the client goes."""
        def send(sock):
            sock.sendall(data)
            self.stalled.set()
            while sock.recv(4096):
                pass
        return send


@pytest.fixture
def server():
    with Server() as s:
        yield s
        s.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 10.0.2.2: (file of both, PEM, SHA-256 of its DER)."""
    path = str(tmp_path_factory.mktemp("tls") / "both.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=pull", "-addext", f"subjectAltName=IP:{HERE}", "-keyout", path, "-out", path + ".crt"],
                   check=True, capture_output=True)
    with open(path + ".crt") as f:
        pem = f.read()
    with open(path, "a") as f:
        f.write(pem)
    return path, pem, sha256(ssl.PEM_cert_to_DER_cert(pem))


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[0])
    with Server(context) as s:
        yield s
        s.shutdown()


def pull(machine, url, digest=None, **more):
    body = {"name": "i", "url": url, **({"sha256": digest} if digest else {}), **more}
    reply = machine.post("/images", body)
    assert reply.status == 202, reply
    task = json.loads(reply.body)
    assert reply.headers["Location"] == f"{API}/tasks/{task['id']}"
    assert (task["kind"], task["target"]) == ("image.pull", body["name"]) and task["cancellable"]
    return task["id"]


def ended(machine, task):
    return machine.json(f"/tasks/{task}?wait_ms=60000")


def fails(machine, task, slug, says):
    """It has failed so, and left nothing."""
    end = ended(machine, task)
    assert (end["state"], end["error"]["type"]) == ("failed", f"urn:socle:error:{slug}"), end
    assert says in end["error"]["detail"] and len(end["error"]["hint"]) > 10, end["error"]
    assert machine.get("/images/i").status == 404
    return end


def wait_progress(machine, task, done):
    deadline = time.monotonic() + 60 * machine.patience
    while True:
        at = machine.json(f"/tasks/{task}")
        if at["progress"]["done_bytes"] >= done:
            return at
        assert at["state"] in ("queued", "running") and time.monotonic() < deadline, at


# -- what works --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_file_is_pulled(clean, server, form):
    server.paths["/dir/f"] = answer(200, DATA) if form == "length" else chunked(DATA)
    task = ended(clean, pull(clean, server.url("/dir/f?token=secret"), sha256(DATA), kind="iso"))
    assert (task["state"], task["result"]) == ("succeeded", {"image": "i"}), task
    assert task["progress"]["done_bytes"] == len(DATA) and ("ratio" not in task["progress"] or task["progress"]["ratio"] == 1)
    image = clean.json("/images/i")
    assert (image["kind"], image["sha256"], image["size_bytes"], image["state"]) == ("iso", sha256(DATA), len(DATA), "ready")
    assert clean.get("/images/i/data").body == DATA
    request = server.requests[0]
    assert request.startswith("GET /dir/f?token=secret HTTP/1.1\r\n") and f"Host: {HERE}:{server.port}\r\n" in request
    assert "secret" not in clean.serial() and "secret" not in clean.get("/tasks").body.decode()


def test_redirects_are_followed(clean, server):
    other = Server()
    with other:
        other.paths["/x/f"] = answer(302, b"", "Location: g?h")
        other.paths["/x/g"] = answer(200, DATA)
        server.paths["/a"] = answer(301, b"moved", f"Location: {other.url('/x/f')}")
        assert ended(clean, pull(clean, server.url("/a"), sha256(DATA)))["state"] == "succeeded"
        assert [r.split()[1] for r in other.requests] == ["/x/f", "/x/g?h"]
        other.shutdown()
    server.paths["/loop"] = answer(307, b"", "Location: /loop")
    assert clean.delete("/images/i").status == 204
    fails(clean, pull(clean, server.url("/loop"), sha256(DATA)), "peer", "more than five")
    assert len([r for r in server.requests if "/loop" in r]) == 6


def test_https_with_a_ca_and_with_a_pin(clean, secure, certificate):
    _, pem, pin = certificate
    secure.paths["/f"] = answer(200, DATA)
    assert ended(clean, pull(clean, secure.url("/f"), ca=pem))["state"] == "succeeded"
    assert clean.json("/images/i")["sha256"] == sha256(DATA)
    assert ended(clean, pull(clean, secure.url("/f"), certificate_sha256=pin))["state"] == "succeeded"


def test_from_http_to_https_and_never_back(clean, server, secure, certificate, problem):
    server.paths["/f"] = answer(302, b"", f"Location: {secure.url('/g')}")
    secure.paths["/g"] = answer(200, DATA)
    pin = certificate[2]
    assert ended(clean, pull(clean, server.url("/f"), sha256(DATA), certificate_sha256=pin))["state"] == "succeeded"
    assert clean.delete("/images/i").status == 204
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "semantic", "nothing says which server to trust")
    secure.paths["/g"] = answer(302, b"", f"Location: {server.url('/h')}")
    fails(clean, pull(clean, secure.url("/g"), certificate_sha256=pin), "peer", "https:// to http://")
    assert not any("/h" in r for r in server.requests)


def test_events_tell_of_its_progress(clean, server):
    server.paths["/f"] = server.stall(answer(200, DATA)[:2 * MiB])
    task = pull(clean, server.url("/f"), sha256(DATA))
    at = wait_progress(clean, task, MiB)
    assert at["state"] == "running" and at["progress"]["total_bytes"] == len(DATA)
    assert 0 < at["progress"]["ratio"] < 1
    connection = clean.connect(60 * clean.patience)
    connection.request("GET", f"{API}/events?types=task&since_seq=0")
    reply = connection.getresponse()
    while True:
        line = reply.readline()
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            if event.get("name") == task and event.get("done_bytes", 0) > MiB:
                break
    connection.close()
    assert event["state"] == "running" and event["total_bytes"] == len(DATA)
    assert clean.delete(f"/tasks/{task}").status == 202


# -- what does not -----------------------------------------------------------------------------


def test_it_can_be_cancelled(clean, server, problem):
    free = clean.free_bytes()
    server.paths["/f"] = server.stall(answer(200, DATA)[:2 * MiB])
    task = pull(clean, server.url("/f"), sha256(DATA))
    wait_progress(clean, task, MiB)
    image, = clean.json("/images")["items"]
    assert image["state"] == "uploading" and image["size_bytes"] >= MiB and clean.free_bytes() < free
    problem(clean.put("/images/i", b"x"), 409, "in_use")
    problem(clean.delete("/images/i"), 409, "in_use")
    problem(clean.post("/images", {"name": "i", "url": server.url("/f"), "sha256": sha256(DATA)}), 409, "in_use")
    assert json.loads(clean.delete(f"/tasks/{task}").body)["state"] == "cancelled"
    assert clean.json("/images")["items"] == [] and clean.free_bytes() == free
    problem(clean.delete(f"/tasks/{task}"), 409, "not_cancellable")


def test_a_few_at_a_time_and_the_others_wait(clean, server, problem):
    server.paths["/f"] = server.stall(answer(200, DATA)[:MiB])
    tasks = [pull(clean, server.url("/f"), sha256(DATA), name=f"i{n}") for n in range(8)]
    for task in tasks[:3]:
        wait_progress(clean, task, MiB // 2)
    assert [clean.json(f"/tasks/{t}")["state"] for t in tasks] == ["running"] * 3 + ["queued"] * 5
    busy = clean.post("/images", {"name": "i9", "url": server.url("/f"), "sha256": sha256(DATA)})
    assert problem(busy, 503, "busy")["retry_after_s"] > 0
    assert clean.delete(f"/tasks/{tasks[3]}").status == 202  # out of the queue
    server.paths["/f"] = answer(200, DATA)
    assert clean.delete(f"/tasks/{tasks[0]}").status == 202
    assert ended(clean, tasks[4])["state"] == "succeeded"
    assert clean.json(f"/tasks/{tasks[3]}")["state"] == "cancelled"
    for task in tasks[1:3]:
        assert clean.delete(f"/tasks/{task}").status == 202
    assert all(ended(clean, t)["state"] == "succeeded" for t in tasks[5:])


@pytest.mark.parametrize("said, says", [
    (answer(404), "404"),
    (answer(500, b"x" * 100000), "500"),
    (answer(206, DATA), "206"),
    (answer(200, DATA)[:MiB], "ended the connection after"),
    (chunked(DATA)[:MiB], "ended the connection after"),
    (answer(200, DATA, length=False), "does not say where the file ends"),
    (answer(200, DATA, "Content-Encoding: gzip"), "compresses"),
    (answer(200, DATA, f"Content-Length: {len(DATA) + 1}"), "no valid HTTP"),
    (answer(200, DATA, "Transfer-Encoding: chunked"), "no valid HTTP"),
    (answer(302, b"", "Location: file:///etc/passwd"), "does not begin with http"),
    (answer(302, b"", "Location: http://user:pw@10.0.2.2/"), "password"),
    (answer(302, b"", "Location: /" + "a" * 3000), "2047"),
    (answer(200, b"", "X: " + "a" * 9000), "8192"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "no valid HTTP"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "does not come to its answer"),
    (b"", "ended the connection after 0 bytes"),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")
def test_what_a_server_may_do_wrong(clean, server, said, says):
    server.paths["/f"] = said
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "peer", says)


def test_headers_without_end(clean, server):
    def send(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            sock.sendall(b"X: " + b"a" * 1000 + b"\r\n")
    server.paths["/f"] = send
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "peer", "8192")


def test_what_is_not_the_file_is_thrown_away(clean, server):
    server.paths["/f"] = answer(200, DATA[:-1] + bytes([DATA[-1] ^ 1]))
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "digest", "SHA-256")


def test_what_does_not_fit(clean, server):
    huge = f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 40}\r\n\r\n".encode()
    server.paths["/f"] = huge + DATA
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "no_memory", "does not fit")

    def endless(sock):
        sock.sendall(answer(200, b"", "Transfer-Encoding: chunked", length=False))
        piece = b"%x\r\n" % MiB + bytes(MiB) + b"\r\n"
        while True:
            sock.sendall(piece)
    server.paths["/g"] = endless
    clean.run_guest("echo", (clean.free_bytes() - 200 * MiB) // (2 * MiB) * 2 * MiB)  # leaves little
    fails(clean, pull(clean, server.url("/g"), sha256(DATA)), "no_memory", "does not fit")


def test_servers_that_are_not_there_or_not_trusted(clean, server, secure, certificate):
    fails(clean, pull(clean, f"http://{HERE}:{free_port()}/f", sha256(DATA)), "peer", HERE)
    secure.paths["/f"] = answer(200, DATA)
    fails(clean, pull(clean, secure.url("/f"), sha256(DATA), certificate_sha256="00" * 32), "peer", HERE)
    assert secure.requests == []
    server.paths["/f"] = answer(200, DATA)  # speaks no TLS
    url = server.url("/f").replace("http:", "https:")
    fails(clean, pull(clean, url, certificate_sha256=certificate[2]), "peer", HERE)


def test_silence_ends_it(clean, server):
    server.paths["/f"] = server.stall(answer(200, DATA)[:MiB])
    fails(clean, pull(clean, server.url("/f"), sha256(DATA)), "peer", "nothing for 30 seconds")


def test_requests_that_make_no_sense(clean, certificate, problem):
    def post(status, slug, pointer=None, **body):
        said = problem(clean.post("/images", {"name": "i", "url": "http://h/x", "sha256": "00" * 32, **body}), status, slug)
        assert pointer is None or said["pointer"] == pointer, said
        return said

    post(400, "bad_value", "/url", url="ftp://h/x")
    assert "password" in post(400, "bad_value", "/url", url="http://u:p@h/x")["detail"]
    post(400, "bad_value", "/url", url="http://h/" + "a" * 3000)
    post(400, "bad_value", "/url", url=None)
    post(400, "bad_value", "/name", name="../x")
    post(400, "bad_value", "/sha256", sha256="00")
    post(400, "bad_value", "/kind", kind="none")
    post(400, "bad_value", "/pool", pool="none")
    post(400, "bad_value", "/ca", ca="x")
    post(400, "bad_value", "/ca", ca="x" * 20000)
    post(400, "bad_value", "/certificate_sha256", ca=certificate[1], certificate_sha256="00" * 32)
    post(400, "unknown_field", "/md5", md5="x")
    said = post(422, "semantic", "/url", url="https://h/x")
    assert "no list of certificate authorities" in said["detail"] and "certificate_sha256" in said["hint"]
    problem(clean.post("/images", {"name": "i", "url": "http://h/x"}), 422, "semantic")
    problem(clean.post("/images", {"url": "http://h/x", "sha256": "00" * 32}), 400, "bad_value")
    problem(clean.post("/images", {}), 400, "bad_value")
    problem(clean.post("/images", {"name": "i", "url": "http://h/x"}, token=clean.make_token("viewer")), 403, "role")
