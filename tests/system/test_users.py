# SPDX-License-Identifier: BSD-2-Clause
"""Users and their passwords: sessions, Basic authentication, roles that change, wrong guesses, the last administrator."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import time

import pytest

from backend import compile_dtb
from machine import API, body_json, make_machine, uses_bochs

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}
PASSWORD = "correct horse \u00e4 battery"


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def sign_in(machine, name, password):
    return machine.post("/sessions", {"user": name, "password": password}, token="")


def follow_log(machine, headers):
    connection = machine.connect(60, "")
    connection.request("GET", f"{API}/host/log?follow=true", headers=headers)
    reply = connection.getresponse()
    assert reply.status == 200 and reply.readline()
    return reply


def wait_end(reply):
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        while reply.read1(65536):
            pass


def test_a_user_comes_and_goes(machine, problem):
    made = machine.put("/users/olga", {"role": "operator", "password": PASSWORD, "certs": ["AB:" * 31 + "AB", "olga@example.org"]})
    assert made.status == 201
    olga = {"name": "olga", "role": "operator", "has_password": True, "certs": ["ab" * 32, "olga@example.org"], "source": "api",
            "survives_reboot": False}
    assert body_json(made) == olga and body_json(machine.get("/users"))["items"] == [olga]
    changed = machine.put("/users/olga", {"certs": []})  # what is not named stays
    assert changed.status == 200 and body_json(changed) == {**olga, "certs": []}
    assert body_json(machine.put("/users/olga", {"password": None}))["has_password"] is False
    problem(sign_in(machine, "olga", PASSWORD), 401, "bad_password")

    problem(machine.put("/users/bea", {}), 400, "bad_value")
    problem(machine.put("/users/bea", {"role": "root"}), 400, "bad_value")
    problem(machine.put("/users/bea", {"role": "viewer", "colour": "red"}), 400, "unknown_field")
    problem(machine.put("/users/No", {"role": "viewer"}), 400, "bad_value")
    for password in ("1234567", "x" * 129, "tab\there", 12345678):
        problem(machine.put("/users/bea", {"role": "viewer", "password": password}), 400, "bad_value")
    for certs in ("ab", [""], ["a b"], ["x" * 128], ["a"] * 5, [7]):
        problem(machine.put("/users/bea", {"role": "viewer", "certs": certs}), 400, "bad_value")
    problem(machine.delete("/users/bea"), 404, "no_such")

    token = body_json(machine.post("/tokens", {"user": "olga", "role": "operator"}))["token"]
    followed = follow_log(machine, {"Authorization": f"Bearer {token}"})
    problem(machine.post("/tokens", {"user": "olga", "role": "admin"}), 422, "semantic")
    assert machine.delete("/users/olga").status == 204
    wait_end(followed)
    problem(machine.get("/host", token=token), 401, "bad_token")
    assert body_json(machine.get("/users"))["items"] == []


def test_passwords_for_sessions(machine, problem):
    assert machine.put("/users/bea", {"role": "operator", "password": PASSWORD}).status == 201
    problem(sign_in(machine, "bea", PASSWORD[:-1]), 401, "bad_password")
    problem(sign_in(machine, "nobody", PASSWORD), 401, "bad_password")
    for body in ({"user": "bea"}, {"password": "x"}, {"user": "bea", "password": "x", "token": "y"}, {}):
        problem(machine.post("/sessions", body, token=""), 400, "bad_value")
    reply = sign_in(machine, "bea", PASSWORD)
    assert reply.status == 201
    begun = body_json(reply)
    assert begun["user"] == "bea" and begun["role"] == "operator" and PASSWORD not in reply.body.decode()
    cookie = {"Cookie": reply.headers["Set-Cookie"].split("; ")[0]}
    csrf = {**cookie, "X-CSRF-Token": begun["csrf"]}
    assert machine.get("/host", token="", headers=cookie).status == 200
    problem(machine.post("/tokens", {"role": "viewer"}, token="", headers=cookie), 403, "csrf")
    mine = machine.post("/tokens", {"role": "viewer"}, token="", headers=csrf)
    assert mine.status == 201 and body_json(mine)["user"] == "bea"
    problem(machine.post("/tokens", {"role": "admin"}, token="", headers=csrf), 403, "role")

    # Less than before: what is open ends, the session too, and the token has no more rights than she has.
    operator = body_json(machine.post("/tokens", {"user": "bea", "role": "operator"}))
    followed = [follow_log(machine, cookie), follow_log(machine, {"Authorization": f"Bearer {operator['token']}"})]
    assert machine.put("/users/bea", {"role": "viewer"}).status == 200
    for reply in followed:
        wait_end(reply)
    problem(machine.get("/host", token="", headers=cookie), 401, "no_token")
    problem(machine.put("/vms/x", {"boot": {"kernel": "k"}}, token=operator["token"]), 403, "role")
    assert machine.get("/host", token=operator["token"]).status == 200
    listed = {t["id"]: t["role"] for t in machine.json("/tokens")["items"]}
    assert listed[operator["id"]] == "viewer"

    cookie = {"Cookie": sign_in(machine, "bea", PASSWORD).headers["Set-Cookie"].split("; ")[0]}
    assert machine.put("/users/bea", {"password": PASSWORD + "2"}).status == 200
    problem(machine.get("/host", token="", headers=cookie), 401, "no_token")
    problem(sign_in(machine, "bea", PASSWORD), 401, "bad_password")
    assert sign_in(machine, "bea", PASSWORD + "2").status == 201
    assert machine.delete("/users/bea").status == 204


def test_basic_authentication(machine, problem):
    """What curl -u sends. The first check is slow on purpose, the next ones are not; bodies wait in their place."""
    assert machine.put("/users/carl", {"role": "operator", "password": PASSWORD}).status == 201
    right = basic("carl", PASSWORD)
    with_body = machine.put("/vms/carls", {"boot": {"kernel": "k"}}, token="", headers=right)
    assert with_body.status == 201
    began = time.monotonic()
    for _ in range(20):
        assert machine.delete("/vms/carls", token="", headers=right).status in (204, 404)
    assert time.monotonic() - began < 20
    problem(machine.get("/audit", token="", headers=right), 403, "role")
    problem(machine.get("/host", token="", headers=basic("carl", PASSWORD + "x")), 401, "bad_password")
    for header in ("Basic", "Basic !", "Basic " + base64.b64encode(b"carl").decode(), "Basic " + "QUFB" * 100):
        problem(machine.get("/host", token="", headers={"Authorization": header}), 401, "no_token")
    entries = [json.loads(line) for line in machine.get("/audit").body.splitlines()]
    made = next(e for e in entries if e["path"] == f"{API}/vms/carls" and e["method"] == "PUT")
    assert made["user"] == "carl" and made["via"] == "password" and "token" not in made
    text = json.dumps(entries) + machine.get("/host/log").body.decode()
    assert PASSWORD not in text and right["Authorization"].split()[1] not in text
    assert machine.delete("/users/carl").status == 204
    problem(machine.get("/host", token="", headers=right), 401, "bad_password")


def test_others_are_served_while_a_password_is_checked(machine):
    """Several at a time, pipelined behind one another or cut off: the host goes on, and each has an answer."""
    assert machine.put("/users/dora", {"role": "viewer", "password": PASSWORD}).status == 201
    body = json.dumps({"user": "dora", "password": PASSWORD}).encode()
    head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    waiting = [machine.socket() for _ in range(4)]
    for s in waiting:
        s.sendall(head + body + b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    waiting.pop().close()
    assert machine.get("/health", token="").status == 200
    for s in waiting:
        data = b""
        while chunk := s.recv(65536):
            data += chunk
        assert data.startswith(b"HTTP/1.1 201 ") and data.count(b"HTTP/1.1 200 ") == 1, data
        s.close()
    assert machine.delete("/users/dora").status == 204


def test_the_last_administrator_stays(machine, problem):
    token = machine.token()
    user = next(t["user"] for t in machine.json("/tokens")["items"] if token.startswith(f"socle1.{t['id']}."))
    problem(machine.put(f"/users/{user}", {"role": "viewer"}), 409, "last_admin")  # it would limit the only token
    assert body_json(machine.get("/users"))["items"] == []
    assert machine.put("/users/anna", {"role": "admin", "password": PASSWORD}).status == 201
    assert machine.delete(f"/tokens/{token.split('.')[1]}").status == 204  # her password is a way in, too
    anna = basic("anna", PASSWORD)
    for change in ({"role": "viewer"}, {"password": None}):
        problem(machine.put("/users/anna", change, token="", headers=anna), 409, "last_admin")
    problem(machine.delete("/users/anna", token="", headers=anna), 409, "last_admin")
    assert body_json(machine.get("/", token=""))["claimed"] is True
    made = machine.post("/tokens", {"role": "admin", "user": "root"}, token="", headers=anna)
    machine.admin_token = body_json(made)["token"]
    assert machine.put("/users/anna", {"role": "viewer"}, token="", headers=anna).status == 200  # she sees that it is done
    assert machine.put("/users/anna", {"role": "admin"}).status == 200
    assert machine.delete("/users/anna", token="", headers=anna).status == 204


def test_guessing_is_slowed_down_and_the_owner_is_not(machine, problem):
    for name in ("emma", "fred"):
        assert machine.put(f"/users/{name}", {"role": "viewer", "password": PASSWORD}).status == 201
    assert sign_in(machine, "emma", PASSWORD).status == 201  # the host knows her here
    statuses = []
    for i in range(15):
        statuses.append(sign_in(machine, "fred", f"wrong guess {i}").status)
        if statuses[-1] == 429:
            break
    assert statuses[-1] == 429 and set(statuses[:-1]) == {401}
    assert problem(sign_in(machine, "fred", PASSWORD), 429, "rate")["retry_after_s"] > 0  # right ones are not looked at, either
    assert sign_in(machine, "emma", PASSWORD).status == 201
    assert machine.get("/host").status == 200  # tokens are never refused
    for name in ("emma", "fred"):
        assert machine.delete(f"/users/{name}").status == 204


@pytest.mark.skipif(uses_bochs(), reason="each boot there takes minutes, and nothing here depends on the processor")
def test_the_claim_makes_the_first_user(problem):
    with make_machine(smp=1) as m:
        m.wait_ready()
        problem(m.claim(password="short"), 400, "bad_value")
        problem(m.post("/claim", {"code": "0000-0000-0000", "password": PASSWORD}, token=""), 403, "bad_code")
        reply = m.claim(user="olga", password=PASSWORD)
        assert reply.status == 201 and body_json(reply)["user"] == "olga"
        m.admin_token = body_json(reply)["token"]
        assert sign_in(m, "olga", PASSWORD).status == 201
        users = body_json(m.get("/users", token="", headers=basic("olga", PASSWORD)))["items"]
        assert [(u["name"], u["role"]) for u in users] == [("olga", "admin")]
        problem(m.claim(user="bea", password=PASSWORD), 409, "claimed")


@pytest.mark.skipif(uses_bochs(), reason="each boot there takes minutes, and nothing here depends on the processor")
def test_passwords_come_by_tls_only(tmp_path, problem):
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 10000)
    user = f'users {{ olga {{ role = "admin"; password = "pbkdf2-sha256$10000${salt.hex()}${key.hex()}"; }}; }};'
    token = "socle1.ci." + os.urandom(16).hex()
    tokens = f'tokens {{ ci {{ role = "admin"; sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"; }}; }};'
    dtb = compile_dtb(tmp_path, f"api {{ {user} {tokens} }};")
    with make_machine(smp=1, dtb=dtb) as m:
        m.wait_ready()
        m.admin_token = token
        assert body_json(m.get("/users", token="", headers=basic("olga", PASSWORD)))["items"][0]["source"] == "socle.dtb"
        problem(m.put("/users/olga", {"role": "viewer"}), 409, "state")
        problem(m.delete("/users/olga"), 409, "state")
    with make_machine(smp=1, dtb=compile_dtb(tmp_path, f'api {{ tls = "off"; {user} {tokens} }};'), tls=False) as m:
        m.wait_ready()
        m.admin_token = token
        problem(m.get("/host", token="", headers=basic("olga", PASSWORD)), 403, "needs_tls")
        problem(m.put("/users/bea", {"role": "viewer", "password": PASSWORD}), 403, "needs_tls")
        problem(sign_in(m, "olga", PASSWORD), 422, "semantic")
        assert m.put("/users/bea", {"role": "viewer"}).status == 201
