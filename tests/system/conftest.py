# SPDX-License-Identifier: BSD-2-Clause
"""One machine is booted per test module; tests leave it as they found it, which is checked after each."""

import pytest

from backend import Backend, body_json
from bochs import MODELS
from machine import make_machine, uses_bochs


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="under Bochs, also run what make test leaves out there")
    parser.addoption("--parts", metavar="I,J/N", help="the modules are dealt to N parts; run the Ith and the Jth")


def pytest_configure(config):
    config.addinivalue_line("markers", "qemu(reason): needs what only QEMU has; says what")
    config.addinivalue_line("markers", "slow: under Bochs it runs with --slow only")
    config.addinivalue_line("markers", "soak: minutes of load; it runs with --slow only (make test-all)")


def deal(config, items):
    """Leaves those modules that --parts names, so that several runs at once do the whole together."""
    if not config.getoption("--parts"):
        return
    parts, count = config.getoption("--parts").split("/")
    modules = sorted({item.path for item in items})
    mine = {path for part in parts.split(",") for path in modules[int(part) - 1::int(count)]}
    config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
    items[:] = [item for item in items if item.path in mine]


def pytest_collection_modifyitems(config, items):
    deal(config, items)
    for item in items:
        if item.get_closest_marker("soak") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="minutes of load; make test-all runs it"))
    if not uses_bochs():
        return
    for item in items:
        qemu = item.get_closest_marker("qemu")
        if qemu:
            item.add_marker(pytest.mark.skip(reason=qemu.args[0]))
        elif item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow under Bochs; make test-all runs it"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the machines that are up have to say about a failure."""
    report = (yield).get_result()
    if report.failed:
        for m in Backend.running:
            report.sections.append((m.description, m.keep_evidence()))


def pytest_generate_tests(metafunc):
    """Modules with MODELS run once for each way a processor can serve the local APIC. KVM has the host's only."""
    if "machine" in metafunc.fixturenames and uses_bochs() and hasattr(metafunc.module, "MODELS"):
        metafunc.parametrize("machine", metafunc.module.MODELS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def machine(request):
    """TLS costs Bochs seconds for each connection: there only modules that ask for it have it."""
    options = {"tls": not uses_bochs(), **getattr(request.module, "MACHINE", {})}
    if hasattr(request, "param"):
        options["cpu"] = MODELS[request.param]
    with make_machine(**options) as m:
        yield m.wait_ready()


@pytest.fixture
def clean(machine):
    """Deletes the VMs, volumes and images a test made; what the host had free must be free again."""
    before = machine.free_bytes()
    yield machine
    for vm in machine.json("/vms")["items"]:
        machine.delete(f"/vms/{vm['name']}?force=true")
    for volume in machine.json("/volumes")["items"]:
        assert machine.delete(f"/volumes/{volume['name']}").status == 204
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
