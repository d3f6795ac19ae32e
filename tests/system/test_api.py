# SPDX-License-Identifier: BSD-2-Clause
"""The REST contract: life cycle, listing, conditional requests, documented errors."""

import hashlib
import base64
import json

from machine import BUILD, body_json

MACHINE = {"smp": 2, "memory": "1G"}


def guest(name):
    with open(f"{BUILD}/guests/{name}.elf", "rb") as f:
        return f.read()


def test_root_health_host(machine):
    assert "v1" in machine.json("/")["api_versions"]
    assert machine.json("/health")["state"]
    host = machine.json("/host")
    assert host["name"] and host["version"] and host["uptime_ns"] > 0
    assert {"total_bytes", "free_bytes", "vm_bytes", "hv_bytes"} <= set(host["memory"])


def test_openapi_names_every_route(machine):
    document = machine.json("/openapi.json")
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        real = path.replace("/api/v1", "", 1).replace("{vm}", "none").replace("{id}", "0").replace("{i}", "none")
        for method, operation in methods.items():
            endless = "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
            if method == "get" and not endless:
                reply = machine.get(real)
                assert reply.status != 405, path
                if reply.status == 404:
                    assert body_json(reply)["type"] == "urn:socle:error:no_such"


def test_life_cycle(clean, problem):
    m = clean
    m.upload("echo", guest("echo"))
    vm = {"cpu": {"count": 1}, "memory": {"size_bytes": 16 << 20},
          "boot": {"firmware": "pvh", "kernel": "echo"}, "description": "first"}
    created = m.put("/vms/life", vm)
    assert created.status == 201
    assert body_json(created)["state"] == "stopped"
    assert m.put("/vms/life", vm).status == 200  # idempotent
    problem(m.put("/vms/life", vm, headers={"If-None-Match": "*"}), 412, "etag")

    problem(m.post("/vms/life/pause"), 409, "state")
    assert body_json(m.post("/vms/life/start"))["state"] == "running"
    m.wait_console("life", r"echo ready")
    problem(m.post("/vms/life/start"), 409, "state")
    problem(m.put("/vms/life", {**vm, "description": "second"}), 409, "state")
    problem(m.delete("/vms/life"), 409, "state")
    assert body_json(m.post("/vms/life/pause"))["state"] == "paused"
    assert body_json(m.post("/vms/life/resume"))["state"] == "running"
    m.type("life", "still there\n")
    m.wait_console("life", r"\[still there\]")
    assert body_json(m.post("/vms/life/reset"))["state"] == "running"
    m.wait_console("life", r"(?s)echo ready.*echo ready")
    assert body_json(m.post("/vms/life/poweroff"))["state"] == "stopped"
    assert m.delete("/vms/life").status == 204
    problem(m.get("/vms/life"), 404, "no_such")


def test_post_names_the_vm(clean):
    reply = clean.post("/vms", {"memory": {"size_bytes": 16 << 20}, "boot": {"kernel": "none"}})
    assert reply.status == 201
    name = body_json(reply)["name"]
    assert reply.headers["Location"].endswith(f"/vms/{name}")
    by_uuid = clean.json(f"/vms/{body_json(reply)['uuid']}")
    assert by_uuid["name"] == name


def test_list_fields_limit_after(clean):
    for name in ("a", "b", "c"):
        clean.create_vm(name, {"kernel": "none"}, start=False)
    assert [v["name"] for v in clean.json("/vms")["items"]] == ["a", "b", "c"]
    first = clean.json("/vms?limit=2&fields=name,state")
    assert first["items"] == [{"name": "a", "state": "stopped"}, {"name": "b", "state": "stopped"}]
    assert [v["name"] for v in clean.json("/vms?after=b")["items"]] == ["c"]
    assert clean.json("/vms?filter=state:running")["items"] == []


def test_dry_run_changes_nothing(clean):
    reply = clean.put("/vms/dry?dry_run=true", {"boot": {"kernel": "k"}})
    assert reply.status == 200
    assert body_json(reply)["memory"]["size_bytes"] > 0  # the default
    assert clean.get("/vms/dry").status == 404


def test_conditional(clean, problem):
    clean.create_vm("etag", {"kernel": "none"}, start=False)
    tag = clean.get("/vms/etag").headers["ETag"]
    assert clean.get("/vms/etag", headers={"If-None-Match": tag}).status == 304
    vm = {"boot": {"kernel": "other"}}
    problem(clean.put("/vms/etag", vm, headers={"If-Match": '"no"'}), 412, "etag")
    assert clean.put("/vms/etag", vm, headers={"If-Match": tag}).status == 200
    assert clean.get("/vms/etag").headers["ETag"] != tag


def test_bad_json(clean, problem):
    put = lambda body: clean.put("/vms/bad", body, headers={"Content-Type": "application/json"})
    problem(put("{"), 400, "bad_json")
    problem(put('{"a":1,}'), 400, "bad_json")
    problem(put(b'{"description":"\xff\xfe"}'), 400, "bad_json")
    assert problem(put('{"colour":"red"}'), 400, "unknown_field")["pointer"] == "/colour"
    assert problem(put('{"cpu":{"cores":1}}'), 400, "unknown_field")["pointer"] == "/cpu/cores"
    assert problem(put('{"cpu":"two"}'), 400, "bad_value")["pointer"] == "/cpu"
    assert problem(put('{"cpu":{"count":-1}}'), 400, "bad_value")["pointer"] == "/cpu/count"
    assert problem(put('{"cpu":{"count":1.5}}'), 400, "bad_value")["pointer"] == "/cpu/count"
    assert problem(put('{"memory":{"size_bytes":99999999999999999999999}}'), 400, "bad_value")
    assert problem(put('{"boot":{"kernel":7}}'), 400, "bad_value")["pointer"] == "/boot/kernel"
    problem(put("[" * 5000 + "]" * 5000), 400, "bad_json")
    problem(clean.put("/vms/Bad_Name", {}), 400, "bad_value")
    assert clean.get("/vms/bad").status == 404


def test_no_kernel_too_little_memory_too_much(clean, problem):
    m = clean
    m.upload("noise", bytes(range(256)) * 4096)
    m.create_vm("noise", {"kernel": "noise"}, start=False)
    problem(m.post("/vms/noise/start"), 422, "semantic")
    m.create_vm("missing", {"kernel": "nowhere"}, start=False)
    problem(m.post("/vms/missing/start"), 422, "semantic")
    m.create_vm("huge", {"kernel": "noise"}, memory=1 << 40, start=False)
    error = problem(m.post("/vms/huge/start"), 507, "no_memory")
    assert error["need_bytes"] > error["free_bytes"] > 0
    problem(m.put("/vms/odd", {"memory": {"size_bytes": 3 << 20}}), 400, "bad_value")
    m.upload("echo", guest("echo"))
    m.create_vm("small", {"firmware": "pvh", "kernel": "echo"}, memory=2 << 20, start=False)
    assert m.post("/vms/small/start").status in (200, 422)


def test_images(clean, problem):
    m = clean
    data = bytes(range(251)) * 5000
    digest = hashlib.sha256(data).digest()
    wrong = "sha-256=:" + base64.b64encode(b"0" * 32).decode() + ":"
    problem(m.put("/images/x?kind=raw", data, headers={"Repr-Digest": wrong}), 422, "digest")
    assert m.get("/images/x").status == 404
    right = "sha-256=:" + base64.b64encode(digest).decode() + ":"
    assert m.put("/images/x?kind=raw", data, headers={"Repr-Digest": right}).status == 201
    info = m.json("/images/x")
    assert info["size_bytes"] == len(data) and info["sha256"] == digest.hex()
    assert m.get("/images/x/data").body == data
    part = m.get("/images/x/data", headers={"Range": "bytes=100-199"})
    assert part.status == 206 and part.body == data[100:200]
    problem(m.get("/images/x/data", headers={"Range": f"bytes={len(data)}-"}), 416, "range")

    def pieces():
        for i in range(0, len(data), 7777):
            yield data[i:i + 7777]

    connection = m.connect()
    connection.request("PUT", "/api/v1/images/y?kind=raw", body=pieces(), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})
    reply = connection.getresponse()
    assert reply.status == 201 and json.loads(reply.read())["sha256"] == digest.hex()
    connection.close()
    assert [i["name"] for i in m.json("/images")["items"]] == ["x", "y"]
    problem(m.put("/images/big?kind=raw", headers={"Content-Length": str(1 << 45)}, body=b""), 507, "no_memory")
    problem(m.put("/images/no%2Fname", b"x"), 400, "bad_value")


def test_log(machine):
    lines = [json.loads(line) for line in machine.get("/host/log").body.splitlines()]
    assert len(lines) > 10
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    late = machine.get(f"/host/log?since_seq={lines[-3]['seq']}").body.splitlines()
    assert len(late) < len(lines)


def test_metrics(machine):
    text = machine.get("/metrics").body.decode()
    assert "# TYPE socle_memory_bytes gauge" in text
    assert "socle_build_info{" in text
    for mode in ("guest", "host", "idle"):
        assert f'socle_cpu_seconds_total{{cpu="1",mode="{mode}"}}' in text
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2


def test_similar_names(clean, problem):
    m = clean
    for name in ("web1", "web2", "database"):
        m.create_vm(name, {"kernel": "none"}, start=False)
    m.put("/volumes/data-1", {"size_bytes": 1 << 20})
    assert problem(m.get("/vms/wbe1"), 404, "no_such")["similar"] == ["web1", "web2"]
    assert problem(m.get("/volumes/dta-1"), 404, "no_such")["similar"] == ["data-1"]
    assert problem(m.get("/networks/defalt"), 404, "no_such")["similar"] == ["default"]
    assert "similar" not in problem(m.get("/vms/nothing-like-it"), 404, "no_such")


def test_delete_with_volumes(clean, problem):
    m = clean
    for name in ("own", "shared", "kept"):
        m.put(f"/volumes/{name}", {"size_bytes": 1 << 20})
    disk = lambda name: {"id": name, "volume": name}
    m.create_vm("a", {"kernel": "none"}, start=False, disks=[disk("own"), disk("shared")])
    m.create_vm("b", {"kernel": "none"}, start=False, disks=[disk("shared"), disk("kept")])
    problem(m.delete("/vms/a?volumes=burn"), 400, "bad_value")
    assert "shared" in problem(m.delete("/vms/a?volumes=delete"), 409, "in_use")["detail"]
    assert [v["name"] for v in m.json("/volumes")["items"]] == ["kept", "own", "shared"]
    assert m.delete("/vms/b?volumes=keep").status == 204
    assert m.delete("/vms/a?volumes=delete").status == 204
    assert [v["name"] for v in m.json("/volumes")["items"]] == ["kept"]


def wait_task(m, reply):
    assert reply.status == 202
    return m.json(f"/tasks/{body_json(reply)['id']}?wait_ms=30000")


def test_shutdown_has_a_limit(clean, problem):
    """A guest that does not know the button."""
    m = clean
    m.upload("echo", guest("echo"))
    m.create_vm("deaf", {"firmware": "pvh", "kernel": "echo"})
    m.wait_console("deaf", "echo ready")
    failed = wait_task(m, m.post("/vms/deaf/shutdown", {"grace_ms": 200}))
    assert failed["state"] == "failed" and "did not switch itself off" in failed["error"]["detail"]
    assert m.state("deaf") == "running"
    assert m.post("/vms/deaf/shutdown").status == 202  # ten minutes, which the next one shortens
    done = wait_task(m, m.post("/vms/deaf/shutdown", {"grace_ms": 200, "then": "poweroff"}))
    assert done["state"] == "succeeded" and m.state("deaf") == "stopped"
    problem(m.post("/vms/deaf/shutdown"), 409, "state")
    assert problem(m.post("/vms/deaf/shutdown", {"then": "wait"}), 400, "bad_value")["pointer"] == "/then"
    problem(m.post("/vms/deaf/shutdown", {"grace_s": 1}), 400, "unknown_field")
    assert body_json(m.post("/vms/deaf/start", {"paused": True}))["state"] == "paused"
    problem(m.post("/vms/deaf/reset", {}, headers={"If-Match": '"0"'}), 412, "etag")


def test_nmi(clean, problem):
    m = clean
    m.upload("echo", guest("echo"))
    m.create_vm("x", {"firmware": "pvh", "kernel": "echo"})
    m.wait_console("x", "echo ready")
    assert body_json(m.post("/vms/x/nmi"))["state"] == "running"
    m.wait_console("x", "nmi\n")
    m.type("x", "still there\n")
    m.wait_console("x", r"\[still there\]")
    m.post("/vms/x/pause")
    problem(m.post("/vms/x/nmi"), 409, "state")


def test_time(machine, problem):
    m = machine
    for wrong in ({}, {"utc": "yesterday"}, {"utc": "2031-02-30T00:00:00Z"}, {"utc": 1}):
        problem(m.put("/host/time", wrong), 400, "bad_value")
    problem(m.put("/host/time", {"ntp": ["192.0.2.1"]}), 400, "unknown_field")
    problem(m.put("/host/time", {"utc": "2031-01-31T12:00:00Z"}, token=m.make_token("operator")), 403, "role")
    reply = body_json(m.put("/host/time", {"utc": "2031-01-31T12:00:00Z"}))
    assert reply["utc"].startswith("2031-01-31T12:00:0")
    booted = next(line for line in m.get("/metrics").body.decode().splitlines() if line.startswith("socle_boot_time"))
    assert abs(float(booted.split()[1]) + reply["uptime_ns"] / 1e9 - 1927627200) < 5
    assert b"/host/time" in m.get("/audit").body


def test_who_prefers_to_wait(clean, problem):
    m = clean
    m.upload("echo", guest("echo"))
    m.create_vm("deaf", {"firmware": "pvh", "kernel": "echo"})
    m.wait_console("deaf", "echo ready")
    prefer = {"Prefer": "wait=30"}
    problem(m.post("/vms/deaf/shutdown", {"grace_ms": 100}, headers=prefer), 504, "guest_no_answer")
    late = m.post("/vms/deaf/shutdown", headers={"Prefer": "respond-async, wait=1"})
    assert late.status == 202 and body_json(late)["state"] == "running" and "/tasks/" in late.headers["Location"]
    done = m.post("/vms/deaf/shutdown", {"grace_ms": 100, "then": "poweroff"}, headers=prefer)
    assert done.status == 200 and body_json(done)["state"] == "succeeded"
    assert done.headers["Preference-Applied"] == "wait=30"
    assert m.state("deaf") == "stopped"


def test_every_answer_has_its_id_and_times(machine):
    """Those of the HTTP layer, too; and each path says what it takes."""
    m = machine
    own = {"X-Request-Id": "my-request"}
    for method, path, status in (("GET", "/vms/none", 404), ("GET", "/none", 404), ("PATCH", "/health", 405),
                                 ("GET", "/vms?x=1", 400), ("HEAD", "/vms/none", 404), ("OPTIONS", "/vms", 204),
                                 ("HEAD", "/volumes", 200)):
        reply = m.request(method, path, headers=own)
        assert reply.status == status, (method, path)
        assert reply.headers["X-Request-Id"] == "my-request" and "handler;dur=" in reply.headers["Server-Timing"]
        if status >= 400 and method != "HEAD":
            assert body_json(reply)["request_id"] == "my-request"
        assert method != "HEAD" or reply.body == b""
    reply = m.put("/vms/x", b"x" * 70000, headers={**own, "Content-Type": "application/json"})
    assert reply.status == 413 and body_json(reply)["limit_bytes"] == 65536
    reply = m.get("/vms", token="", headers=own)
    assert reply.status == 401 and body_json(reply)["request_id"] == "my-request"
    for garbage in (b"no http\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"):
        head = m.raw(garbage).lower()
        assert b"x-request-id: r" in head and b"server-timing:" in head and b'"request_id":"r' in head
    for path, methods in m.json("/openapi.json")["paths"].items():
        if path.startswith("/api/v1/"):
            reply = m.request("OPTIONS", path[len("/api/v1"):].replace("{", "").replace("}", ""))
            allow = set(reply.headers["Allow"].split(", "))
            assert reply.status == 204 and {verb.upper() for verb in methods} < allow and "OPTIONS" in allow, path
