# SPDX-License-Identifier: BSD-2-Clause
"""Prometheus takes the metrics, and Grafana's dashboard asks for metrics there are."""

import hashlib
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from backend import BUILD, ROOT, free_port
from machine import IMAGE_DIR

MACHINE = {"smp": 2, "memory": "1G"}


@pytest.fixture(scope="module")
def busy(machine):
    """A host with a VM that has a disk and a card."""
    assert machine.put("/volumes/disk", {"size_bytes": 1 << 20}).status == 201
    machine.run_guest("echo", nics=[{"id": "net0"}], disks=[{"id": "disk0", "volume": "disk"}])
    machine.wait_console("echo", "echo ready")
    return machine


def metrics(machine):
    reply = machine.get("/metrics")
    assert reply.status == 200
    return reply.body.decode()


def test_promtool_has_nothing_to_say(busy):
    result = subprocess.run([f"{BUILD}/prometheus/promtool", "check", "metrics"], input=metrics(busy), capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr.strip(), result.stderr + result.stdout


def test_the_dashboard_asks_for_metrics_there_are(busy):
    families = set(re.findall(r"^# TYPE (\S+) ", metrics(busy), re.M))
    with open(f"{ROOT}/tools/grafana/socle.json") as f:
        dashboard = json.load(f)
    asked = {re.sub("_duration_seconds_bucket$", "_duration_seconds", name) for name in re.findall(r"socle_\w+", json.dumps(dashboard))}
    assert len(asked) > 15 and asked <= families, asked - families
    ids = [p["id"] for p in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_exit_times_are_a_histogram(busy):
    """Buckets grow to what the count says, which is that of GET …/exits; the sum is that of the times."""
    busy.type("echo", "hello\n")
    busy.wait_console("echo", r"\[hello\]")
    assert busy.post("/vms/echo/pause").status == 200  # so that it stands still
    text = metrics(busy)
    exits = {e["reason"]: e for e in busy.json("/vms/echo/exits")}
    assert busy.post("/vms/echo/resume").status == 200
    assert exits and set(re.findall(r'socle_vm_exit_duration_seconds_count{vm="echo",reason="([^"]+)"}', text)) == set(exits)
    for reason, row in exits.items():
        sample = rf'socle_vm_exit_duration_seconds_%s{{vm="echo",reason="{re.escape(reason)}"%s}} ([0-9.]+)'
        buckets = [(float(le), int(n)) for le, n in re.findall(sample % ("bucket", ',le="([^"]+)"'), text)]
        counts = [n for _, n in buckets]
        assert [le for le, _ in buckets] == [2**e / 1e9 for e in (9, 11, 13, 16, 20, 24)] + [float("inf")]
        assert counts == sorted(counts) and counts[-1] == row["count"] == int(re.search(sample % ("count", ""), text).group(1)) > 0
        assert abs(float(re.search(sample % ("sum", ""), text).group(1)) - row["total_ns"] / 1e9) < 1e-8
        assert all(n >= row["count"] / 2 for le, n in buckets if le * 1e9 > row["p50_ns"])


@pytest.mark.qemu("Prometheus gives up on Bochs's TLS")
def test_prometheus_scrapes_it(busy, tmp_path):
    (tmp_path / "token").write_text(busy.make_token("viewer"))
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 2s, scrape_timeout: 2s}}
scrape_configs:
  - job_name: socle
    scheme: https
    tls_config: {{insecure_skip_verify: true}}
    authorization: {{credentials_file: {tmp_path}/token}}
    static_configs: [{{targets: ["127.0.0.1:{busy.port}"]}}]
""")
    port = free_port()
    server = subprocess.Popen([f"{BUILD}/prometheus/prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])

    def query(text):
        """Values of an expression, by VM; nothing while the server is not up."""
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as reply:
                found = json.load(reply)["data"]["result"]
        except OSError:
            return {}
        return {r["metric"].get("vm", ""): float(r["value"][1]) for r in found}

    try:
        deadline = time.monotonic() + 90
        while not query("rate(socle_uptime_seconds[1m])").get(""):
            assert time.monotonic() < deadline and server.poll() is None, query("up")
            with busy.changed:
                busy.changed.wait(1)
        assert query('up{job="socle"}') == {"": 1.0}
        assert query("socle_vm_memory_size_bytes") == {"echo": float(64 << 20)}
        assert 0 < query("histogram_quantile(0.99, sum by (vm, le) (socle_vm_exit_duration_seconds_bucket))")["echo"] <= 2**24 / 1e9
    finally:
        server.terminate()
        server.wait(20)


def test_the_build_is_known_by_its_digest(machine):
    """What the host says of itself is what sha256sum says of the hypervisor that the build has packed."""
    with open(f"{IMAGE_DIR}/hv.stripped.elf", "rb") as f:
        assert machine.json("/host")["build"]["sha256"] == hashlib.sha256(f.read()).hexdigest()
