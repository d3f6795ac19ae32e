# SPDX-License-Identifier: BSD-2-Clause
"""Conditional requests (RFC 9110, 13): the same for every resource that can be changed."""

import pytest

from machine import API, body_json

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 2, "memory": "1G"}

# Path, a body that makes it, and one that changes it: PATCH, or (method, query, body) of another request.
RESOURCES = {
    "vm": ("/vms/x", {"boot": {"kernel": "none"}}, {"description": "other"}),
    "volume": ("/volumes/x", {"pool": "ram", "size_bytes": 1 << 20}, {"size_bytes": 2 << 20}),
    "network": ("/networks/x", {"kind": "isolated"}, None),
    "image": ("/images/x?kind=raw", b"some bytes", None),
}


def tag_of(m, path):
    return m.get(path).headers["ETag"]


@pytest.mark.parametrize("kind", RESOURCES)
def test_create_only_read_once_change_what_was_read(clean, problem, kind):
    m = clean
    target, body, change = RESOURCES[kind]
    path = target.split("?")[0]
    problem(m.put(target, body, headers={"If-Match": "*"}), 412, "etag")
    made = m.put(target, body, headers={"If-None-Match": "*"})
    assert made.status == 201
    tag = tag_of(m, path)
    assert made.headers["ETag"] == tag
    refused = m.put(target, body, headers={"If-None-Match": "*"})
    assert problem(refused, 412, "etag")["etag"] == tag == refused.headers["ETag"]

    same = m.get(path, headers={"If-None-Match": f'"0", W/{tag}'})
    assert same.status == 304 and same.body == b"" and same.headers["ETag"] == tag
    assert m.get(path, headers={"If-None-Match": '"0"'}).status == 200
    assert m.request("HEAD", path, headers={"If-None-Match": tag}).status == 304

    problem(m.delete(path, headers={"If-Match": '"0"'}), 412, "etag")
    problem(m.delete(path, headers={"If-Match": f"W/{tag}"}), 412, "etag")
    if change:
        problem(m.patch(path, change, headers={"If-Match": '"0"'}), 412, "etag")
        assert tag_of(m, path) == tag
        changed = m.patch(path, change, headers={"If-Match": tag})
        assert changed.status == 200 and changed.headers["ETag"] != tag
        problem(m.patch(path, change, headers={"If-Match": tag}), 412, "etag")
        tag = changed.headers["ETag"]
    assert m.delete(path, headers={"If-Match": f'"0", {tag}'}).status == 204
    problem(m.delete(path, headers={"If-Match": tag}), 404, "no_such")


def test_what_belongs_to_a_resource_has_its_tag(clean, problem):
    m = clean
    m.put("/volumes/v", {"pool": "ram", "size_bytes": 1 << 20})
    m.create_vm("x", {"kernel": "none"}, start=False)
    disk = {"volume": "v"}
    problem(m.put("/vms/x/disks/d", disk, headers={"If-Match": '"0"'}), 412, "etag")
    assert m.put("/vms/x/disks/d", disk, headers={"If-Match": tag_of(m, "/vms/x"), "If-None-Match": "*"}).status == 200
    problem(m.post("/vms/x/start", headers={"If-Match": '"0"'}), 412, "etag")
    problem(m.put("/volumes/v/data", bytes(512), headers={"If-Match": '"0"'}), 412, "etag")
    tag = tag_of(m, "/volumes/v")
    assert m.put("/volumes/v/data", bytes(range(256)) * 2, headers={"If-Match": tag}).status == 204
    assert tag_of(m, "/volumes/v") == tag  # how much of it is used is a counter


def test_settings_of_the_host(machine, problem):
    m = machine
    for path in ("/host/network", "/host/config", "/openapi.json") + (("/host/tls",) if m.tls else ()):
        tag = tag_of(m, path)
        assert m.get(path, headers={"If-None-Match": tag}).status == 304
    problem(m.patch("/host/network", {"hostname": "other"}, headers={"If-Match": '"0"'}), 412, "etag")
    assert body_json(m.get("/host/network"))["task"] is None


def test_tasks(clean, problem):
    """A task's tag changes with its state; how far it is is a counter."""
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    task = clean.post("/vms/echo/shutdown").headers["Location"].removeprefix(API)
    tag = tag_of(clean, task)
    assert clean.get(task, headers={"If-None-Match": tag}).status == 304
    assert clean.get(f"{task}?wait_ms=1", headers={"If-None-Match": tag}).status == 304
    problem(clean.delete(task, headers={"If-Match": '"0"'}), 412, "etag")
    assert clean.delete(task, headers={"If-Match": tag}).status == 202
    ended = clean.get(task, headers={"If-None-Match": tag})
    assert ended.status == 200 and body_json(ended)["state"] == "cancelled" and ended.headers["ETag"] != tag


def test_lists_and_counters_have_no_tag(machine):
    for path in ("/vms", "/volumes", "/host", "/host/cpus", "/tasks"):
        assert "ETag" not in machine.get(path).headers
