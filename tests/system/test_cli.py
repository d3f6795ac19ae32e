# SPDX-License-Identifier: BSD-2-Clause
"""The command line `socle`, as an administrator uses it: against a host that boots, and in a terminal."""

import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from backend import BUILD, free_port
from command_line import CLI, DONE, MISUSED, NOT_REACHED, REFUSED, Client
from machine import make_machine
from test_nbd_remote import HOST, qemu_nbd

MACHINE = {"smp": 2, "memory": "2G"}
pytestmark = pytest.mark.qemu("a program of this machine, to which a host is like another")
GUEST = f"{BUILD}/guests/echo.elf"  # gives lines back: "[line]"


@pytest.fixture(scope="module")
def url(machine):
    return f"https://127.0.0.1:{machine.port}"


@pytest.fixture(scope="module")
def known(machine, url, tmp_path_factory):
    """A client that has connected to the host and claimed it."""
    client = Client(tmp_path_factory.mktemp("config"), machine.patience)
    shown = re.findall(r"certificate SHA-256 ([0-9a-f]{64})", machine.serial())[-1]
    terminal = client.terminal("connect", url, "--name", "lab")
    terminal.wait(rf"certificate SHA-256 {shown}").wait(r"\[y/N\]").type("y\n")
    terminal.wait("is known as lab").wait("Nobody has claimed it yet")
    assert terminal.end() == DONE
    machine.wait_serial(r"\| claim code: [-0-9A-Z]{14} ")
    assert "is yours" in client.out("claim", machine.claim_codes()[-1], "--user", "ann")
    machine.admin_token = json.loads(client.file.read_text())["hosts"]["lab"]["token"]
    return client


@pytest.fixture
def cli(known, clean):
    return known


def test_what_connect_keeps(known, machine, url):
    kept = json.loads(known.file.read_text())
    assert kept["default"] == "lab"
    assert kept["hosts"]["lab"] == {"url": url, "pin": machine.key_pin(), "token": machine.token()}
    assert stat.S_IMODE(known.file.stat().st_mode) == 0o600
    assert list(known.file.parent.iterdir()) == [known.file]


def test_connect_wants_the_right_key(machine, url, tmp_path):
    stranger = Client(tmp_path, machine.patience)
    assert "nobody is here" in stranger.error("connect", url, want=MISUSED)
    assert "--pin" in stranger.error("connect", url, "--pin", "0" * 64, want=NOT_REACHED)
    terminal = stranger.terminal("connect", url)
    terminal.wait(r"\[y/N\]").type("n\n")
    assert terminal.end() == NOT_REACHED
    assert not stranger.file.exists()
    assert "is no URL" in stranger.error("connect", "127.0.0.1", want=MISUSED)
    assert "is not known" in stranger.error("--host", "lab", "status", want=MISUSED)
    stranger.run("connect", url, "--pin", machine.key_pin())
    assert "claim" in stranger.error("status")  # it has no token
    assert "Linux" not in stranger.out("status", SOCLE_TOKEN=machine.token())


def test_a_host_with_another_key_gets_nothing(known, machine, url):
    """Neither the request nor the token leaves this machine."""
    other = "sha256//" + "A" * 43 + "="
    assert "another key" in known.error("status", want=NOT_REACHED, SOCLE_PIN=other)
    assert "cannot reach" in known.error("status", want=NOT_REACHED, SOCLE_HOST=f"https://127.0.0.1:{free_port()}", SOCLE_PIN=other)
    assert "is not known" in known.error("--host", f"https://127.0.0.1:{free_port()}", "status", want=MISUSED)


def test_status_and_log(known, machine):
    status = known.out("status")
    assert re.search(r"^host +socle$", status, re.M) and re.search(r"^memory .* free of [0-9.]+ GiB$", status, re.M), status
    assert known.json("status")["version"] == "0.1.0"
    log = known.out("log", "--level", "info")
    assert re.search(r"^ +\d+\.\d{6} info  net: address ", log, re.M), log
    lines = known.out("--json", "log").splitlines()
    assert all(json.loads(line)["seq"] > 0 for line in lines) and len(lines) > 10
    assert "hint" in known.error("log", "--level", "loud")
    assert known.json("disk", "list") == []
    nic = known.json("nic", "list")[0]
    assert re.search(rf"^{nic['name']} +{nic['driver']} +{nic['mac']} +up ", known.out("nic", "list"), re.M)


def test_following_the_log(known):
    terminal = known.terminal("log", "-f")
    terminal.wait("net: address")
    known.run("token", "create", "--user", "log-reader")
    terminal.wait("log-reader|POST /api/v1/tokens")
    os.kill(terminal.pid, signal.SIGINT)
    terminal.end()


def test_images(cli, tmp_path):
    data = os.urandom(3 << 20)
    file = tmp_path / "disk.raw"
    file.write_bytes(data)
    terminal = cli.terminal("image", "upload", str(file))
    terminal.wait(r"disk.raw \[#{24}\] 100%  3 MiB  [0-9.]+ [KM]iB/s  in ")
    assert terminal.end() == DONE
    image, = cli.json("image", "list")
    assert image["sha256"] == hashlib.sha256(data).hexdigest() and image["kind"] == "raw"
    table = cli.out("image", "list").splitlines()
    assert len(table) == 2 and re.match(r"disk.raw  raw   3 MiB  3 MiB  ready +0  [0-9a-f]{12}$", table[1]), table
    cli.run("image", "upload", GUEST, "echo")
    assert cli.out("image", "list", "-q").split() == ["disk.raw", "echo"]
    assert [i["kind"] for i in cli.json("image", "list")] == ["raw", "kernel"]
    cli.run("image", "rm", "disk.raw")
    assert "hint" in cli.error("image", "rm", "disk.raw")
    assert "No such file" in cli.error("image", "upload", str(tmp_path / "none"), want=MISUSED)
    assert "is not a file" in cli.error("image", "upload", str(tmp_path), "--kind", "raw", want=MISUSED)
    assert "hint" in cli.error("image", "upload", str(file), "no/name")


class BadLine:
    """A port that leads to the machine and cuts its first `cuts` connections after so many bytes to it."""

    def __init__(self, machine, cuts, after):
        self.machine, self.cuts, self.after, self.passed = machine, cuts, after, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        host = socket.create_connection(("127.0.0.1", self.machine.port))
        passed = 0
        with contextlib.suppress(OSError):
            while True:
                ready = select.select([client, host], [], [])[0]
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        raise OSError
                    (host if one is client else client).sendall(data)
                    passed += len(data) if one is client else 0
                if self.cuts and passed > self.after:
                    self.cuts -= 1
                    raise OSError
        self.passed.append(passed)
        for one in (client, host):
            one.close()


def test_an_upload_goes_on_after_a_broken_connection(cli, machine, tmp_path):
    data = os.urandom(6 << 20)
    file = tmp_path / "disk.raw"
    file.write_bytes(data)
    line = BadLine(machine, cuts=3, after=1500000)
    env = {"SOCLE_HOST": line.url, "SOCLE_PIN": machine.key_pin(), "SOCLE_TOKEN": machine.token()}
    done = cli.run("--json", "image", "upload", str(file), **env)
    assert json.loads(done.stdout)["sha256"] == hashlib.sha256(data).hexdigest()
    assert len(re.findall(r"^socle: disk.raw: the connection broke at about .*; going on in \d s\.$", done.stderr, re.M)) == 3, done
    assert line.cuts == 0 and sum(line.passed) < len(data) + (2 << 20)  # not anew each time
    env["SOCLE_HOST"] = f"https://127.0.0.1:{free_port()}"
    assert "cannot reach" in cli.error("image", "upload", str(file), want=NOT_REACHED, **env)


@contextlib.contextmanager
def files_by_http(**files):
    """Serves bytes by name; one that is None stalls in the middle. Gives the URL as the host sees it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = files[self.path[1:]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data or bytes(4 << 20))))
            self.end_headers()
            self.wfile.write(data or bytes(1 << 20))
            if data is None:
                self.rfile.read(1)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://10.0.2.2:{server.server_address[1]}/"
        server.shutdown()


def test_pulls_and_tasks(cli, tmp_path):
    data = os.urandom(3 << 20)
    digest = hashlib.sha256(data).hexdigest()
    with files_by_http(good=data, slow=None) as url:
        terminal = cli.terminal("image", "pull", "one", url + "good", "--sha256", digest, "--kind", "iso")
        terminal.wait(r"one \[#{24}\] 100%  3 MiB  [0-9.]+ [KM]iB/s  in ")
        assert terminal.end() == DONE
        assert cli.json("image", "pull", "two", url + "good", "--sha256", digest)["sha256"] == digest
        assert [(i["name"], i["kind"]) for i in cli.json("image", "list")] == [("one", "iso"), ("two", "raw")]
        assert "SHA-256" in cli.error("image", "pull", "bad", url + "good", "--sha256", "0" * 64)
        assert "--sha256" not in cli.error("image", "pull", "bare", url + "good")  # the host says what it wants
        number = cli.out("image", "pull", "slow", url + "slow", "--sha256", digest, "--detach").strip()
        row = next(line for line in cli.out("task", "list").splitlines() if re.match(rf" *{number} ", line))
        assert re.search(r"image\.pull +slow +running", row), row
        assert number in cli.out("task", "list", "-q").split()
        waiting = cli.terminal("task", "wait", number)
        waiting.wait(r"slow \[#{6} {18}\]  25%  1 MiB ")
        assert re.search(r"^progress +1 MiB of 4 MiB \(25%\), .*/s", cli.out("task", "show", number), re.M)
        assert cli.json("task", "cancel", number)["state"] == "cancelled"
        waiting.wait("the task was cancelled")
        assert waiting.end() == REFUSED
        assert cli.json("task", "show", number)["state"] == "cancelled"
        assert "hint" in cli.error("task", "cancel", number)
    assert "hint" in cli.error("task", "wait", "99999")
    ended = [t for t in cli.json("task", "list") if t["target"] == "one"]
    cli.run("task", "wait", ended[0]["id"])
    assert "No such file" in cli.error("image", "pull", "i", "https://h/x", "--ca", str(tmp_path / "none"), want=MISUSED)


def test_run_and_console(cli):
    """From one command to typing in the guest's console, and out again."""
    terminal = cli.terminal("run", "web1", "--kernel", GUEST, "--mem", "64M", "--net", "none", "-it")
    terminal.wait(r"web1-kernel \[#+\] 100%").wait("This is the console of web1").wait("echo ready")
    terminal.type("spoken to\r")
    terminal.wait(r"\[spoken to\]")
    terminal.type("~~.\r")
    terminal.wait(r"\[~\.\]").type("~.")
    terminal.wait("Left the console")
    assert terminal.end() == DONE
    assert cli.json("vm", "show", "web1")["boot"]["firmware"] == "pvh"
    terminal = cli.terminal("vm", "console", "web1")
    terminal.wait(r"\[spoken to\]\s+\[~\.\]").type("~.")  # from the oldest byte on
    assert terminal.end() == DONE
    assert "echo ready" in cli.out("vm", "log", "web1")
    exits = cli.out("vm", "exits", "web1").splitlines()
    assert exits[0].split()[:2] == ["REASON", "COUNT"] and len(exits) > 1

    assert "already" in cli.error("run", "web1", "--kernel", GUEST)
    terminal = cli.terminal("vm", "console", "web1")
    terminal.wait("echo ready")
    cli.run("vm", "rm", "web1", "-f")
    terminal.wait("Left the console")  # it ends with the VM
    assert terminal.end() == DONE
    assert "hint" in cli.error("vm", "console", "web1")


def test_run_with_mistakes(cli, tmp_path):
    """Each has its sentence, and nothing is uploaded for a definition the host does not take."""
    words = tmp_path / "words"
    words.write_text("no kernel" * 1000)
    kernel = ["--kernel", GUEST]
    assert "No such file" in cli.error("run", "web1", "--kernel", str(tmp_path / "none"), want=MISUSED)
    assert "neither a file here nor an image" in cli.error("run", "web1", "--kernel", "none", want=MISUSED)
    assert "neither a file here nor an image" in cli.error("run", "web1", *kernel, "--initrd", "none", want=MISUSED)
    assert "is not a file" in cli.error("run", "web1", "--kernel", str(tmp_path), want=MISUSED)
    assert "name of a VM" in cli.error("run", "Web_1", *kernel)
    refused = cli.error("run", "web1", *kernel, "--net", "defualt")
    assert 'no network "defualt"' in refused and "there is: default" in refused and '"socle network list"' in refused
    assert cli.json("image", "list") == []
    assert "boot header" in cli.error("run", "web1", "--kernel", str(words), "--net", "none")
    assert cli.json("vm", "list") == []
    assert 'Try "socle run --help"' in cli.error("run", want=MISUSED)
    assert 'Try "socle help"' in cli.error("rum", want=MISUSED)


def test_hints_name_commands(cli):
    """The host's name routes of its API; what may have been meant, and what is allowed, is told, too."""
    cli.run("vm", "create", "web1", "--kernel", "none", "--net", "none")
    for command, words in ((["vm", "show", "wbe1"], ["there is: web1", '"socle vm list"']), (["vm", "start", "web1"], ['"socle image upload"']),
                           (["network", "rm", "lab"], ['"socle network list"']), (["volume", "create", "v", "--size", "1M", "--pool", "fast"], ['"socle pool list"']),
                           (["log", "--level", "loud"], ["allowed: error, warn, info, debug"]), (["api", "GET", "/nothing"], ['"socle api GET /openapi.json"'])):
        refused = cli.error(*command)
        assert all(w in refused for w in words) and "/api/v1" not in refused, refused


def test_routes_in_hints():
    """Each that the sources name in a hint is one that there is, so that the command line finds its words for it."""
    routes = {(verb, re.sub(r"{\w+}", "{}", path)) for verb, path in
              re.findall(r'ROUTE\(VERB_(\w+), \w+, "/api/v1([^"]*)"', open("mgmt/http/routes.def").read())}
    named = set()
    for folder in ("mgmt", "core", "drivers"):
        for path in pathlib.Path(folder).rglob("*.c"):
            named |= set(re.findall(r"\b(GET|PUT|POST|PATCH|DELETE) /api/v1([^ ,;:)\"\\]*[^ .,;:)\"\\])", path.read_text()))
    assert len(named) > 15
    assert {(verb, re.sub(r"{\w+}", "{}", path)) for verb, path in named} <= routes


def test_much_is_typed(cli):
    """More than the guest's serial port takes at once arrives in full and in order."""
    cli.run("run", "web1", "--kernel", GUEST, "--mem", "64M", "--net", "none")
    text = "".join(f"{i:04d}\n" for i in range(500))
    want = "".join(f"[{i:04d}]" for i in range(500)).encode()
    reader, writer = os.pipe()
    with subprocess.Popen([CLI, "vm", "console", "web1"], env=cli.env, stdin=reader, stdout=subprocess.PIPE) as console:
        os.close(reader)
        os.write(writer, text.encode())
        os.close(writer)
        got = b""
        deadline = time.monotonic() + 90 * cli.patience
        while want not in got.replace(b"\r", b"").replace(b"\n", b""):
            assert time.monotonic() < deadline, got[-3000:]
            if select.select([console.stdout], [], [], 1)[0]:
                got += os.read(console.stdout.fileno(), 65536)
        console.terminate()


def test_power(cli):
    cli.run("image", "upload", GUEST, "echo")
    cli.run("vm", "create", "one", "--kernel", "echo", "--firmware", "pvh", "--mem", "64M", "--cpus", "2", "--description", "first")
    table = cli.out("vm", "list").splitlines()
    assert table[0].split() == ["NAME", "STATE", "CPUS", "MEMORY", "USED", "UP", "KERNEL", "REASON"]
    assert re.match(r"one   stopped +2  64 MiB ", table[1]), table
    for action, state in [("start", "running"), ("pause", "paused"), ("resume", "running"), ("reset", "running"), ("stop", "stopped")]:
        cli.run("vm", action, "one")
        assert cli.json("vm", "show", "one")["state"] == state
    assert "hint" in cli.error("vm", "pause", "one")
    assert "hint" in cli.error("vm", "shutdown", "one")
    cli.run("vm", "set", "one", "--cpus", "1", "--mem", "128M", "--weight", "50", "--limit", "500", "--on-crash", "restart")
    vm = cli.json("vm", "show", "one")
    assert (vm["cpu"]["limit_millicpu"], vm["on_crash"]) == (500, "restart")
    assert (vm["cpu"]["count"], vm["cpu"]["weight"], vm["memory"]["size_bytes"], vm["description"]) == (1, 50, 128 << 20, "first")
    assert "nothing is to be changed" in cli.error("vm", "set", "one", want=MISUSED)
    assert "--mem needs a size" in cli.error("vm", "set", "one", "--mem", "much", want=MISUSED)
    assert "already" in cli.error("vm", "create", "one", "--kernel", "echo")
    cli.run("vm", "create", "one", "--kernel", "echo", "--replace")
    assert cli.out("vm", "list", "-q") == "one\n"
    cli.run("vm", "rm", "one")
    assert cli.out("vm", "list") == ""
    assert "no VM" in cli.error("vm", "show", "one") or "hint" in cli.error("vm", "show", "one")


def test_definition_from_a_file(cli, tmp_path):
    cli.run("image", "upload", GUEST, "echo")
    file = tmp_path / "vm.json"
    file.write_text(json.dumps({"boot": {"kernel": "echo", "firmware": "pvh"}, "tags": ["blue"], "cpu": {"count": 2}}))
    cli.run("vm", "create", "two", "--file", str(file), "--cpus", "3")
    vm = cli.json("vm", "show", "two")
    assert vm["tags"] == ["blue"] and vm["cpu"]["count"] == 3
    file.write_text("[]")
    cli.error("vm", "create", "three", "--file", str(file), want=MISUSED)
    file.write_text('{"colour": "blue"}')
    assert "/colour" in cli.error("vm", "create", "three", "--file", str(file))


def test_cloud_init(cli, tmp_path):
    """Options that become the texts cloud-init reads; what is no public key stays here."""
    user, key, private = tmp_path / "user", tmp_path / "id.pub", tmp_path / "id"
    user.write_text("#cloud-config\npackages: [nginx]\n")
    keys = ["ssh-ed25519 AAAAC3Nza me@here", 'from="10.0.0.0/8" ssh-rsa AAAAB3Nza you']
    key.write_text("# mine\n" + "\n".join(keys) + "\n")
    private.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza\n-----END OPENSSH PRIVATE KEY-----\n")
    cli.run("vm", "create", "seeded", "--kernel", "k", "--user-data", str(user), "--ssh-key", str(key))
    vm = cli.json("vm", "show", "seeded")
    meta = f"instance-id: {vm['uuid']}\nlocal-hostname: seeded\npublic-keys:\n" + "".join(f"  - {json.dumps(k)}\n" for k in keys)
    assert vm["cloud_init"] == {"user_data_bytes": len(user.read_text()), "meta_data_bytes": len(meta), "network_config_bytes": 0}
    for wrong in (private, user, tmp_path / "none"):
        cli.error("vm", "create", "other", "--kernel", "k", "--ssh-key", str(wrong), want=MISUSED)
    user.write_bytes(b"\xff")
    assert "UTF-8" in cli.error("vm", "create", "other", "--kernel", "k", "--user-data", str(user), want=MISUSED)
    cli.run("vm", "rm", "seeded")


def test_network_config(cli, tmp_path):
    file = tmp_path / "network"
    file.write_text("version: 2\n")
    cli.run("vm", "create", "seeded", "--kernel", "k", "--network-config", str(file))
    assert cli.json("vm", "show", "seeded")["cloud_init"]["network_config_bytes"] == len("version: 2\n")
    cli.run("vm", "rm", "seeded")


def test_host_network(cli):
    """A change is confirmed by who reaches the host again; one that cuts it off comes back by itself."""
    static = ["--dhcp", "off", "--address", "10.0.2.15/24", "--gateway", "10.0.2.2", "--hostname", "by-cli"]
    before = cli.json("host", "network")["settings"]
    assert "The host is at https://127.0.0.1:" in cli.out("host", "network", *static)
    now = cli.json("host", "network")
    assert now["settings"]["hostname"] == "by-cli" and now["task"]["state"] == "succeeded"
    assert re.search(r"hostname +by-cli\ndhcp +off\nsettings +10.0.2.15/24\n", cli.out("host", "network"))
    assert "come back" in cli.error("host", "network", "--address", "10.0.2.99/24", "--confirm-within", "2",
                                    want=NOT_REACHED)
    assert cli.json("host", "network")["settings"]["address"] == "10.0.2.15/24"
    cli.error("host", "network", "--address", "nowhere")
    cli.error("host", "network", "--dhcp", "maybe", want=MISUSED)
    cli.run("host", "network", "--dhcp", "on", "--address", "none", "--gateway", "none", "--hostname",
            before["hostname"])
    assert cli.json("host", "network")["settings"] == before


def test_host_config(cli, tmp_path):
    """Saved, changed, put back, in both forms; what is refused changes nothing."""
    saved, tree, wrong = (str(tmp_path / name) for name in ("saved.json", "socle.dtb", "wrong.json"))
    cli.run("network", "create", "kept", "--mtu", "1400")
    cli.run("host", "config", "get", saved)
    cli.run("host", "config", "get", "--dtb", tree)
    config = json.loads(cli.out("host", "config", "get"))
    with open(saved) as f:
        assert json.load(f) == config
    for path in (saved, tree):
        cli.run("network", "rm", "kept")
        cli.run("network", "create", "more")
        cli.run("host", "config", "put", path)
        assert json.loads(cli.out("host", "config", "get")) == config
    before = cli.json("host", "network")["settings"]
    with open(wrong, "w") as f:
        json.dump({**config, "network": {**before, "hostname": "by-file"}}, f)
    assert "The host is at https://127.0.0.1:" in cli.out("host", "config", "put", wrong)
    assert cli.json("host", "network")["settings"]["hostname"] == "by-file"
    cli.run("host", "config", "put", saved)
    assert cli.json("host", "network")["settings"] == before
    with open(wrong, "w") as f:
        json.dump({"networks": [{"name": "n", "kind": "bridge", "uplink": "0000:00:1f.7"}]}, f)
    assert "no such NIC" in cli.error("host", "config", "put", wrong)
    assert json.loads(cli.out("host", "config", "get")) == config
    cli.error("host", "config", "put", str(tmp_path / "none"), want=MISUSED)
    cli.run("network", "rm", "kept")


def test_networks(cli):
    cli.run("network", "create", "inside", "--mtu", "1400")
    network = next(n for n in cli.json("network", "list") if n["name"] == "inside")
    assert network["kind"] == "isolated" and network["mtu"] == 1400
    assert re.search(r"^inside +isolated +- +- +1400 +0$", cli.out("network", "list"), re.M)
    assert "--mtu needs a number" in cli.error("network", "create", "x", "--mtu", "big", want=MISUSED)
    cli.run("network", "rm", "inside")
    cli.run("network", "create", "lan", "--kind", "bridge", "--vlan", "7")
    cli.run("network", "create", "behind", "--kind", "nat")
    kinds = {n["name"]: (n["kind"], n.get("vlan")) for n in cli.json("network", "list")}
    assert kinds["lan"] == ("bridge", 7) and kinds["behind"][0] == "nat"
    cli.run("network", "rm", "lan")
    cli.run("network", "rm", "behind")
    assert "inside" not in cli.out("network", "list", "-q").split()


def test_volumes(cli):
    cli.run("volume", "create", "data", "--size", "1M", "--pool", "ram")
    assert re.search(r"^data +ram +1 MiB +0 B +- +- +-$", cli.out("volume", "list"), re.M)
    cli.run("volume", "grow", "data", "2M")
    assert re.search(r"^data +ram +2 MiB ", cli.out("volume", "list"), re.M)
    cli.run("image", "upload", GUEST, "echo")
    cli.run("vm", "create", "one", "--kernel", "echo", "--firmware", "pvh")
    cli.run("vm", "attach", "one", "data", "--id", "root", "--read-only")
    assert [(d["id"], d["volume"], d["read_only"]) for d in cli.json("vm", "show", "one")["disks"]] == [("root", "data", True)]
    cli.run("vm", "start", "one")
    assert re.search(r"^data .* one +-$", cli.out("volume", "list"), re.M)
    assert "hint" in cli.error("volume", "rm", "data")
    cli.run("vm", "stop", "one")
    cli.run("vm", "detach", "one", "root")
    cli.run("vm", "start", "one")
    cli.run("vm", "attach", "one", "data")
    cli.run("vm", "detach", "one", "data", "--force")
    assert cli.json("vm", "show", "one")["disks"] == []
    assert "no size" in cli.error("volume", "grow", "data", "much", want=MISUSED)
    cli.run("volume", "rm", "data")
    assert cli.out("volume", "list", "-q") == ""


def wait_row(cli, pattern, *words):
    """Until a table shows it: what a server does is no task to wait for."""
    for _ in range(600):
        table = cli.out(*words)
        if re.search(pattern, table, re.M):
            return
        time.sleep(0.1)
    raise AssertionError(f"{pattern!r} did not appear: {table}")


def test_volumes_on_a_server(cli, tmp_path):
    """A server's export becomes a volume; lists tell that the server has gone."""
    export = tmp_path / "export.raw"
    export.write_bytes(bytes(1 << 20))
    with qemu_nbd(export) as server:
        cli.run("pool", "create", "store", "--nbd", f"{HOST}:{server.port}")
        assert cli.json("pool", "list")[0]["nbd"] == {"host": HOST, "port": server.port, "tls": None}
        cli.run("volume", "create", "far", "--pool", "store", "--export", "disk", "--read-only")
        wait_row(cli, r"^far +store +1 MiB +1 MiB +- +- +read-only$", "volume", "list")
        wait_row(cli, rf"^store +{re.escape(HOST)}:{server.port} +- +online +- +- +-$", "pool", "list")
        server.kill()
        wait_row(cli, r"^far +store .* read-only, connecting: .{10}", "volume", "list")
    cli.run("volume", "rm", "far")
    cli.run("pool", "rm", "store")
    assert cli.out("pool", "list") == ""
    ca = tmp_path / "ca.pem"
    ca.write_text("no certificate")
    assert "hint" in cli.error("pool", "create", "store", "--nbd", HOST, "--ca", str(ca))
    assert "hint" in cli.error("pool", "create", "store", "--nbd", HOST, "--cert-sha256", "12")
    for words in (["store"], ["store", "nvme0n1", "--nbd", HOST], ["store", "--nbd", HOST, "--format"], ["store", "--nbd", "h:0"],
                  ["store", "nvme0n1", "--ca", str(ca)], ["store", "--nbd", HOST, "--ca", str(tmp_path / "none")],
                  ["store", "nvme0n1", "--partition", "first"]):
        cli.error("pool", "create", *words, want=MISUSED)
    assert "hint" in cli.error("pool", "create", "store", "nvme9n1")


def test_volume_export(cli):
    cli.run("volume", "create", "data", "--size", "1M", "--pool", "ram")
    uri = cli.out("volume", "export", "data").strip()
    assert re.fullmatch(r"nbds://[0-9.]+:10809/[^/ ]{16,}", uri), uri
    assert re.search(r"^data .* exported$", cli.out("volume", "list"), re.M)
    assert "hint" in cli.error("volume", "export", "data")
    cli.run("volume", "unexport", "data")
    assert "exported" not in cli.out("volume", "list")
    assert "hint" in cli.error("volume", "unexport", "data")
    shown = cli.json("volume", "export", "data", "--read-only", "--no-tls")
    assert (shown["read_only"], shown["tls"], shown["uri"][:6]) == (True, False, "nbd://")
    cli.run("volume", "unexport", "data")


def test_shutdown(cli):
    """A guest that does not know its power button; one that is off is not waited for."""
    cli.run("run", "deaf", "--kernel", GUEST, "--mem", "64M", "--net", "none")
    assert "did not switch itself off" in cli.error("vm", "shutdown", "deaf", "--grace", "0")
    number = cli.json("vm", "shutdown", "deaf", "--detach")["id"]
    follower = cli.terminal("vm", "log", "deaf", "-f")
    follower.wait("echo ready")
    assert cli.json("vm", "shutdown", "deaf", "--grace", "0", "--force")["state"] == "succeeded"
    cli.run("task", "wait", number)
    assert cli.json("vm", "show", "deaf")["state"] == "stopped"
    os.kill(follower.pid, signal.SIGINT)
    follower.end()
    assert "hint" in cli.error("vm", "shutdown", "deaf")
    for words in (["vm", "shutdown", "deaf", "--grace", "soon"], ["poweroff", "--grace", "1"], ["reboot", "--shutdown", "--force"],
                  ["reboot", "--shutdown", "--grace", "86400"]):
        cli.error(*words, want=MISUSED)


def test_poweroff(tmp_path):
    """The host is switched off, and with it a guest that does not listen."""
    with make_machine() as m:
        m.wait_ready()
        cli = Client(tmp_path, m.patience)
        cli.env |= {"SOCLE_HOST": f"https://127.0.0.1:{m.port}", "SOCLE_PIN": m.key_pin(), "SOCLE_TOKEN": m.token()}
        cli.run("run", "deaf", "--kernel", GUEST, "--mem", "64M", "--net", "none")
        for command in ("poweroff", "reboot"):
            refused = cli.error(command)
            assert "--shutdown" in refused and "Send" not in refused
        cli.run("poweroff", "--shutdown", "--grace", "0")
        m.wait_serial("1 VMs have not switched themselves off")
        assert m.wait_exit(60) == 0
        assert "on its console?" in cli.error("status", want=NOT_REACHED)


def start_make_run(**variables):
    # As a user's: what ends it here is no failure of a test, which its machine would keep the log of.
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return subprocess.Popen(["/usr/bin/python3", "tools/run.py"], env={**env, "HEADLESS": "1", **variables}, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_make_run_to_the_first_vm(tmp_path):
    """The README's way in: a new host, its code on the terminal, and the commands that are printed there."""
    port = str(free_port())
    with start_make_run(CLAIM="0", API_PORT=port) as run:
        try:
            told = ""
            while "Ctrl-C here" not in told:
                line = run.stdout.readline()
                assert line, (told[-2000:], run.stderr.read())
                told += line
            code, certificate = (re.search(pattern, told).group(1) for pattern in (r"  claim code +(\S{14})\n", r"  certificate SHA-256 +(\w{64})\n"))
            commands = [line.split()[1:] for line in told.splitlines() if line.startswith("  build/socle-cli/socle ")]
            assert [c[0] for c in commands] == ["connect", "claim", "run"]
            cli = Client(tmp_path)
            cli.run("connect", commands[0][1], "--pin", certificate)
            assert "not the claim code" in cli.error("claim", "AAAA-BBBB-CCCC")
            cli.run("claim", code)
            cli.run("run", commands[2][1], "--kernel", GUEST, "--net", "none")
            second = start_make_run(API_PORT=port)
            assert f"port {port} on 127.0.0.1 is in use, perhaps by another" in second.communicate(timeout=60)[1] and second.returncode == 1
        finally:
            run.terminate()
        assert "Socle has ended." in run.communicate(timeout=60)[0]
    assert run.returncode == 0
    wrong = start_make_run(API_PORT="https")
    assert 'API_PORT="https" is no port' in wrong.communicate(timeout=60)[1]


def test_users(cli, machine, url, tmp_path):
    cli.run("user", "put", "olga", "--role", "operator", "--password", "--cert", "olga@example.org", lines="first password\n")
    assert re.search(r"^olga +operator +yes +1 +api$", cli.out("user", "list"), re.M)
    cli.run("user", "put", "olga", "--cert", "")
    assert cli.json("user", "list")[0]["certs"] == []
    assert "no password" in cli.error("user", "put", "olga", "--password", want=MISUSED)
    assert "hint" in cli.error("user", "put", "olga", "--password", lines="short\n")
    assert "/role" in cli.error("user", "put", "olga", "--role", "root")

    # Her password becomes a token; it is stored nowhere, and not shown.
    hers = Client(tmp_path, machine.patience)
    terminal = hers.terminal("connect", url, "--pin", machine.key_pin(), "--name", "lab", "--user", "olga")
    terminal.wait("Password: ").type("first password\n")
    terminal.wait("is known as lab")
    assert terminal.end() == DONE and "first password" not in terminal.text
    assert "first password" not in hers.file.read_text()
    assert "needs the role: admin" in hers.error("network", "rm", "x")
    assert "olga" in hers.out("token", "list")
    before = hers.file.read_text()
    assert "password" in hers.error("connect", url, "--pin", machine.key_pin(), "--user", "olga", lines="wrong password\n")
    assert hers.file.read_text() == before

    terminal = cli.terminal("user", "put", "olga", "--password")
    terminal.wait("New password: ").type("second password\n")
    terminal.wait("Again: ").type("second passwort\n")
    terminal.wait("not the same")
    assert terminal.end() == MISUSED and "second" not in terminal.text
    cli.run("user", "put", "olga", "--no-password")
    assert cli.json("user", "list")[0]["has_password"] is False
    cli.run("user", "rm", "olga")
    assert "hint" in hers.error("vm", "list") and cli.json("user", "list") == []


def test_tokens(cli):
    token = cli.out("token", "create", "--role", "viewer", "--user", "olga").strip()
    assert cli.out("vm", "list", SOCLE_TOKEN=token) == ""
    assert "admin" in cli.error("network", "rm", "x", SOCLE_TOKEN=token)
    name = token.split(".")[1]
    assert name in cli.out("token", "list", "-q").split() and re.search(rf"^{name} +olga +viewer +api ", cli.out("token", "list"), re.M)
    cli.run("token", "rm", name)
    short = cli.json("token", "create", "--expires", "2099-01-31T12:00:00Z")
    assert short["expires_at"].startswith("2099-01-31T12:00:00")
    cli.run("token", "rm", short["id"])
    scoped = cli.json("token", "create", "--role", "operator", "--vm-tag", "web", "--vm-tag", "test")
    assert scoped["vm_tags"] == ["web", "test"] and "hint" in cli.error("status", SOCLE_TOKEN=scoped["token"])
    cli.run("token", "rm", scoped["id"])
    assert "hint" in cli.error("vm", "list", SOCLE_TOKEN=token)
    assert "hint" in cli.error("claim", "0000-0000-0000")


def test_any_request(cli):
    assert json.loads(cli.out("api", "GET", "/health"))["state"] == "ok"
    assert "socle_build_info" in cli.out("api", "GET", "/metrics")
    assert json.loads(cli.out("api", "PUT", "networks/inside", "--data", '{"kind": "isolated"}'))["kind"] == "isolated"
    cli.run("api", "DELETE", "networks/inside")
    assert "hint" in cli.error("api", "GET", "/nothing")


@pytest.mark.parametrize("words", [["vm"], ["vm", "lst"], ["vm", "show"], ["status", "more"], ["status", "--color"],
                                   ["run", "x"], ["--host"], ["api", "GET"], ["vm", "show", ""]])
def test_misuse(known, words):
    assert known.run(*words, want=MISUSED).stderr


def test_help_completion_and_manual(known):
    listed = known.out("help")
    commands = re.findall(r"^  ((?:[a-z]+ ?)+)", listed, re.M)
    assert len(commands) > 30
    manual = known.out("manual")
    for words in (c.strip() for c in commands):
        assert f'.SS "{words}"' in manual
        assert known.out(*words.split(), "--help").startswith(f"usage: socle {words}")

    def complete(*line):
        script = 'source <("$0" completion); PATH=$(dirname "$0"):$PATH; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _socle; echo "${COMPREPLY[@]}"'
        return subprocess.run(["bash", "-c", script, CLI, "socle", *line], env=known.env, capture_output=True, text=True,
                              check=True).stdout.split()

    assert complete("vm", "st") == ["start", "stop"]
    assert complete("run", "x", "--ke") == ["--kernel"]
    assert "isolated" not in complete("network", "rm", "") and "uplink" in complete("network", "rm", "up")
    assert complete("imag") == ["image"]


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers with what no host says."""

    body = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            for _ in range(1 if self.body else 1 << 20):
                self.wfile.write(self.body or b"[" * 65536)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("body, want, words", [
    (b"", NOT_REACHED, "no end"),
    (b"[[[[", NOT_REACHED, "JSON"),
    (b"[" * 100000, NOT_REACHED, "JSON"),
    (b"\0\xff", NOT_REACHED, "JSON"),
    (b'[{"name": "\\u001b[2Jx\\u009by", "state": {"a": 1}, "cpu": [1], "memory": {"size_bytes": -1}}]', DONE, None),
    (b'{"items": {"items": []}}', DONE, None),
], ids=["endless", "cut-off", "deep", "no-text", "control-characters", "no-list"])
def test_hostile_answers(tmp_path, body, want, words):
    """Bounded, and nothing of it reaches the terminal as a command."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Hostile,), {"body": body}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        client = Client(tmp_path)
        done = client.run("network", "list", want=want, SOCLE_HOST=f"http://127.0.0.1:{server.server_port}")
        assert "\x1b" not in done.stdout and "\x9b" not in done.stdout
        assert words is None or words in done.stderr, done
    finally:
        server.shutdown()


def test_package(tmp_path):
    """What `make deb` makes has the program, its manual page and completion."""
    subprocess.run(["tools/mkdeb.sh", CLI, "0.1.0", str(tmp_path)], check=True, capture_output=True)
    package, = tmp_path.glob("socle_0.1.0_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp_path / "x")], check=True)
    version = subprocess.run([str(tmp_path / "x/usr/bin/socle"), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == "socle 0.1.0\n"
    for name in ("usr/share/man/man1/socle.1.gz", "usr/share/bash-completion/completions/socle", "usr/share/doc/socle/copyright"):
        assert (tmp_path / "x" / name).stat().st_size > 1000


@pytest.mark.slow
def test_a_shell_in_linux(known):
    """From two files to a shell by one command, with a NIC on the default network; the packet pool, which stays, grows: not `clean`."""
    terminal = known.terminal("run", "web1", "--kernel", f"{BUILD}/guest/vmlinuz", "--initrd", f"{BUILD}/guest/initrd.img", "--mem", "256M", "-it")
    terminal.wait(r"web1-initrd \[#+\] 100%").wait(r"Linux version", 120).wait(r"(?m)^[~/] # ", 240)
    terminal.type("echo $((6 * 7)) $(ls /sys/class/net)\r")
    terminal.wait(r"\n42 .*\b(eth|ens|enp)").type("\r~.")
    assert terminal.end() == DONE
    assert known.json("vm", "show", "web1")["nics"][0]["network"] == "default"
    known.run("volume", "create", "data", "--size", "1M", "--pool", "ram")
    known.run("vm", "attach", "web1", "data")
    terminal = known.terminal("vm", "console", "web1")
    terminal.type("while ! test -b /dev/vda; do :; done; echo here-$((6*7))\r")
    terminal.wait("here-42")
    terminal.type("\r~.")
    assert terminal.end() == DONE
    known.run("vm", "detach", "web1", "data")
    assert known.json("vm", "show", "web1")["disks"] == []
    known.run("volume", "rm", "data")
    known.run("vm", "rm", "web1", "--force")
    for image in known.out("image", "list", "-q").split():
        known.run("image", "rm", image)
