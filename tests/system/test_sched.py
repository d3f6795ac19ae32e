# SPDX-License-Identifier: BSD-2-Clause
"""CPU time among VMs that spin: shares by weight, hard limits, and a host that answers all the while."""

import re
import time

import pytest

from machine import BUILD, make_machine

MACHINE = {"smp": 1, "memory": "1G"}  # all VMs and the host on one CPU


def run_seconds(m):
    """Time in guest mode of each VM so far."""
    text = m.get("/metrics").body.decode()
    seconds = {}
    for vm, value in re.findall(r'socle_vm_vcpu_seconds_total{vm="([^"]+)",vcpu="\d+",state="run"} (\S+)', text):
        seconds[vm] = seconds.get(vm, 0) + float(value)
    return seconds


def uptime(m):
    return float(re.search(r"(?m)^socle_uptime_seconds (\S+)", m.get("/metrics").body.decode()).group(1))


def measure(m, host_seconds):
    """What each VM ran in a window of the host's time: seconds by VM, and the window."""
    start, before = uptime(m), run_seconds(m)
    while uptime(m) < start + host_seconds:
        with m.changed:
            m.changed.wait(0.2)
    after, end = run_seconds(m), uptime(m)
    return {vm: after[vm] - before[vm] for vm in after}, end - start


def start(m, name, **cpu):
    m.create_vm(name, {"firmware": "pvh", "kernel": "spin-cli"}, 16 << 20, cpu={"count": 1, **cpu})


def spin(m, name, **cpu):
    start(m, name, **cpu)
    m.wait_console(name, r"spinning")


@pytest.fixture
def spinning(clean):
    clean.upload_file("spin-cli", f"{BUILD}/guests/spin-cli.elf")
    return clean


def test_shares_follow_weights(spinning):
    for name, weight in (("one", 100), ("two", 200), ("four", 400)):
        spin(spinning, name, weight=weight)
    ran, _ = measure(spinning, 6)
    total = sum(ran.values())
    for name, share in (("one", 1 / 7), ("two", 2 / 7), ("four", 4 / 7)):
        assert ran[name] / total == pytest.approx(share, rel=0.06), ran


def test_a_limit_holds_and_the_rest_goes_to_others(spinning):
    spin(spinning, "limited", limit_millicpu=250, weight=10000)
    ran, window = measure(spinning, 3)  # alone: nobody else wants what it may not have
    assert 0.15 < ran["limited"] / window < 0.256, (ran, window)
    spin(spinning, "free", weight=1)
    ran, window = measure(spinning, 3)
    assert 0.15 < ran["limited"] / window < 0.256, (ran, window)
    assert ran["free"] > 0.5 * window, (ran, window)


def test_the_host_answers_while_guests_spin(spinning):
    for name in ("a", "b", "c"):
        spin(spinning, name, weight=10000)
    worst = 0
    for _ in range(20):
        start = time.monotonic()
        assert spinning.get("/health").status == 200
        worst = max(worst, time.monotonic() - start)
    assert worst < 1.0


def test_a_limited_vm_stops_at_once(spinning):
    """Not when its limit lets it run again, a tenth of a second later."""
    start(spinning, "slow", limit_millicpu=1)
    assert spinning.post("/vms/slow/pause").status == 200
    assert spinning.post("/vms/slow/resume").status == 200
    assert spinning.post("/vms/slow/poweroff").status == 200
    assert spinning.state("slow") == "stopped"


def test_the_definition_comes_back(clean):
    cpu = {"count": 1, "weight": 300, "limit_millicpu": 1500, "pins": [0]}
    clean.create_vm("defined", {"firmware": "pvh", "kernel": "none"}, start=False, cpu=cpu)
    assert clean.json("/vms/defined")["cpu"] == cpu


def test_mistakes_are_told(clean, problem):
    def put(cpu):
        return clean.put("/vms/wrong", {"boot": {"firmware": "pvh", "kernel": "none"}, "cpu": cpu})

    assert problem(put({"weight": 0}), 400, "bad_value")["pointer"] == "/cpu/weight"
    assert problem(put({"weight": 10001}), 400, "bad_value")["pointer"] == "/cpu/weight"
    assert problem(put({"limit_millicpu": 64001}), 400, "bad_value")["pointer"] == "/cpu/limit_millicpu"
    assert problem(put({"pins": [256]}), 400, "bad_value")["pointer"] == "/cpu/pins/0"


@pytest.fixture(scope="module")
def three():
    """Two CPUs for VMs, beside the one that does the housekeeping."""
    with make_machine(smp=3, memory="1G") as m:
        yield m.wait_ready()


def cpu_seconds(m):
    """Guest time of each CPU of the host."""
    text = m.get("/metrics").body.decode()
    return {int(cpu): float(value) for cpu, value in
            re.findall(r'socle_cpu_seconds_total{cpu="(\d+)",mode="guest"} (\S+)', text)}


def wait_seconds(m):
    """Time that vCPUs were ready, but others ran."""
    text = m.get("/metrics").body.decode()
    return sum(map(float, re.findall(r'socle_vm_vcpu_seconds_total{[^}]*state="wait"} (\S+)', text)))


def test_pins_hold_and_idle_cpus_fetch_work(three, problem):
    three.upload_file("spin-cli", f"{BUILD}/guests/spin-cli.elf")
    for name in ("x", "y"):
        spin(three, name, pins=[2])
    before = cpu_seconds(three)
    ran, window = measure(three, 2)
    after = cpu_seconds(three)
    assert after[1] == before[1] and after[2] - before[2] > 0.5 * window  # idle as CPU 1 is, pins are pins
    assert ran["x"] == pytest.approx(ran["y"], rel=0.1)

    spin(three, "u")
    spin(three, "v")
    measure(three, 0.2)
    for name in ("x", "y"):
        assert three.delete(f"/vms/{name}?force=true").status == 204
    before = wait_seconds(three)
    assert before > 0  # they shared CPU 1
    measure(three, 1)
    assert wait_seconds(three) - before < 0.1  # now each has a CPU

    reply = three.put("/vms/w", {"boot": {"firmware": "pvh", "kernel": "spin-cli"}, "cpu": {"pins": [1, 3]}})
    assert problem(reply, 422, "semantic")["pointer"] == "/cpu/pins"
