# SPDX-License-Identifier: BSD-2-Clause
"""What the web page stands on: events, consoles by WebSocket, and the last hour in columns."""

import json
import struct
import time

import pytest

import websocket
from backend import API, BUILD
from websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, handshake

MACHINE = {"smp": 2, "memory": "1G"}


class Events:
    """Server-sent events, one after the other."""

    def __init__(self, machine, query="", path="/events", **headers):
        self.connection = machine.connect(60 * machine.patience)
        self.connection.request("GET", f"{API}{path}{query}", headers={k.replace("_", "-"): v for k, v in headers.items()})
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        assert self.reply.headers["Content-Type"] == "text/event-stream"
        assert self.reply.readline() == b"retry: 2000\n" and self.reply.readline() == b"\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self):
        """(event, id, data) of the next one; None at the end of the stream."""
        fields = {}
        while True:
            line = self.reply.readline().decode()
            if not line:
                return None
            if line == "\n" and "data" in fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])
            if not line.startswith(":") and ": " in line:
                key, _, value = line.rstrip("\n").partition(": ")
                fields[key] = value

    def until(self, **wanted):
        while True:
            event, number, data = self.next()
            if all(data.get(k) == v for k, v in wanted.items()):
                return event, number, data


# -- events ------------------------------------------------------------------------------------


def test_events_tell_what_happens(clean):
    with Events(clean) as events:
        clean.run_guest("echo")
        assert events.next()[2]["type"] == "image"
        event, number, created = events.next()
        assert event == "vm" and created["what"] == "created" and created["name"] == "echo" and number == str(created["seq"])
        states = [events.next()[2] for _ in range(1)]
        while states[-1]["state"] != "running":
            states.append(events.next()[2])
        assert all(s["what"] == "state" and s["name"] == "echo" for s in states)
        assert clean.post("/vms/echo/pause").status == 200
        assert events.next()[2]["state"] == "paused"
        assert clean.put("/volumes/v", {"size_bytes": 1 << 20}).status == 201
        event, _, made = events.next()
        assert (event, made["what"], made["name"]) == ("volume", "created", "v")
        assert clean.delete("/vms/echo?force=true").status == 204
        assert events.until(what="deleted")[2]["name"] == "echo"
        assert clean.delete("/images/echo").status == 204
        event, _, gone = events.next()
        assert (event, gone["what"], gone["name"]) == ("image", "deleted", "echo")
        assert gone["seq"] > made["seq"] > created["seq"] and gone["uptime_ns"] > created["uptime_ns"]


def test_who_comes_back_misses_nothing(clean):
    with Events(clean, "?types=volume") as events:
        for name in ("a", "b", "c"):
            assert clean.put(f"/volumes/{name}", {"size_bytes": 1 << 20}).status == 201
        first = events.next()[1]
    with Events(clean, "?types=volume", Last_Event_ID=first) as events:
        assert [events.next()[2]["name"] for _ in range(2)] == ["b", "c"]
    with Events(clean, f"?types=volume&since_seq={int(first) + 1}") as events:
        assert events.next()[2]["name"] == "c"
    with Events(clean, "?types=volume&since_seq=0") as events:
        events.until(seq=int(first) + 2)


def test_a_reader_of_another_boot_is_told(clean):
    with Events(clean, Last_Event_ID="9") as events:
        event, _, data = events.next()
        assert event == "gap" and data["oldest_seq"] > 9


def test_the_ring_of_events_is_bounded(clean):
    assert clean.put("/volumes/a", {"size_bytes": 1 << 20}).status == 201
    with Events(clean, "?since_seq=0") as events:
        start = int(events.until(name="a")[1])
    connection = clean.connect()
    for i in range(600):
        connection.request("PATCH", f"{API}/volumes/a", body=json.dumps({"size_bytes": (2 + i) << 20}),
                           headers={"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert reply.read() and reply.status == 200
    connection.close()
    with Events(clean, Last_Event_ID=str(start)) as events:
        event, _, data = events.next()
        assert event == "gap" and data["oldest_seq"] > start
        assert events.next()[2]["seq"] == data["oldest_seq"]


def test_events_of_one_vm_end_with_it(clean):
    clean.run_guest("echo")
    clean.create_vm("other", {"firmware": "pvh", "kernel": "echo"}, start=False)
    with Events(clean, path="/vms/echo/events") as events:
        assert clean.delete("/vms/other").status == 204
        assert clean.post("/vms/echo/poweroff").status == 200
        assert events.next()[2]["state"] == "stopped"
        assert clean.delete("/vms/echo").status == 204
        assert events.next()[2]["what"] == "deleted"
        assert events.next() is None


def test_events_refuse_what_they_do_not_know(machine, problem):
    problem(machine.get("/events?types=vm,none"), 400, "bad_value")
    problem(machine.get("/events?since_seq=x"), 400, "bad_value")
    problem(machine.get("/vms/none/events"), 404, "no_such")


# -- tasks -------------------------------------------------------------------------------------


def test_a_shutdown_is_a_task(clean, problem):
    clean.upload_file("k", f"{BUILD}/guest/vmlinuz")
    clean.upload_file("i", f"{BUILD}/guest/initrd.img", "initrd")
    clean.create_vm("debian", {"kernel": "k", "initrd": "i", "cmdline": "console=ttyS0 quiet"}, 256 << 20)
    clean.wait_console("debian", "SOCLE-GUEST-READY", timeout=180)
    with Events(clean, "?types=task") as events:
        reply = clean.post("/vms/debian/shutdown")
        task = json.loads(reply.body)
        assert reply.status == 202 and reply.headers["Location"] == f"{API}/tasks/{task['id']}"
        assert (task["kind"], task["target"], task["state"]) == ("vm.shutdown", "debian", "running")
        again = clean.post("/vms/debian/shutdown")
        assert again.status == 409 or json.loads(again.body)["id"] == task["id"]
        clean.type("debian", "poweroff -f\n")  # nothing in this guest heeds the button by itself
        ended = clean.json(f"/tasks/{task['id']}?wait_ms=60000")
        assert ended["state"] == "succeeded" and ended["finished_at"] >= ended["created_at"], ended
        assert clean.state("debian") == "stopped"
        assert [events.next()[2]["state"] for _ in range(2)] == ["running", "succeeded"]
    assert task["id"] in [t["id"] for t in clean.json("/tasks")["items"]]
    problem(clean.get("/tasks/99999"), 404, "no_such")
    problem(clean.get("/tasks/x"), 404, "no_such")


def test_a_shutdown_the_guest_ignores_ends_with_its_vm(clean):
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    task = json.loads(clean.post("/vms/echo/shutdown").body)
    began = clean.json("/health")["uptime_ns"]  # by the host's clock: an emulated one has a pace of its own
    assert clean.json(f"/tasks/{task['id']}?wait_ms=1000")["state"] == "running"
    assert clean.json("/health")["uptime_ns"] - began >= 1e9
    assert clean.delete("/vms/echo?force=true").status == 204
    assert clean.json(f"/tasks/{task['id']}")["state"] in ("succeeded", "failed")


def test_waiting_for_a_shutdown_can_be_cancelled(clean, problem):
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    task = json.loads(clean.post("/vms/echo/shutdown").body)
    assert task["cancellable"]
    problem(clean.delete(f"/tasks/{task['id']}", token=clean.make_token("viewer")), 403, "role")
    with Events(clean, "?types=task") as events:
        reply = clean.delete(f"/tasks/{task['id']}")
        ended = json.loads(reply.body)
        assert reply.status == 202 and reply.headers["Location"] == f"{API}/tasks/{task['id']}"
        assert (ended["state"], ended["cancellable"]) == ("cancelled", False) and "error" not in ended
        assert events.next()[2]["state"] == "cancelled"
    assert clean.state("echo") == "running"
    assert problem(clean.delete(f"/tasks/{task['id']}"), 409, "not_cancellable")["state"] == "cancelled"
    problem(clean.delete("/tasks/99999"), 404, "no_such")
    again = json.loads(clean.post("/vms/echo/shutdown").body)
    assert (again["state"], again["id"] != task["id"]) == ("running", True)


# -- WebSocket ---------------------------------------------------------------------------------

PATH = "/vms/echo/consoles/0/ws"


@pytest.fixture
def echo(clean):
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    return clean


@pytest.mark.parametrize("protocol", [None, "binary", "socle-console"])
def test_a_console_by_websocket(echo, protocol):
    with WebSocket(echo, PATH, protocol) as ws:
        assert ws.headers.get("sec-websocket-protocol") == protocol
        _, texts = ws.read_until(b"echo ready")
        assert [json.loads(t) for t in texts] == ([{"offset": 0, "state": "running"}] if protocol == "socle-console" else [])
        ws.send(BINARY, b"over the web\n")
        ws.read_until(b"over the web")
        ws.send(TEXT, b"as text\n")
        ws.read_until(b"as text")


def test_what_is_fragmented_and_interleaved_arrives_in_order(echo):
    with WebSocket(echo, PATH) as ws:
        ws.read_until(b"echo ready")
        ws.send(BINARY, b"one ", fin=False)
        ws.send(PING, b"between")
        assert ws.receive() == (PONG, b"between")
        ws.send(CONTINUATION, b"two ", fin=False)
        ws.send(CONTINUATION, b"three\n")
        ws.read_until(b"one two three")
        data = websocket.frame(BINARY, b"byte by byte\n")
        for i in range(len(data)):
            ws.socket.sendall(data[i:i + 1])
        ws.read_until(b"byte by byte")


def test_much_input_waits_for_the_guest(echo):
    lines = b"".join(b"line %04d of those that are typed fast\n" % i for i in range(500))
    with WebSocket(echo, PATH) as ws:
        ws.read_until(b"echo ready")
        for at in range(0, len(lines), 4000):
            ws.send(BINARY, lines[at:at + 4000])
            last, _ = ws.read_until(lines[at:at + 4000].splitlines()[-2])
        if b"line 0499" not in last:  # a message may have brought it already
            ws.read_until(b"line 0499")


def test_the_console_tells_of_its_vm(echo):
    with WebSocket(echo, PATH, "chat, socle-console") as ws:
        ws.read_until(b"echo ready")
        assert echo.post("/vms/echo/poweroff").status == 200
        opcode, payload = ws.receive()
        assert opcode == TEXT and json.loads(payload)["state"] == "stopped"
        ws.send(BINARY, b"nobody reads this\n")
        assert echo.post("/vms/echo/start").status == 200
        _, texts = ws.read_until(b"echo ready")
        assert json.loads(texts[-1])["state"] == "running"
        assert echo.delete("/vms/echo?force=true").status == 204
        assert ws.close_code() == 1001


def test_a_console_from_an_offset(echo, problem):
    written = echo.json("/vms/echo/consoles")[0]["bytes_total"]
    with WebSocket(echo, f"{PATH}?offset={written}", "socle-console") as ws:
        opcode, payload = ws.receive()
        assert opcode == TEXT and json.loads(payload)["offset"] == written
        ws.send(BINARY, b"new\n")
        output, _ = ws.read_until(b"new")
        assert b"ready" not in output
    problem(echo.get(f"{PATH}?offset=99999999", headers={"Upgrade": "websocket", "Connection": "upgrade",
                                                         "Sec-WebSocket-Version": "13"}), 416, "range")


def test_closing_is_answered(echo):
    with WebSocket(echo, PATH) as ws:
        ws.send(CLOSE, struct.pack(">H", 1000) + b"bye")
        assert ws.close_code() == 1000
    with WebSocket(echo, PATH) as ws:
        ws.send(CLOSE)
        assert ws.close_code() is None


@pytest.mark.parametrize("data,code", [
    (websocket.frame(BINARY, b"x", masked=False), 1002),
    (websocket.frame(0x3, b"x"), 1002),
    (websocket.frame(CONTINUATION, b"x"), 1002),
    (websocket.frame(PING, b"x", fin=False), 1002),
    (websocket.frame(PING, b"x" * 200), 1002),
    (websocket.frame(BINARY | 0x40, b"x"), 1002),
    (websocket.frame(BINARY, b"x", length=1 << 20), 1009),
    (websocket.frame(BINARY, b"x", length=(1 << 64) - 1), 1009),
    (websocket.frame(CLOSE, b"\x03"), 1002),
])
def test_what_is_no_websocket_is_cut_off(echo, data, code):
    with WebSocket(echo, PATH) as ws:
        ws.socket.sendall(data)
        assert ws.close_code() == code
    assert echo.state("echo") == "running"


def test_handshakes_that_are_refused(echo):
    def answer(headers, path=PATH, token=None):
        s, status, got, _ = handshake(echo, path, headers, token)
        s.close()
        return status, got

    status, got = answer({"Upgrade": None})
    assert status == 426 and got["upgrade"] == "websocket" and got["sec-websocket-version"] == "13"
    assert answer({"Upgrade": "h2c"})[0] == 426
    assert answer({"Connection": "close"})[0] == 426
    assert answer({"Sec-WebSocket-Version": "8"})[0] == 426
    for key in (None, "", "abc", "a" * 24, "dGhlIHNhbXBsZSBub25jZQ=="[:-1]):
        assert answer({"Sec-WebSocket-Key": key})[0] == 400, key
    assert answer({"Origin": "https://evil.example"})[0] == 403
    assert answer({"Origin": "null"})[0] == 403
    assert answer({"Origin": "https://socle"})[0] == 101
    assert answer({}, "/vms/none/consoles/0/ws")[0] == 404
    assert answer({}, "/vms/echo/consoles/1/ws")[0] == 404
    assert answer({"Authorization": None})[0] == 401
    assert answer({}, token=echo.make_token("viewer"))[0] == 403


def test_consoles_are_bounded_and_come_free(echo):
    sockets = [WebSocket(echo, PATH) for _ in range(32)]
    s, status, _, _ = handshake(echo, PATH)
    s.close()
    assert status == 503
    for ws in sockets:
        ws.send(CLOSE)
        ws.close_code()
        ws.socket.close()
    with WebSocket(echo, PATH) as ws:
        ws.read_until(b"echo ready")


def test_the_end_of_a_token_ends_its_console(echo):
    token = echo.make_token("operator")
    with WebSocket(echo, PATH, token=token) as ws:
        ws.read_until(b"echo ready")
        assert echo.delete(f"/tokens/{token.split('.')[1]}").status == 204
        with pytest.raises((EOFError, ConnectionError)):
            ws.receive()


# -- the last hour -----------------------------------------------------------------------------


def wait_history(machine, path, good):
    deadline = time.monotonic() + 60 * machine.patience
    while True:
        history = machine.json(path)
        if good(history):
            return history
        assert time.monotonic() < deadline, history
        with machine.changed:
            machine.changed.wait(0.5)


def test_the_history_of_a_vm(clean):
    clean.run_guest("echo")
    clean.wait_console("echo", "echo ready")
    history = wait_history(clean, "/vms/echo/metrics", lambda r: r["count"] >= 3)
    columns = history["columns"]
    assert set(columns) == {"run_millicpu", "steal_millicpu", "memory_bytes", "disk_read_bytes_per_s", "disk_written_bytes_per_s",
                            "net_received_bytes_per_s", "net_sent_bytes_per_s", "exits_per_s"}
    assert all(len(c) == history["count"] for c in columns.values())
    assert history["step_ms"] == 1000 and history["begin_ms"] + history["count"] * 1000 <= history["uptime_ms"]
    resident = clean.json("/vms/echo")["memory"]["resident_bytes"]
    assert abs(columns["memory_bytes"][-1] - resident) <= resident / 1000
    for i in range(20):
        clean.type("echo", f"work {i}\n")
    busy = wait_history(clean, f"/vms/echo/metrics?since_ms={history['uptime_ms']}", lambda r: sum(r["columns"]["exits_per_s"]) > 0)
    assert busy["begin_ms"] >= history["uptime_ms"] - 1000
    assert clean.post("/vms/echo/poweroff").status == 200
    off = wait_history(clean, f"/vms/echo/metrics?since_ms={clean.json('/vms/echo/metrics')['uptime_ms'] + 1000}", lambda r: r["count"] >= 2)
    assert all(v == 0 for c in off["columns"].values() for v in c[1:])
    whole = clean.json("/vms/echo/metrics?step_ms=3600000")
    assert whole["step_ms"] == 3600000 and whole["count"] == 0


def test_the_history_of_the_host(clean):
    memory = clean.json("/host")["memory"]  # what the VM before gave back is looked at within a second
    used = memory["total_bytes"] - memory["free_bytes"]
    history = wait_history(clean, "/host/metrics", lambda r: r["count"] >= 4 and abs(r["columns"]["memory_used_bytes"][-1] - used) < 4 << 20)
    cpus = [sum(v) for v in zip(*(history["columns"][c] for c in ("guest_millicpu", "host_millicpu", "idle_millicpu")))]
    assert all(1500 < c < 2500 for c in cpus[-3:]), cpus  # the first seconds are the boot's
    assert sum(history["columns"]["net_received_bytes_per_s"]) > 0
    halves = clean.json(f"/host/metrics?step_ms=2000&since_ms={history['begin_ms']}")
    assert halves["count"] * 2 <= history["count"] + 60 and halves["step_ms"] == 2000
    mean = sum(history["columns"]["memory_used_bytes"][2:4]) // 2
    assert halves["columns"]["memory_used_bytes"][1] == mean


def test_the_history_refuses_what_makes_no_sense(machine, problem):
    problem(machine.get("/vms/none/metrics"), 404, "no_such")
    problem(machine.get("/host/metrics?since_ms=-1"), 400, "bad_value")
    problem(machine.get("/host/metrics?step_ms=x"), 400, "bad_value")
    nothing_yet = machine.json("/host/metrics?since_ms=99999999999999")
    assert nothing_yet["count"] == 0
    assert set(nothing_yet["columns"]) == set(machine.json("/host/metrics")["columns"]) and not any(nothing_yet["columns"].values())
