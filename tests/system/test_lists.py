# SPDX-License-Identifier: BSD-2-Clause
"""Lists: fields, filter, limit and after, and a line for each object, the same for all."""

import json

import pytest

from machine import body_json

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 2, "memory": "1G"}
NDJSON = {"Accept": "application/x-ndjson"}


def make_some(m):
    for name in ("a", "b", "c"):
        m.create_vm(name, {"kernel": "none"}, start=False, tags=["odd"] if name != "b" else ["even", "mid"])
        m.put(f"/volumes/{name}", {"size_bytes": 512 << ord(name) - ord("a")})
        m.put(f"/images/{name}?kind={'initrd' if name == 'b' else 'raw'}", b"x")


def names(items):
    return [i["name"] for i in items]


def pages(m, path, limit):
    """Follows `next` to the end."""
    found, after = [], ""
    while True:
        page = m.json(f"{path}?limit={limit}{after}")
        assert len(page["items"]) <= limit
        found += page["items"]
        if "next" not in page:
            return found
        assert page["next"] == page["items"][-1]["name"]
        after = f"&after={page['next']}"


def test_pages(clean):
    make_some(clean)
    for path in ("/vms", "/volumes", "/images"):
        assert names(clean.json(path)["items"]) == ["a", "b", "c"] and "next" not in clean.json(path)
        for limit in (1, 2, 3, 4):
            assert names(pages(clean, path, limit)) == ["a", "b", "c"]
        assert names(clean.json(f"{path}?after=aa")["items"]) == ["b", "c"]
        assert clean.json(f"{path}?after=c") == {"items": []}
        assert clean.json(f"{path}?limit=0")["items"] == []
    assert names(pages(clean, "/networks", 1)) == names(clean.json("/networks")["items"])
    assert clean.json("/pools") == {"items": []}


def test_filter(clean, problem):
    make_some(clean)
    for query, found in (("/vms?filter=tags:odd", "ac"), ("/vms?filter=tags:mid", "b"), ("/vms?filter=state:running", ""),
                         ("/volumes?filter=size_bytes:1024", "b"), ("/volumes?filter=parent:null", "abc"),
                         ("/images?filter=kind:raw", "ac"), ("/images?filter=nothing:1", "")):
        assert "".join(names(clean.json(query)["items"])) == found
    page = clean.json("/vms?filter=tags:odd&limit=1")
    assert page["next"] == "a"
    page = clean.json("/vms?filter=tags:odd&limit=1&after=a")
    assert names(page["items"]) == ["c"] and "next" not in page
    for wrong in ("running", ":x", "x" * 64 + ":1"):
        problem(clean.get(f"/vms?filter={wrong}"), 400, "bad_value")
    assert clean.json("/networks?filter=kind:nat&fields=name") == {"items": [{"name": "default"}]}


def test_fields(clean):
    make_some(clean)
    assert clean.json("/volumes?fields=name,size_bytes&limit=1")["items"] == [{"name": "a", "size_bytes": 512}]
    assert clean.json("/vms?fields=tags&limit=1")["items"] == [{"tags": ["odd"]}]
    assert clean.json("/host/cpus?fields=id") == {"items": [{"id": 0}, {"id": 1}]}
    assert clean.json("/host/cpus?limit=1&fields=id") == {"items": [{"id": 0}]}
    assert clean.json("/host/pci?filter=driver:none")["items"] == []


def test_lines(clean):
    make_some(clean)
    for path in ("/vms", "/volumes", "/images", "/networks", "/networks/default/ports", "/host/cpus", "/host/pci",
                 "/host/nics", "/tasks"):
        reply = clean.get(path, headers=NDJSON)
        assert reply.headers["Content-Type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in reply.body.splitlines()]
        listed = clean.json(path)["items"]
        assert [sorted(one) for one in lines] == [sorted(one) for one in listed]
    assert clean.get("/vms?filter=tags:odd&fields=name&limit=1", headers=NDJSON).body == b'{"name":"a"}\n'
    assert clean.get("/vms?filter=tags:none", headers=NDJSON).body == b""


def test_tasks(clean):
    clean.run_guest("echo")
    task = body_json(clean.post("/vms/echo/shutdown"))
    assert clean.json("/tasks?filter=state:running&fields=id") == {"items": [{"id": task["id"]}]}
    assert clean.json(f"/tasks?after={task['id']}") == {"items": []}


def test_tokens_and_users(machine):
    for name in ("ada", "bob", "cyd"):
        assert machine.put(f"/users/{name}", {"role": "viewer" if name == "bob" else "operator"}).status == 201
        machine.make_token("viewer", user=name)
    ids = [t["id"] for t in machine.json("/tokens")["items"]]
    assert ids == sorted(ids) and len(ids) >= 4
    found, after = [], ""
    while True:
        page = machine.json(f"/tokens?limit=1{after}")
        found += page["items"]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert [t["id"] for t in found] == ids
    assert machine.json("/tokens?filter=user:bob&fields=user,role") == {"items": [{"user": "bob", "role": "viewer"}]}
    lines = machine.get("/tokens", headers=NDJSON).body.decode().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids

    assert names(pages(machine, "/users", 2)) == ["ada", "bob", "cyd"]
    assert names(machine.json("/users?filter=role:operator")["items"]) == ["ada", "cyd"]
    assert machine.json("/users?fields=name&after=bob") == {"items": [{"name": "cyd"}]}
    for name in ("ada", "bob", "cyd"):
        assert machine.delete(f"/users/{name}").status == 204


def test_what_is_in_a_vm(clean, problem):
    """Consoles and exits are plain arrays."""
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    consoles = clean.json("/vms/echo/consoles")
    assert consoles[0]["id"] == 0 and consoles[0]["kind"] == "serial"
    assert clean.json("/vms/echo/consoles?fields=kind&limit=1") == [{"kind": "serial"}]
    assert clean.json("/vms/echo/consoles?filter=kind:none") == []
    reasons = {row["reason"] for row in clean.json("/vms/echo/exits")}
    assert len(reasons) > 1
    one = sorted(reasons)[0]
    assert clean.json(f"/vms/echo/exits?filter=reason:{one}&fields=reason") == [{"reason": one}]
    lines = clean.get("/vms/echo/exits", headers=NDJSON).body.decode().splitlines()
    assert reasons <= {json.loads(line)["reason"] for line in lines}
    for what in ("consoles", "exits"):
        problem(clean.get(f"/vms/none/{what}"), 404, "no_such")
        problem(clean.get(f"/vms/echo/{what}?filter=x"), 400, "bad_value")
