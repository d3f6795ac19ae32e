# SPDX-License-Identifier: BSD-2-Clause
"""`make run`: boots Socle in an emulator, starts a demo Linux guest through the API, shows its console."""

import json
import os
import re
import select
import signal
import socket
import sys
import termios
import threading
import tty

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

from machine import API, BUILD, disk_args, make_machine, uses_bochs, uses_tcg  # noqa: E402

RUN_JSON = os.path.join(BUILD, "run.json")
RUN_CURL = os.path.join(BUILD, "run.curl")
CLI = os.path.join(BUILD, "socle-cli", "socle")
DISK_BYTES = 1 << 30
QUIT_KEY = b"\x1d"  # Ctrl-]


class Stop(Exception):
    pass


def stop(*_):
    raise Stop


def write_private(path, text):
    """A file with a secret in it, there in whole or not at all."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def write_access(m, url):
    """What scripts and curl need to come in."""
    write_private(RUN_CURL, f'insecure\npinnedpubkey = "{m.key_pin()}"\nheader = "Authorization: Bearer {m.token()}"\n')
    write_private(RUN_JSON, json.dumps({"url": url, "token": m.token(), "pinned_public_key": m.key_pin()}) + "\n")


def port_wanted(text):
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"make run: API_PORT=\"{text}\" is no port: use 1 to 65535.")
    return int(text)


def port_is_busy(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except PermissionError:
            sys.exit(f"make run: port {port} is for root only; choose another with API_PORT=n.")
        except OSError:
            return True
    return False


def start_demo(m):
    m.upload_file("debian-kernel", f"{BUILD}/guest/vmlinuz")
    m.upload_file("debian-initrd", f"{BUILD}/guest/initrd.img", "initrd")
    m.create_vm("demo", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"},
                256 << 20)


def print_unclaimed(m, url):
    """What the console of a new host shows, and how its first administrator goes on."""
    m.wait_serial(r"\| claim code: [-0-9A-Z]{14} ")
    certificate = re.findall(r"certificate SHA-256 ([0-9a-f]{64})", m.serial())[-1]
    code, cli = m.claim_codes()[-1], os.path.relpath(CLI)
    print(f"""
Socle answers at {url}/ and nobody has claimed it yet.
  claim code           {code}
  certificate SHA-256  {certificate}
In a browser: open {url}/ and enter the code. Or in another terminal:
  {cli} connect {url}      # compare the certificate, say y
  {cli} claim {code}
  {cli} run first --kernel {os.path.relpath(BUILD)}/guest/vmlinuz --initrd {os.path.relpath(BUILD)}/guest/initrd.img -it
Ctrl-C here switches the host off.""", flush=True)


def print_urls(m, url, demo):
    curl = f"curl -sK {os.path.relpath(RUN_CURL)}"
    paths = [f"{API}/host", f"{API}/vms", "/metrics"] + ([f"{API}/vms/demo/exits"] if demo else [])
    print(f"""
Socle answers at {url}/ and is yours, by the token {m.token()}
In a browser: open {url}/ and sign in with it. Or in another terminal:
  {os.path.relpath(CLI)} connect {url} --pin {m.key_pin()} --token {m.token()}""")
    if demo:
        print(f"  {os.path.relpath(CLI)} vm console demo")
    for path in paths:
        print(f"  {curl} {url}{path}")
    print("Ctrl-C here switches the host off." if not demo else "", flush=True)


def follow_console(m):
    """Copies the demo's console to the terminal until the connection ends."""
    connection = m.connect(timeout=None)
    connection.request("GET", f"{API}/vms/demo/consoles/0/log?follow=true")
    reply = connection.getresponse()
    while True:
        chunk = reply.read1(65536)
        if not chunk:
            return
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()


def interact(m):
    """The terminal becomes the demo's serial console; Ctrl-] ends it."""
    print("This is the demo guest's console; Ctrl-] ends everything.\n", flush=True)
    threading.Thread(target=follow_console, args=(m,), daemon=True).start()
    if not sys.stdin.isatty():
        m.process.wait()
        return
    saved = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        while m.process.poll() is None:
            if not select.select([sys.stdin], [], [], 1)[0]:
                continue
            keys = os.read(sys.stdin.fileno(), 1024)
            if not keys or QUIT_KEY in keys:
                return
            m.type("demo", keys.decode(errors="replace"))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


def disk_options(kind):
    """A disk of the machine that outlives it."""
    path = f"{BUILD}/disk.img"
    if kind == "none":
        return []
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.truncate(DISK_BYTES)
    return disk_args(kind, path)


def run():
    env = os.environ
    port = port_wanted(env.get("API_PORT", "8443"))
    headless, claim = env.get("HEADLESS", "0") == "1", env.get("CLAIM", "1") == "1"
    demo = claim and env.get("DEMO", "1") == "1"
    if port_is_busy(port):
        sys.exit(f"make run: port {port} on 127.0.0.1 is in use, perhaps by another \"make run\"; choose another with API_PORT=n.")
    log = open(f"{BUILD}/serial.log", "wb")
    is_booting = True

    def echo(chunk):
        log.write(chunk)
        log.flush()
        if is_booting:
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()

    extra = ["-s", "-S"] if env.get("GDB") == "1" else []
    options = {"smp": int(env.get("SMP", "2")), "memory": env.get("MEM", "2G"), "boot": env.get("BOOT", "usb"),
               "port": port, "echo": echo}
    if uses_bochs():
        if extra or options["boot"] != "usb":
            sys.exit("make run: with CPU=intel there is no gdb and no PXE, which Bochs lacks; use CPU=amd for them.")
        print("Booting under Bochs.", flush=True)
    else:
        options.update(extra=extra + disk_options(env.get("DISK", "none")), qemu=env.get("QEMU"))
        print("Booting under QEMU with", "emulation (TCG)." if uses_tcg() else "KVM and nested virtualization.", flush=True)
    machine = make_machine(**options)
    if extra:
        print("QEMU waits for gdb: gdb build/hv.elf -ex 'target remote :1234'", flush=True)
    url = f"https://127.0.0.1:{port}"
    try:
        with machine as m:
            m.wait_ready(timeout=3600 if extra else 300)
            is_booting = False
            if demo:
                start_demo(m)
            if claim:
                write_access(m, url)
                print_urls(m, url, demo)
            else:
                print_unclaimed(m, url)
            if demo and not headless:
                interact(m)
            else:
                m.process.wait()
    finally:
        for path in (RUN_JSON, RUN_CURL):
            if os.path.exists(path):
                os.unlink(path)


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        run()
    except Stop:
        pass
    print("\nSocle has ended.")


if __name__ == "__main__":
    main()
