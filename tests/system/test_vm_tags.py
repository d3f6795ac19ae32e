# SPDX-License-Identifier: BSD-2-Clause
"""Tokens with vm_tags: on every route with every role, in lists and tasks, and when a VM loses its tag."""

import contextlib
import http.client
import json
import re

import pytest

from backend import BUILD
from machine import API, body_json
from test_auth import knock, routes

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 1, "memory": "1G", "tls": True}
USES = r"/vms/{vm}(/(start|shutdown|poweroff|reset|pause|resume|nmi|consoles.*|events|exits|metrics))?$"
READS = r"/api/v1/(vms|tasks|images|volumes|networks)(/{[tivn]})?$"


@pytest.fixture
def vms(machine):
    machine.upload_file("echo", f"{BUILD}/guests/echo.elf")
    for name, tags in (("mine", ["web", "x"]), ("other", ["db"]), ("bare", [])):
        machine.create_vm(name, {"firmware": "pvh", "kernel": "echo"}, start=False, tags=tags)
    yield machine
    for name in ("mine", "other", "bare"):
        assert machine.delete(f"/vms/{name}?force=true").status == 204
    assert machine.delete("/images/echo").status == 204


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_every_route(machine, role):
    """What is not known to be about a VM of the token, or to be harmless, is refused: also what comes in the future."""
    connection = machine.connect(token=machine.make_token(role, vm_tags=["web"]))
    order = ["none", "viewer", "operator", "admin"]
    for verb, need, path, body in routes():
        status, _, text = knock(connection, verb, path, body)
        at = (verb, path, status, text[:200])
        if need == "none":
            assert status not in (401, 403) or path.endswith(("/claim", "/sessions")), at
        elif order.index(role) < order.index(need):
            assert status == 403 and json.loads(text)["type"] == "urn:socle:error:role", at
        elif re.search(USES, path) and verb in ("GET", "POST"):
            assert status == 404, at  # there is no VM of that name
        elif (re.search(READS, path) and verb == "GET") or path.endswith(("/sessions", "/tasks/{t}")):
            assert status != 403, at
        else:
            assert status == 403 and json.loads(text)["type"] == "urn:socle:error:scope", at
    connection.close()


def test_a_token_uses_its_vms(vms, problem):
    machine = vms
    made = machine.post("/tokens", {"role": "operator", "user": "olga", "vm_tags": ["web", "test"]})
    assert made.status == 201 and body_json(made)["vm_tags"] == ["web", "test"]
    token = body_json(made)["token"]
    assert [t["vm_tags"] for t in machine.json("/tokens")["items"] if t["user"] == "olga"] == [["web", "test"]]

    assert [vm["name"] for vm in body_json(machine.get("/vms", token=token))["items"]] == ["mine"]
    assert machine.post("/vms/mine/start", token=token).status == 200
    uuid = machine.json("/vms/mine")["uuid"]
    assert machine.get(f"/vms/{uuid}", token=token).status == 200
    assert machine.post("/vms/mine/consoles/0/input", b"hello\n", token=token).status == 204
    other = machine.json("/vms/other")["uuid"]
    for name in ("other", "bare", other, "none"):
        problem(machine.get(f"/vms/{name}", token=token), 404, "no_such")
        problem(machine.post(f"/vms/{name}/start", token=token), 404, "no_such")
        problem(machine.get(f"/vms/{name}/consoles/0/log", token=token), 404, "no_such")
    for change in ({"disks": []}, {"tags": ["web", "db"]}):
        problem(machine.patch("/vms/mine", change, token=token), 403, "scope")
    problem(machine.put("/vms/new", {"boot": {"kernel": "k"}, "tags": ["web"]}, token=token), 403, "scope")
    problem(machine.post("/tokens", {"role": "viewer"}, token=token), 403, "scope")

    # Tasks of other VMs are not there.
    assert machine.post("/vms/other/start").status == 200
    theirs = machine.post("/vms/other/shutdown")
    assert theirs.status == 202
    problem(machine.get(theirs.headers["Location"].removeprefix(API), token=token), 404, "no_such")
    mine = machine.post("/vms/mine/shutdown", token=token)
    assert machine.get(mine.headers["Location"].removeprefix(API), token=token).status == 200
    assert {t["target"] for t in body_json(machine.get("/tasks", token=token))["items"]} == {"mine"}

    # A session has the token's VMs; what is open ends with the tag.
    session = machine.post("/sessions", {"token": token}, token="")
    cookie = {"Cookie": session.headers["Set-Cookie"].split("; ")[0]}
    assert [vm["name"] for vm in body_json(machine.get("/vms", token="", headers=cookie))["items"]] == ["mine"]
    connection = machine.connect(60, token)
    connection.request("GET", f"{API}/vms/mine/consoles/0/log?follow=true")
    reply = connection.getresponse()
    assert reply.status == 200
    assert machine.patch("/vms/mine", {"tags": ["x"]}).status == 200
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        while reply.read1(65536):
            pass
    problem(machine.get("/vms/mine", token=token), 404, "no_such")


def test_volumes_and_networks_do_not_name_other_vms(vms):
    machine, token = vms, vms.make_token("viewer", vm_tags=["web"])
    disk = [{"id": "d", "volume": "shared", "read_only": True}]
    assert machine.put("/volumes/shared", {"size_bytes": 1 << 20}).status == 201
    forwards = [{"proto": "tcp", "host_port": 9000 + i, "vm": vm, "port": 80} for i, vm in enumerate(("mine", "other", "later"))]
    assert machine.put("/networks/lab", {"kind": "nat", "forwards": forwards}).status == 201
    for name in ("mine", "other"):
        assert machine.patch(f"/vms/{name}", {"disks": disk}).status == 200
        assert machine.post(f"/vms/{name}/start").status == 200

    def named(**options):
        volume, network = (body_json(machine.get(path, **options)) for path in ("/volumes/shared", "/networks/lab"))
        lists = [body_json(machine.get(path, **options))["items"] for path in ("/volumes", "/networks")]
        assert volume in lists[0] and network in lists[1]
        return set(volume["attached_to"]), {f["vm"] for f in network["forwards"]}

    assert named() == ({"mine", "other"}, {"mine", "other", "later"})
    assert named(token=token) == ({"mine"}, {"mine"})
    for name in ("mine", "other"):
        assert machine.post(f"/vms/{name}/poweroff").status == 200
        assert machine.patch(f"/vms/{name}", {"disks": []}).status == 200
    assert machine.delete("/networks/lab").status == 204 and machine.delete("/volumes/shared").status == 204


def test_what_are_no_tags(machine, problem):
    for tags in ([], "web", [7], [""], ["x" * 32], ["a", "b", "c", "d", "e"], None):
        problem(machine.post("/tokens", {"role": "viewer", "vm_tags": tags}), 400, "bad_value")


def test_no_administrator_of_some_vms_is_the_last(machine, problem):
    machine.make_token("admin", vm_tags=["web"])
    for token in machine.json("/tokens")["items"]:
        if "vm_tags" not in token and token["role"] == "admin" and not machine.token().startswith(f"socle1.{token['id']}."):
            assert machine.delete(f"/tokens/{token['id']}").status == 204
    problem(machine.delete(f"/tokens/{machine.token().split('.')[1]}"), 409, "last_admin")
