# SPDX-License-Identifier: BSD-2-Clause
"""Images of kind qcow2: files that qemu-img and qemu-io made, in RAM and in a pool, become the disks that are in them."""

import base64
import contextlib
import hashlib
import os
import random
import subprocess
import time

import pytest

from test_linux import shell
from test_pools import Host, check, disk  # noqa: F401 (a fixture)
from test_volumes import boot, make, off

pytestmark = pytest.mark.slow  # the same on every processor

MACHINE = {"smp": 2, "memory": "1G"}
MIB = 1 << 20
OCTETS = {"Content-Type": "application/octet-stream"}
SIZE = 9 * MIB + 1536  # the last cluster is not whole
KEPT = ("downwards", "compressed")


def content():
    """A disk of text, random bytes, and nothing."""
    source = random.Random(5)
    data = bytearray(SIZE)
    for at in range(0, SIZE - 200000, 300000):
        data[at:at + 70000] = source.randbytes(70000)
        data[at + 80000:at + 180000] = (b"line %d\n" % at * 20000)[:100000]
    data[SIZE - 1000:] = b"e" * 1000
    assert len(data) == SIZE
    return bytes(data)


def qemu_img(*args):
    subprocess.run(["qemu-img", *map(str, args)], check=True, stdout=subprocess.DEVNULL)


def qemu_io(path, *commands):
    args = [arg for command in commands for arg in ("-c", command)]
    subprocess.run(["qemu-io", "-f", "qcow2", *args, str(path)], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Name -> (file, its disk's bytes as QEMU reads them)."""
    where = tmp_path_factory.mktemp("qcow2")
    raw = where / "disk.raw"
    raw.write_bytes(content())
    made = {}
    for name, args in {
        "plain": [],
        "v2": ["-o", "compat=0.10"],
        "compressed": ["-c"],
        "small": ["-o", "cluster_size=512"],
        "small-compressed": ["-c", "-o", "cluster_size=4k,compat=0.10"],
        "large": ["-o", "cluster_size=2M"],
        "large-compressed": ["-c", "-o", "cluster_size=2M"],
        "extended": ["-o", "cluster_size=16k,extended_l2=on"],
        "preallocated": ["-o", "preallocation=metadata"],
        "unordered": ["-W", "-m", "16"],
    }.items():
        made[name] = where / f"{name}.qcow2"
        qemu_img("convert", "-f", "raw", "-O", "qcow2", *args, raw, made[name])
    downwards = made["downwards"] = where / "downwards.qcow2"  # as a VM may write: data in the reverse order
    qemu_img("create", "-q", "-f", "qcow2", downwards, SIZE)
    qemu_io(downwards, *(f"write -P {at % 251 + 1} {at * 50000} 50000" for at in range(180, -1, -1)), "write -z 1M 128k",
            "discard 3M 1M")
    grown = made["grown"] = where / "grown.qcow2"  # its L1 table had to move to the end
    qemu_img("convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=4k", raw, grown)
    qemu_img("resize", "-q", "-f", "qcow2", grown, 12 * MIB)
    snapshot = made["snapshot"] = where / "snapshot.qcow2"  # only what is on top counts
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, snapshot)
    qemu_img("snapshot", "-c", "before", snapshot)
    qemu_io(snapshot, "write -P 7 1M 2M", "write -P 8 100k 10k")
    dirty = made["dirty"] = where / "dirty.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", dirty, SIZE)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 9 5M 200k", "-c", "flush", "-c", "abort", str(dirty)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # its counts of references are not in the file
    assert dirty.read_bytes()[79] & 1
    result = {}
    for name, path in made.items():
        file = path.read_bytes()  # before QEMU repairs it
        qemu_img("convert", "-f", "qcow2", "-O", "raw", path, where / "back.raw")
        result[name] = (file, (where / "back.raw").read_bytes())
    assert result["compressed"][1] == content()
    return result


def upload(m, name, data, query=""):
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    reply = m.put(f"/images/{name}{query}", data, headers={**OCTETS, "Repr-Digest": f"sha-256=:{digest}:"})
    assert reply.status == 201, reply
    return m.json(f"/images/{name}")


def check_image(m, name, file, raw, query=""):
    image = upload(m, name, file, query)
    assert (image["kind"], image["size_bytes"], image["virtual_size_bytes"]) == ("qcow2", len(file), len(raw)), name
    assert image["sha256"] == hashlib.sha256(file).hexdigest()
    assert m.get(f"/images/{name}/data").body == raw, name
    part = m.get(f"/images/{name}/data", headers={"Range": "bytes=1000000-1300000"})
    assert (part.status, part.body) == (206, raw[1000000:1300001])
    return image


def test_in_ram(clean, files):
    """Each file's disk is what QEMU reads from it; empty areas take no memory, and all of it comes back."""
    m = clean
    for name, (file, raw) in files.items():
        check_image(m, "q", file, raw, "?kind=qcow2" if name in ("plain", "small") else "")
        volume = make(m, "v", **{"from": {"image": "q"}})
        assert m.get("/volumes/v/data").body == raw + bytes(volume["size_bytes"] - len(raw)), name
        assert m.delete("/volumes/v").status == 204
        assert m.delete("/images/q").status == 204
    as_it_is = upload(m, "raw", files["plain"][0], "?kind=raw")
    assert as_it_is["kind"] == "raw" and as_it_is["virtual_size_bytes"] == len(files["plain"][0])


def test_empty_areas(clean, tmp_path):
    """A disk that is larger than the host's memory, with little in it."""
    m, path = clean, tmp_path / "thin.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", path, "200G")
    qemu_io(path, "write -P 5 150G 1M")
    before = m.free_bytes()
    assert upload(m, "thin", path.read_bytes())["virtual_size_bytes"] == 200 << 30
    assert before - m.free_bytes() < 2 * MIB
    start = (150 << 30) - 10
    assert m.get("/images/thin/data", headers={"Range": f"bytes={start}-{start + 19}"}).body == bytes(10) + b"\5" * 10
    make(m, "v", **{"from": {"image": "thin"}, "size_bytes": 300 << 30})
    assert m.get("/volumes/v/data", headers={"Range": f"bytes={start}-{start + 19}"}).body == bytes(10) + b"\5" * 10


def refused(tmp_path):
    """What -> (file, words of the refusal)."""
    base, path = tmp_path / "base.raw", tmp_path / "bad.qcow2"
    base.write_bytes(os.urandom(MIB))
    for what, args, words in (
            ("backing", ["-b", base, "-F", "raw"], "backing file"),
            ("zstd", ["-o", "compression_type=zstd"], "not compressed by deflate"),
            ("external", ["-o", f"data_file={tmp_path}/data.raw"], "another file")):
        qemu_img("create", "-q", "-f", "qcow2", *args, path, MIB)
        yield what, path.read_bytes(), words
        path.unlink()
    qemu_img("convert", "-f", "raw", "-O", "qcow2", base, path)
    file = path.read_bytes()
    # The header's crypt_method says LUKS: qemu-img makes such a file only on a machine that is quiet enough to time its key.
    yield "luks", file[:32] + (2).to_bytes(4, "big") + file[36:], "encrypted"
    for length in (4, 600, 70000, 200000, len(file) - 1):
        yield f"cut-{length}", file[:length], "ends"
    yield "corrupt", file[:79] + b"\2" + file[80:], "marked as corrupt"


def test_refused(clean, problem, tmp_path):
    """One sentence each, and nothing is left behind."""
    m = clean
    for what, file, words in refused(tmp_path):
        assert words in problem(m.put(f"/images/{what}?kind=qcow2", file, headers=OCTETS), 422, "semantic")["detail"]
        assert words in problem(m.put(f"/images/{what}", file, headers=OCTETS), 422, "semantic")["detail"]
        assert m.get(f"/images/{what}").status == 404
    problem(m.put("/images/empty?kind=qcow2", b"", headers=OCTETS), 422, "semantic")
    problem(m.put("/images/text?kind=qcow2", b"text" * 1000, headers=OCTETS), 422, "semantic")


def test_connection_cut(clean, files):
    """Half an upload, most of it waiting for what has not come, leaves nothing; the name is free again."""
    m, file = clean, files["downwards"][0]
    before = m.free_bytes()
    with contextlib.closing(m.connect()) as c:
        c.putrequest("PUT", "/api/v1/images/half?kind=qcow2")
        for name, value in (("Authorization", f"Bearer {m.token()}"), ("Content-Length", str(len(file))), *OCTETS.items()):
            c.putheader(name, value)
        c.endheaders()
        c.send(file[:len(file) // 2])
        wait_until(lambda: m.free_bytes() < before - 2 * MIB)
    wait_until(lambda: m.free_bytes() == before)
    assert m.get("/images/half").status == 404
    check_image(m, "half", *files["downwards"])


@pytest.mark.qemu("disks of the host; Bochs has none of these controllers")
def test_in_pool(disk, files, problem, tmp_path):  # noqa: F811
    """The same in a pool: clones, a guest that reads one, a restart; refused ones and spools leave no object."""
    with Host(disk) as m:
        m.make_pool()
        images = {}
        for name, (file, raw) in files.items():
            before = objects(m)
            images[name] = check_image(m, name, file, raw)
            assert images[name]["pool"] == "tank"
            wait_objects(m, before + 2)  # a volume, and what it is; no spool
            make(m, "v", **{"from": {"image": name}, "size_bytes": 16 * MIB})
            assert m.get("/volumes/v/data").body == raw + bytes(16 * MIB - len(raw)), name
            assert m.delete("/volumes/v").status == 204
            if name not in KEPT:
                assert m.delete(f"/images/{name}").status == 204
                wait_objects(m, before)
        before = objects(m)
        for what, file, words in refused(tmp_path):
            assert words in problem(m.put(f"/images/{what}", file, headers=OCTETS), 422, "semantic")["detail"]
        wait_objects(m, before)
        m.kill()
    check(disk)
    with Host(disk) as m:
        m.wait_ready()
        m.wait_pool("tank")
        for name in KEPT:
            assert m.json(f"/images/{name}") == images[name]
        raw = files["downwards"][1]
        make(m, "root", **{"from": {"image": "downwards"}})
        boot(m, [{"id": "root", "volume": "root"}, {"id": "seed", "image": "compressed", "read_only": True}])
        shell(m, f"head -c {len(raw)} /dev/vda | md5sum; head -c {SIZE} /dev/vdb | md5sum | sed s/^/sum-/",
              f"{hashlib.md5(raw).hexdigest()} .*\\r?\\nsum-{hashlib.md5(content()).hexdigest()}")
        off(m)
    check(disk)


def objects(m):
    return m.json("/pools/tank")["objects"]


def wait_objects(m, count):
    """Deleted ones go on their own."""
    wait_until(lambda: objects(m) == count)


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
