# SPDX-License-Identifier: BSD-2-Clause
"""Who comes in, and as what: the claim, tokens and roles on every route, wrong guesses, the audit log."""

import contextlib
import http.client
import json
import os
import re
import time

import pytest

from backend import ROOT, compile_dtb, tokens_dts
from machine import API, body_json, make_machine, uses_bochs

MACHINE = {"smp": 1, "memory": "1G", "tls": True}
ROLES = ["none", "viewer", "operator", "admin"]
NOBODYS = "socle1.nobody." + "0" * 32


def routes():
    """(verb, role, path, body) of every line of the route table."""
    with open(f"{ROOT}/mgmt/http/routes.def") as f:
        found = re.findall(r'^ROUTE\(VERB_(\w+), ROLE_(\w+), "([^"]+)", BODY_(\w+)', f.read(), re.M)
    assert len(found) > 35
    return [(verb, role.lower(), path, body) for verb, role, path, body in found]


def knock(connection, verb, path, body):
    """A request that does nothing even where it is allowed: what it names does not exist, its body makes no sense."""
    path = re.sub(r"\{\w+\}", "No", path) + ("?kind=none" if body == "STREAM" else "?types=none" if path.endswith("/events") else "")
    data = {"JSON": b"{", "STREAM": b"x", "BYTES": b"x"}.get(body)
    connection.request(verb, path, body=data, headers={"Content-Type": "application/json"} if body == "JSON" else {})
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read()


@pytest.mark.parametrize("role", ROLES)
def test_every_route_for_every_role(machine, role):
    connection = machine.connect(token="" if role == "none" else machine.make_token(role))
    for verb, need, path, body in routes():
        status, headers, text = knock(connection, verb, path, body)
        at = (role, verb, path, status, text[:300])
        if ROLES.index(role) >= ROLES.index(need):
            assert status not in (401, 429, 500), at
            assert status != 403, at
            assert verb == "GET" or status >= 400, at  # it did nothing
        elif role == "none":
            assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer"), at
            assert json.loads(text)["type"] == "urn:socle:error:no_token", at
        else:
            assert status == 403, at
            problem = json.loads(text)
            assert problem["type"] == "urn:socle:error:role" and problem["need_role"] == need, at
    connection.close()


def test_without_a_token_nothing_tells_what_exists(machine, problem):
    for path in ("/vms/none", "/nothing", "/host/log?follow=true", "/images/x/data"):
        problem(machine.get(path, token=""), 401, "no_token")
    problem(machine.request("OPTIONS", "/vms", token=""), 401, "no_token")
    assert machine.request("HEAD", "/host", token="").status == 401
    for header in ("", "Bearer", "Basic YTpi", "Digest YTpi", "socle1.a.b", "Bearersocle1.a.b"):
        assert machine.get("/host", headers={"Authorization": header}).status == 401
    token = machine.token()
    assert machine.get("/host", headers={"Authorization": f"bearer   {token}"}).status == 200
    for wrong in (token[:-1], token + "0", token.upper(), token.rsplit(".", 1)[0]):
        problem(machine.get("/host", token=wrong), 401, "bad_token")


def test_an_upload_without_a_token_is_not_taken(machine):
    with machine.socket() as s:
        s.sendall(b"PUT /api/v1/images/x?kind=raw HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
                  b"Expect: 100-continue\r\n\r\n")
        data = s.recv(10000)
        assert data.startswith(b"HTTP/1.1 401") and b"Connection: close" in data


def test_claim_is_over(machine, problem):
    """The token came by the code on the console; neither it nor any other works again."""
    machine.token()
    assert machine.json("/")["claimed"] is True
    code = machine.claim_codes()[-1]
    problem(machine.post("/claim", {"code": code}, token=""), 409, "claimed")
    machine.wait_serial(r"\| claimed")
    log = machine.get("/host/log").body.decode()
    assert code not in log and machine.token().rsplit(".", 1)[1] not in log


def test_tokens_come_and_go(machine, problem):
    listed = machine.json("/tokens")["items"]
    assert len([t for t in listed if t["role"] == "admin"]) >= 1
    assert all("token" not in t for t in listed) and machine.token().rsplit(".", 1)[1] not in json.dumps(listed)
    made = machine.post("/tokens", {"role": "operator", "user": "olga"})
    assert made.status == 201
    olga = body_json(made)
    assert made.headers["Location"] == f"/api/v1/tokens/{olga['id']}"
    assert olga["user"] == "olga" and olga["role"] == "operator" and olga["survives_reboot"] is False

    # She sees and makes her own, with no more rights than hers.
    mine = body_json(machine.get("/tokens", token=olga["token"]))["items"]
    assert [t["id"] for t in mine] == [olga["id"]]
    second = machine.post("/tokens", {"role": "viewer"}, token=olga["token"])
    assert second.status == 201 and body_json(second)["user"] == "olga"
    problem(machine.post("/tokens", {"role": "admin"}, token=olga["token"]), 403, "role")
    problem(machine.post("/tokens", {"role": "viewer", "user": "admin"}, token=olga["token"]), 403, "role")
    admin = next(t["id"] for t in listed if t["role"] == "admin")
    problem(machine.delete(f"/tokens/{admin}", token=olga["token"]), 404, "no_such")

    problem(machine.post("/tokens", {"role": "root"}), 400, "bad_value")
    problem(machine.post("/tokens", {}), 400, "bad_value")
    problem(machine.post("/tokens", {"role": "viewer", "user": "Not a name"}), 400, "bad_value")
    problem(machine.post("/tokens", {"role": "viewer", "vms": "all"}), 400, "unknown_field")
    problem(machine.post("/tokens", {"role": 7}), 400, "bad_value")
    problem(machine.post("/tokens", ["viewer"]), 400, "bad_value")

    assert machine.delete(f"/tokens/{olga['id']}").status == 204
    problem(machine.get("/host", token=olga["token"]), 401, "bad_token")
    assert machine.get("/host", token=body_json(second)["token"]).status == 200
    assert machine.delete(f"/tokens/{body_json(second)['id']}", token=body_json(second)["token"]).status == 204
    problem(machine.delete("/tokens/none"), 404, "no_such")


def test_the_last_administrator_stays(machine, problem):
    admins = [t["id"] for t in machine.json("/tokens")["items"] if t["role"] == "admin"]
    for other in [t for t in admins if not machine.token().startswith(f"socle1.{t}.")]:
        assert machine.delete(f"/tokens/{other}").status == 204
    own = machine.token().split(".")[1]
    problem(machine.delete(f"/tokens/{own}"), 409, "last_admin")
    assert machine.get("/host").status == 200


def in_seconds(machine, seconds):
    """RFC 3339 by the host's clock."""
    made = body_json(machine.post("/tokens", {"role": "viewer"}))
    machine.delete(f"/tokens/{made['id']}")
    now = time.mktime(time.strptime(made["created_at"][:19], "%Y-%m-%dT%H:%M:%S"))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.localtime(now + seconds))


def test_tokens_expire_and_take_their_streams_along(machine, problem):
    problem(machine.post("/tokens", {"role": "viewer", "expires_at": "tomorrow"}), 400, "bad_value")
    problem(machine.post("/tokens", {"role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}), 422, "semantic")
    late = machine.make_token("viewer", expires_at=in_seconds(machine, 3600), user="late")
    problem(machine.post("/tokens", {"role": "viewer"}, token=late), 403, "role")  # it would live longer
    token = machine.make_token("viewer", expires_at=in_seconds(machine, 8))
    connection = machine.connect(token=token)
    connection.request("GET", "/api/v1/host/log?follow=true")
    reply = connection.getresponse()
    assert reply.status == 200
    try:
        while reply.read1(65536):
            pass
    except (http.client.HTTPException, ConnectionError):
        pass
    assert b"expired" in machine.get("/host", token=token).body


def test_a_revoked_token_takes_its_streams_along(machine):
    token = machine.make_token("viewer")
    connection = machine.connect(token=token)
    connection.request("GET", "/api/v1/host/log?follow=true")
    reply = connection.getresponse()
    assert reply.read1(100)
    assert machine.delete(f"/tokens/{token.split('.')[1]}").status == 204
    try:
        while reply.read1(65536):
            pass
    except (http.client.HTTPException, ConnectionError):
        pass


def test_a_browsers_session(machine, problem):
    token = machine.make_token("operator", user="bea")
    problem(machine.post("/sessions", {"token": token + "0"}, token=""), 401, "bad_token")
    problem(machine.post("/sessions", {"token": token + "0" * 99}, token=""), 400, "bad_value")  # longer than any
    problem(machine.post("/sessions", {"user": "bea", "password": "x"}, token=""), 401, "bad_password")
    problem(machine.post("/sessions", {}, token=""), 400, "bad_value")
    reply = machine.post("/sessions", {"token": token}, token="")
    assert reply.status == 201
    begun = body_json(reply)
    assert begun["user"] == "bea" and begun["role"] == "operator"
    cookie, *flags = reply.headers["Set-Cookie"].split("; ")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"} <= set(flags) and cookie.startswith("__Host-socle=")
    assert token not in reply.body.decode() and cookie.split("=")[1] not in reply.body.decode()

    def ask(method, path, body=None, cookie=cookie, **headers):
        return machine.request(method, path, body, token="",
                               headers={"Cookie": f"theme=dark; {cookie}", **{k.replace("_", "-"): v for k, v in headers.items()}})

    csrf = {"X_CSRF_Token": begun["csrf"]}
    assert ask("GET", "/host").status == 200
    problem(ask("GET", "/host", cookie=cookie[:-1]), 401, "no_token")
    problem(ask("GET", "/audit"), 403, "role")
    vm = {"boot": {"kernel": "k"}}
    problem(ask("PUT", "/vms/mine", vm), 403, "csrf")
    problem(ask("PUT", "/vms/mine", vm, X_CSRF_Token="0" * 32), 403, "csrf")
    problem(ask("PUT", "/vms/mine", vm, Origin="https://evil.example", **csrf), 403, "origin")
    assert machine.get("/vms/mine").status == 404
    assert ask("PUT", "/vms/mine", vm, **csrf).status == 201
    assert ask("DELETE", "/vms/mine", **csrf).status == 204
    problem(ask("DELETE", "/sessions"), 403, "csrf")
    problem(machine.delete("/sessions", token=token), 404, "no_such")
    connection = machine.connect(60, "")
    connection.request("GET", f"{API}/host/log?follow=true", headers={"Cookie": cookie})
    followed = connection.getresponse()
    assert followed.status == 200 and followed.readline()
    ended = ask("DELETE", "/sessions", **csrf)
    assert ended.status == 204 and "Max-Age=0" in ended.headers["Set-Cookie"]
    problem(ask("GET", "/host"), 401, "no_token")
    with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
        while followed.readline():  # what the page had open ends with the session
            pass
    connection.close()

    again = machine.post("/sessions", {"token": token}, token="").headers["Set-Cookie"].split("; ")[0]
    assert ask("GET", "/host", cookie=again).status == 200
    assert machine.delete(f"/tokens/{token.split('.')[1]}").status == 204
    problem(ask("GET", "/host", cookie=again), 401, "no_token")
    problem(machine.post("/sessions", {"token": token}, token=""), 401, "bad_token")


def test_many_tokens(machine, problem):
    """A viewer has his share; the table has an end, and what the owner has goes on working."""
    viewer = machine.make_token("viewer", user="vera")
    connection = machine.connect(token=viewer)
    statuses = []
    for _ in range(17):
        connection.request("POST", "/api/v1/tokens", body='{"role": "viewer"}')
        reply = connection.getresponse()
        reply.read()
        statuses.append(reply.status)
    assert statuses == [201] * 15 + [403] * 2
    connection = machine.connect()
    for _ in range(64):
        connection.request("POST", "/api/v1/tokens", body='{"role": "viewer", "user": "many"}')
        reply = connection.getresponse()
        reply.read()
    assert reply.status == 507
    for token in machine.json("/tokens")["items"]:
        if token["user"] in ("vera", "many"):
            connection.request("DELETE", f"/api/v1/tokens/{token['id']}")
            reply = connection.getresponse()
            assert reply.read() == b"" and reply.status == 204
    connection.close()


def test_guessing_is_slowed_down_and_locks_nobody_out(machine, problem):
    statuses = []
    for _ in range(15):
        statuses.append(machine.get("/host", token=NOBODYS).status)
        if statuses[-1] == 429:
            break
    assert statuses[-1] == 429
    reply = machine.get("/host", token=NOBODYS)
    assert problem(reply, 429, "rate")["retry_after_s"] > 0
    assert int(reply.headers["Retry-After"]) > 0 and reply.headers["Connection"] == "close"
    assert machine.get("/host").status == 200  # from the same address
    assert machine.get("/health", token="").status == 200


def test_audit(machine):
    operator = machine.make_token("operator", user="otto")
    assert machine.put("/vms/audited", {"boot": {"kernel": "k"}}, token=operator, headers={"X-Request-Id": "trace-7"}).status == 201
    assert machine.delete("/vms/audited", token=operator).status == 204
    assert machine.delete("/networks/none", token=operator).status == 403
    for _ in range(3):
        assert machine.post("/vms/audited/start", token=operator).status == 404
    entries = [json.loads(line) for line in machine.get("/audit").body.splitlines()]
    assert [e["seq"] for e in entries] == sorted(e["seq"] for e in entries)
    otto = [(e["method"], e["path"], e["status"], e["count"]) for e in entries if e.get("user") == "otto"]
    assert otto == [("PUT", "/api/v1/vms/audited", 201, 1), ("DELETE", "/api/v1/vms/audited", 204, 1),
                    ("DELETE", "/api/v1/networks/none", 403, 1), ("POST", "/api/v1/vms/audited/start", 404, 3)]
    created = next(e for e in entries if e["request_id"] == "trace-7")
    assert created["token"] == operator.split(".")[1] and re.match(r"\d+\.\d+\.\d+\.\d+$", created["source"])
    assert not any(e["method"] == "GET" and e["status"] == 200 for e in entries)
    machine.wait_serial(r"audit: otto \(\w+\) from [\d.]+: PUT /api/v1/vms/audited: 201 \(trace-7\)")


def test_slow_strangers_do_not_keep_the_owner_out(machine, problem):
    """More than it has workspaces and TLS sessions, each with TLS and in the middle of a request that needs no token."""
    head = b"POST /api/v1/claim HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n"
    slow = []
    try:
        for i in range(140):
            s = machine.socket(60)
            slow.append(s)
            s.sendall([head, head + b"\r\n" + b"{", b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2][i % 3])
            if i % 35 == 34:
                assert machine.put("/vms/x?dry_run=true", {"boot": {"kernel": "k"}}).status == 200
    finally:
        for s in slow:
            s.close()


def test_strangers_send_little(machine, problem):
    reply = machine.post("/claim", {"code": "x" * 600}, token="")
    assert problem(reply, 413, "too_big")["limit_bytes"] == 512


def test_first_contact(problem):
    with make_machine(smp=1) as m:
        m.wait_ready()
        assert body_json(m.get("/", token=""))["claimed"] is False
        hint = problem(m.get("/host", token=""), 401, "no_token")["hint"]
        assert "/api/v1/claim" in hint
        problem(m.post("/claim", {"code": "0000-0000-0000"}, token=""), 403, "bad_code")
        problem(m.post("/claim", {}, token=""), 403, "bad_code")
        problem(m.post("/claim", {"code": "x", "colour": "red"}, token=""), 400, "unknown_field")
        problem(m.post("/claim", {"code": "x", "user": "Root!"}, token=""), 400, "bad_value")
        for _ in range(12):
            reply = m.post("/claim", {"code": "0000-0000-0000"}, token="")
        problem(reply, 429, "rate")
        reply = m.claim(user="olga")  # the right code is not refused even now
        assert reply.status == 201 and body_json(reply)["role"] == "admin" and body_json(reply)["user"] == "olga"
        m.admin_token = body_json(reply)["token"]
        assert m.get("/audit").status == 200


@pytest.mark.skipif(uses_bochs(), reason="each boot there takes minutes, and nothing here depends on the processor")
def test_tokens_and_code_from_the_configuration(tmp_path, problem):
    admin, viewer = (f"socle1.{name}." + os.urandom(16).hex() for name in ("ci", "watch"))
    dtb = compile_dtb(tmp_path, f"api {{ claim-code = \"rack-7-red-door\"; {tokens_dts(viewer=viewer)} }};")
    with make_machine(smp=1, dtb=dtb) as m:
        m.wait_ready()
        assert m.get("/host", token=viewer).status == 200
        assert m.get("/audit", token=viewer).status == 403
        m.wait_serial(r"\| claim code: the one in socle.dtb")
        problem(m.get("/host", token=admin), 401, "bad_token")
        problem(m.post("/claim", {"code": "rack-7-blue-door"}, token=""), 403, "bad_code")
        assert m.post("/claim", {"code": "RACK 7 Red Door"}, token="").status == 201
    dtb = compile_dtb(tmp_path, f"api {{ {tokens_dts(admin=admin)} }};")
    with make_machine(smp=1, dtb=dtb) as m:
        m.wait_ready()
        assert body_json(m.get("/", token=""))["claimed"] is True
        problem(m.post("/claim", {"code": "0000-0000-0000"}, token=""), 409, "claimed")
        assert m.claim_codes() == []
        token = body_json(m.get("/tokens", token=admin))["items"][0]
        assert token["id"] == "ci" and token["source"] == "socle.dtb" and token["survives_reboot"] is True
        problem(m.delete("/tokens/ci", token=admin), 409, "last_admin")
