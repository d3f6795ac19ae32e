# SPDX-License-Identifier: BSD-2-Clause
"""`make bench`: speed and size in instructions and bytes, never in wall time.

QEMU runs with -icount shift=0,sleep=off on one CPU: the TSC counts one tick per instruction, so every nanosecond the
host or a guest reads is one instruction, whatever else this machine does. Values go to build/bench.json as well.

Rows without "TLS" are measured over plain HTTP; those with it on a machine whose clock keeps to ours while it is idle
(sleep=on), for else the server's time-outs would pass while the client computes.

With CPU=intel, what a guest can measure by itself is measured under Bochs, whose TSC counts instructions too, and
printed beside AMD's; the host's clock counts nanoseconds of 1 / ips there, so the other rows are AMD's alone.
"""

import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

from bochs import MODELS  # noqa: E402
from machine import API, BUILD, DISKS, Machine, disk_args, igb_qemu, make_machine, uses_bochs, vendor  # noqa: E402

GETS = 200
UPLOAD_BYTES = 4 << 20
HANDSHAKES = 10
READS = 4000
DISK_REQUESTS = 1000
PORTS = 256


class Table:
    def __init__(self):
        self.rows = []

    def add(self, number, metric, value, target, peer, unit="instructions", amd=None):
        row = {"id": number, "metric": metric, "value": value, "target": target, "best_peer": peer, "unit": unit}
        self.rows.append(row if amd is None else {**row, "amd": amd})

    def show(self, name="bench.json"):
        has_amd = any("amd" in r for r in self.rows)
        amd = f" {'AMD':>14}" if has_amd else ""
        print(f"{'':4} {'metric':67} {'value':>14}{amd} {'target':>14}  best peer")
        for r in self.rows:
            value = f"{r['value']:,}" if isinstance(r["value"], int) else f"{r['value']:.4f}"
            target = f"{r['target']:,}" if isinstance(r["target"], int) else str(r["target"])
            amd = f" {r.get('amd', ''):>14,}" if has_amd else ""
            print(f"{r['id']:4} {r['metric'] + ' [' + r['unit'] + ']':67} {value:>14}{amd} {target:>14}  "
                  f"{r['best_peer']}")
        with open(f"{BUILD}/{name}", "w") as f:
            json.dump(self.rows, f, indent=1)


def metric(text, name):
    """Sum of a metric over its labels, as an integer of nanoseconds if it is seconds."""
    return sum(float(v) for v in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M))


def busy_ns(m, connection):
    """Host time not spent idle: with -icount, instructions. Both from one answer, between which nothing idles."""
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    idle = metric(text, r"socle_cpu_seconds_total\{[^}]*mode=\"idle\"[^}]*\}")
    return round((metric(text, "socle_uptime_seconds") - idle) * 1e9)


def run_bench_guest(m, guest="bench", runs=2, **more):
    """Runs a micro-guest that measures; the second run finds memory already scrubbed. Returns its values."""
    values = {}
    m.upload_file("bench", f"{BUILD}/guests/{guest}.elf")
    for _ in range(runs):
        m.create_vm("bench", {"firmware": "pvh", "kernel": "bench"}, 128 << 20, **more)
        text, _ = m.wait_console("bench", r"VERDICT [^\n]*\n", timeout=600)
        m.wait_state("bench", "stopped", timeout=120)
        assert "VERDICT SUCCESS" in text, text
        values = {k: int(v) for k, v in re.findall(r"BENCH (\w+) (\d+)", text)}
        values["exits"] = {e["reason"]: e["count"] for e in m.json("/vms/bench/exits")}
        m.delete("/vms/bench?force=true")
        while m.json("/host")["memory"]["dirty_bytes"]:
            pass
    m.delete("/images/bench")
    return values


EXITS = (
    ("P1", "CPUID exit, guest-seen median", "cpuid", 150, "KVM 2,871"),
    ("P2", "hypercall exit, guest-seen median", "hypercall", 110, "KVM 3,081"),
    ("P3", "OUT to the UART, guest-seen median", "uart_out", 200, "KVM 4,773"),
    ("P4", "MMIO read of the IOAPIC, guest-seen median", "mmio_read", 450, "KVM 3,879"),
    ("P4", "MMIO read of the local APIC, guest-seen median", "lapic_read", 450, "-"),
)


def bench_exits(m, table):
    v = run_bench_guest(m)
    for number, metric, key, target, peer in EXITS:
        table.add(number, metric, v[key], target, peer)
    table.add("P10", "VM built to first guest instruction, zeroing apart", v["entry_tsc"], 400000, "-")


def bench_boot(m, table):
    stages = {s["name"]: s["ns"] for s in m.json("/host")["boot"]["stages"]}
    table.add("P9", "entry of BOOTX64.EFI to endpoint listening", stages["agent_ready"], 60000000, "Xen 4.9e9")


def busy_during(m, connection, work):
    """Instructions of the host for the work, those for asking apart."""
    before = busy_ns(m, connection)
    after = busy_ns(m, connection)
    work()
    return busy_ns(m, connection) - after - (after - before)


def bench_gets(m, table):
    connection = m.connect()

    def work(path):
        for _ in range(GETS):
            connection.request("GET", f"{API}{path}")
            connection.getresponse().read()

    total = busy_during(m, connection, lambda: work("/health"))
    table.add("P13", f"GET /health with keep-alive, mean of {GETS}", total // GETS, 25000, "nginx in Linux")
    total = busy_during(m, connection, lambda: work("/images"))
    table.add("P13", "GET /images (there are none), whose token is checked", total // GETS, "-", "-")


def bench_tls(table):
    """The same over TLS; a client's time-outs want a clock that does not run away while the host is idle."""
    with Machine(smp=1, memory="1G", icount="paced") as m:
        m.wait_ready(timeout=900)
        connection, data = m.connect(), bytes(UPLOAD_BYTES)

        def handshakes():
            for _ in range(HANDSHAKES):
                m.socket().close()

        def gets():
            for _ in range(GETS):
                connection.request("GET", f"{API}/health")
                connection.getresponse().read()

        table.add("P13", "TLS 1.3 handshake with X25519 and its connection", busy_during(m, connection, handshakes) // HANDSHAKES,
                  "-", "-")
        table.add("P13", "GET /health over TLS with keep-alive", busy_during(m, connection, gets) // GETS, 25000,
                  "nginx in Linux")
        upload = busy_during(m, connection, lambda: m.upload("tls", data))
        table.add("P13", "upload over TLS, per byte", upload / UPLOAD_BYTES, "-", "-")


def frames(m):
    text = m.get("/metrics").body.decode()
    return metric(text, "socle_nic_receive_frames_total") + metric(text, "socle_nic_transmit_frames_total")


def cost_of_frame(m):
    """Instructions for each frame received or sent during an upload, TCP and the image's SHA-256 included."""
    data, before = bytes(UPLOAD_BYTES), frames(m)
    total = busy_during(m, m.connect(), lambda: m.upload("frames", data))
    m.delete("/images/frames")
    return round(total / (frames(m) - before))


def bench_nics(table):
    """The host's drivers compared: each in a machine of its own, like the one of the other rows but for the card."""
    for nic in ("e1000e", "e1000", "virtio-net-pci", *(["igb"] if igb_qemu() else [])):
        with Machine(smp=1, memory="1G", icount=True, tls=False, nic=nic) as m:
            m.wait_ready(timeout=900)
            table.add("P13", f"upload, per frame received or sent, {nic}", cost_of_frame(m), "-", "-")
            v = run_bench_guest(m, "bench-net", 1, nics=[{"id": "net0", "network": "uplink"}])
            table.add("P5", f"virtio-net TX per frame of 1514, 32 at a time, by {nic}", v["net_32_1514"], "-", "-")
            table.add("P5", f"virtio-net TX, segment of 44 frames, per frame, by {nic}", v["net_segment"], "-", "-")


def bench_timer(m, table):
    v = run_bench_guest(m, "bench-tick", 1)
    exits = sum(count for reason, count in v["exits"].items() if reason != "io")  # the console's are not the tick's
    table.add("P8", "250 Hz tick: hypervisor and handler / computing", (v["loud"] - v["quiet"]) / v["quiet"], "0.0005",
              "KVM, Xen", "ratio")
    table.add("P8", "exits per tick", exits / v["ticks"], "3", "KVM, Xen", "exits")
    v = run_bench_guest(m, "bench-timer", 1)
    table.add("P15", "timer expiry to the handler, guest running, median", v["busy"], 600, "KVM")
    table.add("P15", "timer expiry to the handler, guest running, worst of 201", v["busy_worst"], 2 * v["busy"], "KVM")
    table.add("P15", "timer expiry to the handler, guest halted, median", v["halted"], 600, "KVM")


OCTETS = {"Content-Type": "application/octet-stream"}
READ, WRITE = 0, 1


def order(count, depth, kind=READ):
    """What bench-blk reads from its disk's first bytes, the rest not zeroes, so that all of it is mapped."""
    return struct.pack("<4sIII", b"bblk", count, depth, kind).ljust(1 << 20, b".")


def host_seconds(m):
    """Of the host's tasks: drivers, pools, the agent."""
    return metric(m.get("/metrics").body.decode(), r"socle_cpu_seconds_total\{[^}]*mode=\"host\"[^}]*\}")


def cost_of_requests(m, what, **volume):
    """Instructions of a VM's exits, how many there were, and those of the host's tasks, while it does what its disk's first bytes say."""
    m.put("/volumes/order", {"size_bytes": 1 << 20, **volume})
    m.put("/volumes/order/data", what, headers=OCTETS)
    m.create_vm("reads", {"firmware": "pvh", "kernel": "reads"}, 16 << 20, start=False, disks=[{"id": "d", "volume": "order"}])
    connection = m.connect()  # one that waits: asking again and again would be counted
    before = host_seconds(m)
    m.post("/vms/reads/start")
    connection.request("GET", f"{API}/vms/reads/consoles/0/log?follow=true")
    reply, text = connection.getresponse(), b""
    while not re.search(rb"VERDICT [^\n]*\n", text):
        text += reply.read1(4096)
    tasks = host_seconds(m) - before
    connection.close()
    assert b"VERDICT SUCCESS" in text, text
    m.wait_state("reads", "stopped", timeout=120)
    exits = m.json("/vms/reads/exits")
    m.delete("/vms/reads?force=true")
    m.delete("/volumes/order")
    return sum(e["total_ns"] for e in exits), sum(e["count"] for e in exits), tasks * 1e9


def bench_reads(m, table):
    """virtio-blk on a volume in RAM, which answers in the doorbell's exit: what a VM costs that reads, beyond one that does not."""
    m.upload_file("reads", f"{BUILD}/guests/bench-blk.elf")
    base, base_exits, _ = cost_of_requests(m, order(0, 1), pool="ram")
    for depth, target in ((1, 2500), (8, "-")):
        cost, exits, _ = cost_of_requests(m, order(READS, depth), pool="ram")
        table.add("P6", f"virtio-blk 4 KiB read, RAM, {depth} at once, hypervisor side", (cost - base) // READS, target, "KVM + QEMU")
        table.add("P6", f"virtio-blk 4 KiB read, RAM, {depth} at once", (exits - base_exits) / READS, "2" if depth == 1 else "-",
                  "KVM + QEMU", "exits")
    m.delete("/images/reads")


def bench_disk_requests(m, kind, table):
    """The same on a volume of a pool: exits and tasks together, so the driver and its interrupts are counted."""
    with open(f"{BUILD}/guests/bench-blk.elf", "rb") as f:
        m.put("/images/reads?kind=kernel&pool=ram", f.read(), headers=OCTETS)
    base = cost_of_requests(m, order(0, 1), pool="tank")
    for name, number in (("read", READ), ("write in place", WRITE)):
        for depth in (1, 4, 8):
            v = cost_of_requests(m, order(DISK_REQUESTS, depth, number), pool="tank")
            table.add("P6", f"4 KiB {name}, pool on {kind}, {depth} at once, exits and tasks",
                      round((v[0] + v[2] - base[0] - base[2]) / DISK_REQUESTS), "-", "KVM + QEMU")
            table.add("P6", f"4 KiB {name}, pool on {kind}, {depth} at once", (v[1] - base[1]) / DISK_REQUESTS, "-", "KVM + QEMU", "exits")
    m.delete("/images/reads")


def bench_copies(m, table):
    """A snapshot and a clone of a small volume, and of one a thousand times as large with sixteen times as much in it."""
    costs = {}
    for name, size, data in (("small", 1 << 30, 4 << 20), ("large", 1 << 40, 64 << 20)):
        m.put(f"/volumes/{name}", {"size_bytes": size})
        m.put(f"/volumes/{name}/data", b"." * data, headers=OCTETS)
        for what, read_only in (("snapshot", True), ("clone", False)):
            body = {"from": {"volume": name} if read_only else {"snapshot": f"{name}-snapshot"}, "read_only": read_only}
            costs[what, name] = busy_during(m, m.connect(), lambda: m.put(f"/volumes/{name}-{what}", body))
    for what in ("snapshot", "clone"):
        table.add("P6", f"{what} of a volume of 1 GiB", costs[what, "small"], "-", "-")
        table.add("P6", f"{what} of a volume of 1 TiB / of 1 GiB", costs[what, "large"] / costs[what, "small"], "1.05", "-", "ratio")


def bench_disks(table):
    """Pools on each of the host's controllers, each in a machine of its own, whose clock does not run away from the disk while the
    host is idle: its commands would be late."""
    for kind in DISKS:
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/disk.img", "wb") as f:
                f.truncate(1 << 30)
            with Machine(smp=1, memory="1G", icount="paced", tls=False, extra=disk_args(kind, f"{folder}/disk.img")) as m:
                m.wait_ready(timeout=900)
                m.wait_serial("partition table: ")
                m.put("/pools/tank", {"disk": m.json("/host/disks")["items"][0]["name"], "format": True})
                while m.json("/pools/tank")["state"] != "online":
                    pass
                bench_disk_requests(m, kind, table)
                if kind == "nvme":
                    bench_copies(m, table)


def metadata_bytes(pool):
    return int(re.search(r"(\d+) of metadata", subprocess.check_output([f"{BUILD}/socle-store", "list", pool], text=True)).group(1))


def bench_metadata(table):
    """What a datastore takes for itself: of its size, and of what is in it. By the host's tool, which is the same code."""
    with tempfile.TemporaryDirectory() as folder:
        pool, image = f"{folder}/pool.img", f"{folder}/image"
        sizes = []
        for size in ("4G", "8G"):
            subprocess.run([f"{BUILD}/socle-store", "format", pool, size], check=True)
            sizes.append(metadata_bytes(pool))
        with open(image, "wb") as f:
            f.write(b"." * (1 << 30))
        subprocess.run([f"{BUILD}/socle-store", "import", pool, "a", image], check=True)
        table.add("P6", "datastore: metadata per GiB of pool", (sizes[1] - sizes[0]) // 4, "-", "-", "bytes")
        table.add("P6", "datastore: metadata per GiB that is mapped", metadata_bytes(pool) - sizes[1], "-", "-", "bytes")


def bench_net(m, table):
    """From a guest's doorbell to the host's card, by way of the switch; the guest is the one that measures."""
    v = run_bench_guest(m, "bench-net", 1, nics=[{"id": "net0", "network": "uplink"}])
    for batch, target in ((1, 1500), (32, 400)):
        for size in (64, 1514):
            table.add("P5", f"virtio-net TX per frame of {size}, {batch} at a time, guest-seen", v[f"net_{batch}_{size}"], target,
                      "KVM + QEMU")
    table.add("P5", "virtio-net TX, segment of 44 frames cut by the host, per frame, guest-seen", v["net_segment"], "-", "-")
    table.add("P5", "virtio-net TX, exits per frame, 32 at a time", v["net_doorbells"] / v["net_frames"], "0.0625", "KVM + QEMU",
              "exits")


def bench_ports(table):
    """The same frames with many other VMs on the network."""
    with Machine(smp=1, memory="2G", icount=True, tls=False) as m:
        m.wait_ready(timeout=900)
        nics = [{"id": "net0", "network": "uplink"}]
        alone = run_bench_guest(m, "bench-net", 1, nics=nics)
        m.upload_file("idle", f"{BUILD}/guests/bench-idle.elf")
        for i in range(PORTS - 2):  # the host is on it, too
            m.create_vm(f"idle{i}", {"firmware": "pvh", "kernel": "idle"}, 2 << 20, serial=[{"log_bytes": 4096}], nics=nics)
            m.wait_console(f"idle{i}", r"BENCH entry_tsc (\d+)\r?\n", timeout=600)
        among = run_bench_guest(m, "bench-net", 1, nics=nics)
    for batch in (1, 32):
        table.add("P5", f"virtio-net TX per frame of 64, {batch} at a time, {PORTS} ports / 2", among[f"net_{batch}_64"] / alone[f"net_{batch}_64"],
                  "1.05", "-", "ratio")


def bench_density(table):
    """Idle VMs of 4 MiB on 2 GiB, until one is refused."""
    with Machine(smp=1, memory="2G", icount=True, tls=False) as m:
        m.wait_ready(timeout=900)
        m.upload_file("idle", f"{BUILD}/guests/bench-idle.elf")
        costs = []
        while True:
            name = f"idle{len(costs)}"
            body = {"cpu": {"count": 1}, "memory": {"size_bytes": 4 << 20}, "boot": {"firmware": "pvh", "kernel": "idle"},
                    "serial": [{"log_bytes": 4096}]}
            reply = m.put(f"/vms/{name}?start=true", body)
            if reply.status != 201:
                break
            _, match = m.wait_console(name, r"BENCH entry_tsc (\d+)\r?\n", timeout=600)
            costs.append(int(match.group(1)))
        refusal = json.loads(reply.body)
        assert reply.status == 507, refusal
    first, last = sorted(costs[1:22])[10], sorted(costs[-21:])[10]
    table.add("P14", "idle micro VMs of 4 MiB in 2 GiB, until 507", len(costs), 400, "LightVM 8,000", "VMs")
    table.add("P14", "start cost of the last 21 / of the first 21, medians", last / first, "1.05", "LightVM: flat", "ratio")


def bench_linux(m, table):
    m.upload_file("k", f"{BUILD}/guest/vmlinuz")
    m.upload_file("i", f"{BUILD}/guest/initrd.img", "initrd")
    m.create_vm("tax", {"kernel": "k", "initrd": "i", "cmdline": "console=ttyS0 quiet"}, 256 << 20)
    m.wait_console("tax", "SOCLE-GUEST-READY", timeout=1800)
    exits = m.json("/vms/tax/exits")
    text = m.get("/metrics").body.decode()
    count, handled = sum(e["count"] for e in exits), sum(e["total_ns"] for e in exits)
    guest = metric(text, r'socle_vm_vcpu_seconds_total\{vm="tax"[^}]*state="run"\}') * 1e9 - handled
    table.add("P7", "Linux boot: exits, kernel entry to init", count, 25000, "-", "exits")
    table.add("P7", "Linux boot: handling exits / time in guest", handled / guest, "0.02", "Xen 0.57", "ratio")
    m.delete("/vms/tax?force=true")


def bench_size(m, table):
    table.add("P12", "BOOTX64.EFI", os.path.getsize(f"{BUILD}/BOOTX64.EFI"), 1 << 20, "xen.efi 2.83 MB", "bytes")
    with open(f"{BUILD}/gen/web_assets.h") as f:
        table.add("P12", "of it the web page, compressed", int(metric(f.read(), "#define WEB_ASSETS_BYTES")), 150 << 10, "-", "bytes")
    idle = m.json("/host")["memory"]
    table.add("P12", "memory in use with no VM, image included", idle["hv_bytes"] + idle["hv_image_bytes"], 8 << 20, "-", "bytes")
    m.upload_file("echo", f"{BUILD}/guests/echo.elf")
    before = m.free_bytes()
    m.create_vm("size", {"firmware": "pvh", "kernel": "echo"}, 64 << 20)
    m.wait_console("size", "echo ready")
    table.add("P12", "per VM beyond its own RAM (1 vCPU, console log)", before - m.free_bytes() - (64 << 20), 160 << 10,
              "Firecracker 5 MiB", "bytes")
    m.delete("/vms/size?force=true")
    m.delete("/images/echo")


def handler_instructions(reply):
    """What the host took to carry out a request."""
    return round(float(re.search(r"handler;dur=([\d.]+)", reply.headers["Server-Timing"]).group(1)) * 1e6)


def bench_memory(m, table):
    """Start and end of VMs by size, twice: the second time their memory has been zeroed already."""
    m.upload_file("echo", f"{BUILD}/guests/echo.elf")
    for when in ("first", "clean"):
        for mib in (16, 512):
            m.create_vm("sized", {"firmware": "pvh", "kernel": "echo"}, mib << 20, start=False)
            start = handler_instructions(m.post("/vms/sized/start"))
            m.wait_console("sized", "echo ready", timeout=600)
            end = handler_instructions(m.delete("/vms/sized?force=true"))
            while m.json("/host")["memory"]["dirty_bytes"]:
                pass
            if when == "clean":
                table.add("P10", f"start of a VM of {mib} MiB, memory clean", start, 400000, "-")
                table.add("P10", f"end of a VM of {mib} MiB", end, 100000, "-")
    m.delete("/images/echo")


def bench_intel(table):
    """Two processors: one that serves the local APIC by itself, one that does not."""
    with Machine(smp=1, memory="1G", icount=True, tls=False) as m:
        amd = run_bench_guest(m.wait_ready(timeout=900))
    models = ((name, MODELS[name]) for name in ("posted-interrupts", "software-apic")) if uses_bochs() else (("KVM", None),)
    for name, cpu in models:
        with make_machine(smp=1, memory="1G", **({"cpu": cpu} if cpu else {})) as m:
            v = run_bench_guest(m.wait_ready())
        for number, metric, key, target, peer in EXITS:
            table.add(number, f"{metric}, {name}", v[key], target, peer, amd=amd[key])


def bench_scheduler(table):
    """Compiled for this machine: what it costs to pick a vCPU and to add it again grows with the logarithm."""
    for row in subprocess.check_output([f"{BUILD}/bench/sched_cost"], text=True).splitlines():
        vcpus, mean, worst = row.split()
        most = 3 * math.ceil(math.log2(int(vcpus) + 1))
        table.add("S1", f"scheduling, {vcpus} vCPUs on a pCPU: mean of pick and add", float(mean), most, "-", "compares")
        table.add("S1", f"scheduling, {vcpus} vCPUs on a pCPU: worst of pick and add", int(worst), most, "-", "compares")


def main():
    table = Table()
    if vendor() == "intel":
        bench_intel(table)
        table.rows.sort(key=lambda r: (int(r["id"][1:]), r["metric"]))
        table.show("bench-intel.json")
        return
    with Machine(smp=1, memory="1G", icount=True, tls=False) as m:
        m.wait_ready(timeout=900)
        for bench in (bench_boot, bench_exits, bench_timer, bench_net, bench_reads, bench_size, bench_gets, bench_memory, bench_linux):
            bench(m, table)
    bench_tls(table)
    bench_density(table)
    bench_ports(table)
    bench_scheduler(table)
    bench_nics(table)
    bench_disks(table)
    bench_metadata(table)
    table.rows.sort(key=lambda r: (r["id"][0], int(r["id"][1:])))
    table.show()


if __name__ == "__main__":
    main()
