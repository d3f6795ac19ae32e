# SPDX-License-Identifier: BSD-2-Clause
"""One machine is booted per test module; tests leave it as they found it, which is checked after each."""

import pytest

from machine import Machine, body_json


@pytest.fixture(scope="module")
def machine(request):
    options = getattr(request.module, "MACHINE", {})
    with Machine(**options) as m:
        yield m.wait_ready()


@pytest.fixture
def clean(machine):
    """Deletes the VMs and images a test made; what the host had free must be free again."""
    before = machine.free_bytes()
    yield machine
    for vm in machine.json("/vms")["items"]:
        machine.delete(f"/vms/{vm['name']}?force=true")
    for image in machine.json("/images")["items"]:
        assert machine.delete(f"/images/{image['name']}").status == 204
    assert machine.free_bytes() == before


@pytest.fixture
def problem():
    """Checks an error reply: status, type, and a hint for a person."""

    def check(reply, status, slug):
        assert reply.status == status, reply
        assert reply.headers["Content-Type"].startswith("application/problem+json")
        body = body_json(reply)
        assert body["type"] == f"urn:socle:error:{slug}", body
        assert body["status"] == status
        assert len(body["hint"]) > 10
        return body

    return check
