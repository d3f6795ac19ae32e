# SPDX-License-Identifier: BSD-2-Clause
"""Uploads that are cut off and resumed, over TLS and with every kind of end."""

import base64
import hashlib
import json
import os
import time

import pytest

from backend import API

pytestmark = pytest.mark.slow  # the same on every processor
MACHINE = {"smp": 2, "memory": "1G"}

MiB = 1 << 20


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def repr_digest(data):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(data).digest()).decode() + ":"


def cut_off(machine, name, data, sent, method="PUT", chunked=False, **headers):
    """Begins to send an image and breaks the connection after `sent` bytes, when the host has taken them."""
    headers = {"Upload-Complete": "?1", **{k.replace("_", "-"): v for k, v in headers.items()}}
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(data)}"
    head = f"{method} {API}/images/{name} HTTP/1.1\r\nHost: h\r\n{length}\r\n".encode() + machine.authorization()
    head += "".join(f"{k}: {v}\r\n" for k, v in headers.items() if v is not None).encode() + b"\r\n"
    start = int(headers.get("Upload-Offset", 0))
    with machine.socket() as s:
        s.sendall(head)
        if chunked:  # the last chunk promises more than comes
            s.sendall(f"{sent:x}\r\n".encode() + data[:sent] + b"\r\n" + b"ffffff\r\n")
        else:
            s.sendall(data[:sent])
        wait_offset(machine, name, start + sent)


def wait_offset(machine, name, wanted):
    deadline = time.monotonic() + 60 * machine.patience
    while offset(machine, name) != wanted:
        assert time.monotonic() < deadline, (offset(machine, name), wanted)


def offset(machine, name):
    reply = machine.request("HEAD", f"/images/{name}")
    return int(reply.headers["Upload-Offset"]) if reply.status == 200 else None


def resume(machine, name, data, at, **headers):
    headers = {"Upload-Offset": str(at), **{k.replace("_", "-"): v for k, v in headers.items()}}
    return machine.patch(f"/images/{name}", data[at:], headers=headers)


def item(machine, name):
    return next((i for i in machine.json("/images")["items"] if i["name"] == name), None)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_was_cut_off_goes_on(clean, chunked):
    data = os.urandom(5 * MiB + 77)
    cut_off(clean, "i", data, 2 * MiB + 5, chunked=chunked)
    at = offset(clean, "i")
    assert at == 2 * MiB + 5
    partial = item(clean, "i")
    assert (partial["state"], partial["size_bytes"], "sha256" in partial) == ("uploading", at, False)
    assert clean.get("/images/i/data").status == 404
    reply = resume(clean, "i", data, at, Repr_Digest=repr_digest(data))
    made = json.loads(reply.body)
    assert (reply.status, made["state"], made["sha256"]) == (201, "ready", sha256(data)), made
    assert reply.headers["Upload-Offset"] == str(len(data)) and reply.headers["Upload-Complete"] == "?1"
    assert clean.get("/images/i/data").body == data
    assert len(clean.json("/images")["items"]) == 1


def test_it_can_be_cut_off_many_times(clean):
    data = os.urandom(2 * MiB)
    cut_off(clean, "i", data, 300000)
    for at in range(300000, 1800000, 300000):
        cut_off(clean, "i", data[at:], 300000, "PATCH", Upload_Offset=at)
    reply = resume(clean, "i", data, 1800000)
    assert reply.status == 201 and json.loads(reply.body)["sha256"] == sha256(data)


def test_a_client_may_send_it_in_parts(clean):
    data = os.urandom(1 * MiB)
    part = {"Upload-Complete": "?0"}
    reply = clean.put("/images/i?kind=iso", data[:1000], headers=part)
    assert reply.status == 202 and json.loads(reply.body)["state"] == "uploading"
    assert (reply.headers["Upload-Offset"], reply.headers["Upload-Complete"]) == ("1000", "?0")
    reply = clean.patch("/images/i", data[1000:70000], headers={**part, "Upload-Offset": "1000"})
    assert (reply.status, reply.headers["Upload-Offset"]) == (204, "70000")
    reply = resume(clean, "i", data, 70000)
    made = json.loads(reply.body)
    assert (reply.status, made["kind"], made["sha256"]) == (201, "iso", sha256(data))


def test_another_offset_is_refused_and_the_right_one_told(clean, problem):
    data = os.urandom(100000)
    cut_off(clean, "i", data, 60000)
    for wrong in (0, 59999, 60001, 2 ** 64 - 1):
        reply = clean.patch("/images/i", b"x", headers={"Upload-Offset": str(wrong)})
        assert "60000" in problem(reply, 409, "offset")["detail"] and reply.headers["Upload-Offset"] == "60000"
    problem(clean.patch("/images/i", b"x"), 400, "bad_value")
    problem(clean.patch("/images/i", b"x", headers={"Upload-Offset": "x"}), 400, "bad_value")
    problem(clean.patch("/images/i", b"x", headers={"Upload-Offset": "60000", "Upload-Complete": "1"}), 400, "bad_value")
    problem(clean.patch("/images/none", b"x", headers={"Upload-Offset": "0"}), 404, "no_such")
    assert resume(clean, "i", data, 60000).status == 201
    reply = resume(clean, "i", data, 60000)
    assert problem(reply, 409, "state")["state"] == "ready" and reply.headers["Upload-Complete"] == "?1"


def test_what_comes_is_checked_as_a_whole(clean, problem):
    data = os.urandom(100000)
    wrong = data[:99999] + bytes([data[99999] ^ 1])
    cut_off(clean, "i", data, 60000, Repr_Digest=repr_digest(data))
    problem(resume(clean, "i", wrong, 60000), 422, "digest")  # by the first request's digest
    assert clean.json("/images")["items"] == []
    cut_off(clean, "i", data, 60000)
    problem(resume(clean, "i", data, 60000, Repr_Digest=repr_digest(wrong)), 422, "digest")
    cut_off(clean, "i", data, 60000)
    problem(resume(clean, "i", data[:-1], 60000), 400, "bad_value")  # shorter than it was said to be
    problem(clean.put("/images/i", b"x", headers={"Repr-Digest": "sha-256=:AAAA:"}), 400, "bad_value")
    assert clean.json("/images")["items"] == []


def test_without_the_header_nothing_stays(clean):
    free = clean.free_bytes()
    cut_off(clean, "i", os.urandom(3 * MiB), 2 * MiB, Upload_Complete=None)
    deadline = time.monotonic() + 30 * clean.patience
    while clean.json("/images")["items"]:
        assert time.monotonic() < deadline
    assert clean.free_bytes() == free and offset(clean, "i") is None


def test_deleting_ends_an_upload(clean, problem):
    free = clean.free_bytes()
    cut_off(clean, "i", os.urandom(3 * MiB), 2 * MiB)
    assert clean.free_bytes() < free
    assert clean.delete("/images/i").status == 204
    assert clean.free_bytes() == free
    problem(clean.delete("/images/i"), 404, "no_such")
    problem(clean.patch("/images/i", b"x", headers={"Upload-Offset": str(2 * MiB)}), 404, "no_such")


def test_who_goes_on_takes_over_from_a_connection_that_hangs(clean):
    data = os.urandom(500000)
    with clean.socket() as s:
        s.sendall(f"PUT {API}/images/i HTTP/1.1\r\nHost: h\r\nUpload-Complete: ?1\r\nContent-Length: {len(data)}\r\n".encode()
                  + clean.authorization() + b"\r\n" + data[:200000])
        wait_offset(clean, "i", 200000)
        reply = resume(clean, "i", data, 200000)
        assert reply.status == 201 and json.loads(reply.body)["sha256"] == sha256(data)


def test_an_older_image_stays_until_the_new_one_is_complete(clean):
    clean.upload("i", b"old", "raw")
    data = os.urandom(100000)
    cut_off(clean, "i", data, 60000)
    assert clean.get("/images/i/data").body == b"old" and item(clean, "i")["state"] == "ready"
    assert resume(clean, "i", data, 60000).status == 201
    assert clean.get("/images/i/data").body == data
    cut_off(clean, "i", data, 60000)
    assert clean.put("/images/i", b"new").status == 201  # begins anew
    assert offset(clean, "i") == 3
    cut_off(clean, "i", data, 60000)
    assert clean.delete("/images/i").status == 204  # both
    assert clean.json("/images")["items"] == []


def test_they_are_bounded(clean):
    """The seventeenth pushes out the one that has rested longest."""
    data = os.urandom(3000)
    for i in range(17):
        cut_off(clean, f"i{i:02}", data, 2000)
    assert [i["name"] for i in clean.json("/images")["items"]] == [f"i{i:02}" for i in range(1, 17)]
    assert [i["name"] for i in clean.json("/images?limit=2&after=i03")["items"]] == ["i04", "i05"]


def test_roles(clean, problem):
    cut_off(clean, "i", b"x" * 3000, 2000)
    viewer = clean.make_token("viewer")
    assert clean.request("HEAD", "/images/i", token=viewer).headers["Upload-Offset"] == "2000"
    problem(clean.patch("/images/i", b"x", headers={"Upload-Offset": "2000"}, token=viewer), 403, "role")
