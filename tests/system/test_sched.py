# SPDX-License-Identifier: BSD-2-Clause
"""CPU time among VMs that spin: shares by weight, hard limits, and a host that answers all the while."""

import json
import re
import time

import pytest

from machine import BUILD, make_machine, vendor

MACHINE = {"smp": 1, "memory": "1G"}  # all VMs and the host on one CPU


def snapshot(m):
    """The host's uptime, and the time each VM has run so far: of one moment, as a reply takes a while."""
    text = m.get("/metrics").body.decode()
    seconds = {}
    for vm, value in re.findall(r'socle_vm_vcpu_seconds_total{vm="([^"]+)",vcpu="\d+",state="run"} (\S+)', text):
        seconds[vm] = seconds.get(vm, 0) + float(value)
    return float(re.search(r"(?m)^socle_uptime_seconds (\S+)", text).group(1)), seconds


def metric(m, name):
    return float(re.search(rf"(?m)^{re.escape(name)} (\S+)", m.get("/metrics").body.decode()).group(1))


def measure(m, host_seconds):
    """What each VM ran in a window of the host's time: seconds by VM, and the window."""
    start, before = end, after = snapshot(m)
    while end < start + host_seconds:
        with m.changed:
            m.changed.wait(0.5)
        end, after = snapshot(m)
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
    assert_shares(spinning, one=1, two=2, four=4)


def assert_shares(m, **weights):
    ran, _ = measure(m, 8)
    for name, weight in weights.items():
        share = weight / sum(weights.values())
        assert ran[name] / sum(ran.values()) == pytest.approx(share, rel=0.02), ran


def assert_limited(ran, window, millicpu):
    assert ran["limited"] / window == pytest.approx(millicpu / 1000, rel=0.02), (ran, window)


def idle_seconds(m):
    """Of all CPUs together."""
    text = m.get("/metrics").body.decode()
    return sum(map(float, re.findall(r'socle_cpu_seconds_total{cpu="\d+",mode="idle"} (\S+)', text)))


def test_a_limit_holds_and_the_rest_goes_to_others(spinning):
    spin(spinning, "limited", limit_millicpu=250, weight=10000)
    ran, window = measure(spinning, 8)  # alone: nobody else wants what it may not have
    assert_limited(ran, window, 250)
    spin(spinning, "free", weight=1)
    idle = idle_seconds(spinning)
    ran, window = measure(spinning, 8)
    assert_limited(ran, window, 250)
    assert ran["free"] > 0.5 * window, (ran, window)  # all but what the host takes to measure, that is:
    assert idle_seconds(spinning) - idle < 0.02 * window


def patch(m, name, body):
    reply = m.patch(f"/vms/{name}", body)
    assert reply.status == 200, reply
    return json.loads(reply.body)


def test_weights_and_limits_change_while_guests_run(spinning, problem):
    for name in ("one", "two", "limited"):
        spin(spinning, name, weight=100, limit_millicpu=100 if name == "limited" else 0)
    cpu = patch(spinning, "two", {"cpu": {"weight": 300}, "description": "more", "tags": ["a"]})["cpu"]
    assert cpu == {"count": 1, "weight": 300, "limit_millicpu": 0, "pins": [], "realtime": False}
    assert patch(spinning, "limited", {"cpu": {"limit_millicpu": 150}})["cpu"]["limit_millicpu"] == 150
    ran, window = measure(spinning, 8)
    assert_limited(ran, window, 150)  # its share by weight would be 200
    assert ran["two"] / ran["one"] == pytest.approx(3, rel=0.02), ran
    patch(spinning, "limited", {"cpu": {"limit_millicpu": None}})  # off, and back on for one that runs without
    assert_shares(spinning, one=1, two=3, limited=1)
    patch(spinning, "one", {"cpu": {"limit_millicpu": 10}})
    ran, window = measure(spinning, 4)
    assert ran["one"] < 0.02 * window

    error = problem(spinning.patch("/vms/one", {"cpu": {"count": 2}}), 409, "needs_stop")
    assert error["state"] == "running"
    problem(spinning.patch("/vms/one", {"name": "other"}), 400, "bad_value")
    assert problem(spinning.patch("/vms/one", {"cpu": {"weight": 0}}), 400, "bad_value")["pointer"] == "/cpu/weight"
    problem(spinning.patch("/vms/one", {"tags": None}, headers={"If-Match": '"0"'}), 412, "etag")
    problem(spinning.patch("/vms/none", {}), 404, "no_such")
    assert spinning.post("/vms/one/poweroff").status == 200
    reply = spinning.patch("/vms/one", {"cpu": {"count": 2}}, headers={"Content-Type": "application/merge-patch+json"})
    assert json.loads(reply.body)["cpu"]["count"] == 2


def test_a_wake_up_waits_for_one_exit_not_for_a_slice(spinning):
    """A guest that halts between timer interrupts, among some that spin: how long it waits is told."""
    spinning.upload_file("naps", f"{BUILD}/guests/naps.elf")
    for name in ("a", "b", "c"):
        spin(spinning, name)
    spinning.create_vm("sleeper", {"firmware": "pvh", "kernel": "naps"}, 16 << 20, cpu={"count": 1})
    spinning.wait_console("sleeper", r"VERDICT SUCCESS", timeout=120)
    count, seconds = (metric(spinning, f'socle_vm_wakeup_duration_seconds_{what}{{vm="sleeper"}}')
                      for what in ("count", "sum"))
    assert count > 50  # a nap of which the host took its time is over before it begins
    assert seconds / count < 0.005, (count, seconds)  # three slices of 5 ms if it had to queue


def test_a_spinner_lets_the_lock_holder_run(clean):
    """Two CPUs of a guest on one of the host's: work under a lock takes no longer because the other one waits for it."""
    clean.run_guest("spinlock", cpu={"count": 2})
    text, match = clean.wait_console("spinlock", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS", text
    percent = int(re.search(r"percent (\d+)", text).group(1))
    yields = metric(clean, 'socle_vm_spin_yields_total{vm="spinlock"}')
    if any(e["reason"] == "pause" for e in clean.json("/vms/spinlock/exits")):
        assert percent < 115 and yields > 0, (text, yields)  # about 200 without
    else:  # this CPU does not notice
        assert yields == 0, (text, yields)


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
    cpu = {"count": 1, "weight": 300, "limit_millicpu": 1500, "pins": [0], "realtime": False}
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
def three_cpus():
    with make_machine(smp=3, memory="1G") as m:
        m.wait_ready()
        m.upload_file("spin-cli", f"{BUILD}/guests/spin-cli.elf")
        yield m


@pytest.fixture
def three(three_cpus):
    """Two CPUs that do nothing but run VMs, beside the one that keeps house as well; without VMs."""
    yield three_cpus
    for vm in json.loads(three_cpus.get("/vms").body)["items"]:
        assert three_cpus.delete(f"/vms/{vm['name']}?force=true").status == 204


def cpu_seconds(m):
    """Guest time of each CPU of the host."""
    text = m.get("/metrics").body.decode()
    return {int(cpu): float(value) for cpu, value in
            re.findall(r'socle_cpu_seconds_total{cpu="(\d+)",mode="guest"} (\S+)', text)}


def wait_seconds(m):
    """Time that vCPUs were ready, but others ran."""
    text = m.get("/metrics").body.decode()
    return sum(map(float, re.findall(r'socle_vm_vcpu_seconds_total{[^}]*state="steal"} (\S+)', text)))


def test_pins_hold_and_idle_cpus_fetch_work(three, problem):
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
    for name in ("u", "v"):
        assert three.delete(f"/vms/{name}?force=true").status == 204


def has_its_due(ran, due):
    return all(ran[name] / sum(ran.values()) == pytest.approx(cpus / sum(due.values()), rel=0.1) for name, cpus in due.items())


def assert_cpus_shared(m, windows=5, **vms):
    """CPUs that VMs get: name=(weight, what it is due). Two CPUs are among them. An emulated CPU that its host holds up for
    longer than lag counts is not made up for, so one window of several without that will do; test_balance.c is exact."""
    for name, (weight, _) in vms.items():
        spin(m, name, weight=weight, pins=[1, 2])
    measure(m, 3)  # what they had before the last one came is no matter
    seen = []
    while not seen or not has_its_due(seen[-1], {name: due for name, (_, due) in vms.items()}):
        assert len(seen) < windows, seen
        ran, window = measure(m, 8)
        assert sum(ran.values()) > 1.9 * window, (ran, window)
        seen.append(ran)
    for name in vms:
        assert m.delete(f"/vms/{name}?force=true").status == 204


def test_shares_hold_over_all_cpus(three):
    """Whatever the number of VMs: they take turns at moving between CPUs."""
    assert_cpus_shared(three, a=(100, 2 / 3), b=(100, 2 / 3), c=(100, 2 / 3))
    assert_cpus_shared(three, one=(100, 0.4), two=(200, 0.8), also=(200, 0.8))
    assert_cpus_shared(three, one=(100, 1 / 3), two=(200, 2 / 3), four=(400, 1))  # no vCPU can have more than one


def test_vms_use_all_cpus(three):
    """The one that keeps house, too, and the host answers all the while."""
    for name in ("a", "b", "c"):
        spin(three, name)
    measure(three, 1)
    idle = idle_seconds(three)
    ran, window = measure(three, 3)
    assert sum(ran.values()) > 2.2 * window, (ran, window)  # the rest is the host's, which takes it to measure
    assert idle_seconds(three) - idle < 0.02 * window
    assert three.get("/health").status == 200


def test_a_real_time_vm_has_its_cpus_for_itself(three, problem):
    """Of CPUs 1 and 2 it takes one, from under VMs that spin there, and gives it back."""
    def no_room(reply, text):
        assert text in problem(reply, 507, "no_space")["detail"], reply

    for name in ("general", "other"):
        spin(three, name, pins=[1, 2])
    body = {"boot": {"firmware": "pvh", "kernel": "spin-cli"}, "memory": {"size_bytes": 16 << 20}}
    no_room(three.put("/vms/rt?start=true", {**body, "cpu": {"count": 2, "realtime": True}}),
            "needs 2 of the host's 3 CPUs for itself, and 1 can be spared")
    spin(three, "rt", realtime=True)
    measure(three, 1)  # what one had more than the other, on a CPU of its own each, counts for a while
    before = wait_seconds(three)
    ran, window = measure(three, 3)
    assert ran["rt"] > 0.98 * window, (ran, window)
    assert ran["general"] + ran["other"] < 1.02 * window, (ran, window)  # the one that is left
    assert ran["general"] == pytest.approx(ran["other"], rel=0.1), ran
    assert wait_seconds(three) - before > 0.8 * window
    no_room(three.put("/vms/pinned?start=true", {**body, "cpu": {"pins": [1]}}), "Real-time VMs have all CPUs")
    reply = three.put("/vms/limited", {**body, "cpu": {"realtime": True, "limit_millicpu": 10}})
    assert problem(reply, 422, "semantic")["pointer"] == "/cpu/limit_millicpu"
    assert three.delete("/vms/rt?force=true").status == 204
    measure(three, 0.2)
    before = wait_seconds(three)
    measure(three, 1)
    assert wait_seconds(three) - before < 0.1  # each has a CPU again


def reasons(m, vm):
    return {row["reason"]: row["count"] for row in json.loads(m.get(f"/vms/{vm}/exits").body)}


def exits(m, vm):
    return sum(reasons(m, vm).values())


def check_disturbed(m, before, start_s, times):
    """The VM left guest mode so often since, for host interrupts alone; and once a second where a timer has to look after it."""
    now = reasons(m, "rt")
    looks = int(snapshot(m)[0] - start_s) + 1 if vendor() == "intel" else 0
    more = {reason: now[reason] - before.get(reason, 0) for reason in now if now[reason] != before.get(reason, 0)}
    assert set(more) <= {"host_irq"} and times <= more.get("host_irq", 0) <= times + looks, more


def test_nothing_interrupts_a_real_time_vm(three):
    """Neither ticks nor devices nor the API nor other VMs: it computes, and does not leave guest mode. When one of them
    goes, its stack's address is forgotten by all CPUs. On VT-x a timer looks after it once a second."""
    spin(three, "rt", realtime=True)
    for name in ("general", "other"):
        spin(three, name)
    measure(three, 0.5)
    start_s, before = snapshot(three)[0], reasons(three, "rt")
    others = exits(three, "general") + exits(three, "other")
    measure(three, 1)
    spin(three, "guest")
    measure(three, 1)
    assert exits(three, "general") + exits(three, "other") > others + 50
    check_disturbed(three, before, start_s, 0)
    assert three.delete("/vms/guest?force=true").status == 204
    check_disturbed(three, before, start_s, 1)


def test_more_cpus_than_the_host_has(spinning):
    """Seven CPUs of one VM on one of the host's, beside a VM that spins: IPIs arrive in time, and both go on."""
    spin(spinning, "other")
    spinning.run_guest("smp", cpu={"count": 7})
    text, match = spinning.wait_console("smp", r"VERDICT (\w+)([^\n]*)\n", timeout=180)
    assert match.group(1) == "SUCCESS" and "7 CPUs" in text, text
    ran, window = measure(spinning, 1)
    assert ran["other"] > 0.7 * window, (ran, window)
