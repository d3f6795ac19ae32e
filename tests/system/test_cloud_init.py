# SPDX-License-Identifier: BSD-2-Clause
"""The seed disk: Linux finds it by its label and reads the files cloud-init would; what is too large is refused."""

import hashlib

import pytest

from machine import BUILD
from test_linux import shell
from test_pools import Host, check, disk  # noqa: F401 (disk: a fixture)
from test_volumes import again, boot, off

MACHINE = {"smp": 2, "memory": "1G"}
TEXT_MAX = 65536
NAMES = ("user_data", "meta_data", "network_config")


def texts(size):
    """Three texts of that many bytes, all different, with characters that JSON has to escape."""
    return {name: ("ä\\\"" + "".join(f'"{name}": {i}\n' for i in range(size)))[:size - 1] for name in NAMES}


def sizes(given):
    return {f"{name}_bytes": len(given.get(name, "").encode()) for name in NAMES}


def check_files(m, given, mark):
    """What the guest reads on the disk with the label is what was given."""
    shell(m, f"mkdir -p /seed && mount -o ro $(findfs LABEL=cidata) /seed && echo mounted-{mark}-$((6*7))", rf"mounted-{mark}-42")
    for name, file in zip(NAMES, ("user-data", "meta-data", "network-config")):
        digest = hashlib.sha256(given[name].encode()).hexdigest()
        shell(m, f"sha256sum /seed/{file} | sed s/^/{mark}-/", rf"{mark}-{digest}  /seed/{file}\r?\n")
    shell(m, f"umount /seed && echo unmounted-{mark}-$((6*7))", rf"unmounted-{mark}-42")


def test_definitions(clean, problem):
    m = clean
    vm = {"boot": {"kernel": "k"}, "cloud_init": {"user_data": "#cloud-config\n"}}
    assert m.put("/vms/c", vm).status == 201
    assert m.json("/vms/c")["cloud_init"] == sizes(vm["cloud_init"])
    etag = m.json("/vms/c"), m.get("/vms/c").headers["ETag"]
    assert m.put("/vms/c", etag[0]).headers["ETag"] == etag[1]  # what GET gave, and the same again, is no change
    assert m.put("/vms/c", vm).headers["ETag"] == etag[1]
    assert m.patch("/vms/c", {"cloud_init": {"network_config": "version: 2\n"}}).status == 200
    assert m.json("/vms/c")["cloud_init"] == sizes({**vm["cloud_init"], "network_config": "version: 2\n"})
    assert m.patch("/vms/c", {"cloud_init": {"user_data": None}}).status == 200
    assert m.json("/vms/c")["cloud_init"] == sizes({"network_config": "version: 2\n"})
    assert m.patch("/vms/c", {"cloud_init": None}).status == 200
    assert m.json("/vms/c")["cloud_init"] is None

    # Row 28: all three at their largest; what is not named is gone.
    big = texts(TEXT_MAX)
    reply = m.put("/vms/c/cloud-init", big)
    assert reply.status == 200 and m.json("/vms/c")["cloud_init"] == sizes(big)
    for name in NAMES:
        body = problem(m.put("/vms/c/cloud-init", {name: "x" * (TEXT_MAX + 1)}), 400, "bad_value")
        assert body["pointer"] == f"/{name}"
    assert m.json("/vms/c")["cloud_init"] == sizes(big)
    assert m.put("/vms/c/cloud-init", {"meta_data": "instance-id: i\n"}).status == 200
    assert m.json("/vms/c")["cloud_init"] == sizes({"meta_data": "instance-id: i\n"})
    assert m.put("/vms/c/cloud-init", {}).status == 200
    assert m.json("/vms/c")["cloud_init"] is None

    for bad, slug, pointer in (({"user_data": 1}, "bad_value", "/user_data"), ({"user_data": "a\0b"}, "bad_value", "/user_data"),
                               ({"vendor_data": ""}, "unknown_field", "/vendor_data"), ([], "bad_value", "")):
        assert problem(m.put("/vms/c/cloud-init", bad), 400, slug).get("pointer", "") == pointer
        body = problem(m.put("/vms/d?dry_run=true", {"boot": {"kernel": "k"}, "cloud_init": bad}), 400, slug)
        assert body["pointer"] == "/cloud_init" + pointer
    assert m.put("/vms/d?dry_run=true", vm).status == 200
    problem(m.put("/vms/c/cloud-init", b"{", headers={"Content-Type": "application/json"}), 400, "bad_json")
    problem(m.put("/vms/c/cloud-init", b" " * (1 << 20), headers={"Content-Type": "application/json"}), 413, "too_big")
    problem(m.put("/vms/c/cloud-init", {}, headers={"If-Match": '"1"'}), 412, "etag")
    problem(m.put("/vms/d/cloud-init", {}), 404, "no_such")


@pytest.mark.slow
def test_linux_reads_the_seed(clean):
    """By label, behind the VM's own disks, only to be read; a change is there after the next start, and so are the defaults."""
    m = clean
    given = texts(TEXT_MAX)
    m.upload("data", b"the guest's own disk".ljust(4096), "raw")
    disks = [{"id": "own", "image": "data", "read_only": True}]
    boot(m, disks, cloud_init={"user_data": given["user_data"][:30000]})
    shell(m, "head -c 8 /dev/vda; cat /sys/block/vdb/ro /sys/block/vdb/serial; echo -$((6*7))", r"the gues1\r?\nCIDATA-42")
    shell(m, "mkdir /seed && mount -o ro $(findfs LABEL=cidata) /seed; ls -l /seed | sed s/^/ls-/; echo listed-$((6*7))",
          r"(?s)ls--r--r--r--.* meta-data\r?\n.*ls--r--r--r--.* user-data\r?\n.*listed-42")
    vm = m.json("/vms/debian")
    shell(m, "sed s/^/meta-/ /seed/meta-data; umount /seed", rf"meta-instance-id: {vm['uuid']}\r?\nmeta-local-hostname: debian\r?\n")
    assert m.put("/vms/debian/cloud-init", given).status == 200
    off(m)
    again(m)
    check_files(m, given, "all")
    off(m)


@pytest.mark.qemu("disks of the host; Bochs has none of these controllers")
def test_kept_in_a_pool(disk):
    """A definition larger than one blob of the store is whole after the power failed, and goes without a rest."""
    given = texts(TEXT_MAX)
    with Host(disk) as m:
        m.make_pool()
        for name, path, kind in (("debian-kernel", "vmlinuz", "kernel"), ("debian-initrd", "initrd.img", "initrd")):
            m.upload_file(name, f"{BUILD}/guest/{path}", kind)
        objects = m.json("/pools/tank")["objects"]
        m.create_vm("debian", {"kernel": "debian-kernel", "initrd": "debian-initrd", "cmdline": "console=ttyS0"}, 256 << 20, start=False)
        for size in (TEXT_MAX, 100, TEXT_MAX, 50000, TEXT_MAX):
            assert m.put("/vms/debian/cloud-init", texts(size)).status == 200
        assert m.json("/pools/tank")["objects"] == objects + 5  # the definition and its four pieces
        m.kill()
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        assert m.json("/vms/debian")["cloud_init"] == sizes(given)
        assert m.post("/vms/debian/start").status == 200
        m.wait_console("debian", r"SOCLE-GUEST-READY", timeout=240)
        check_files(m, given, "kept")
        off(m)
        assert m.delete("/vms/debian").status == 204
        assert m.json("/pools/tank")["objects"] == objects
    check(disk)
