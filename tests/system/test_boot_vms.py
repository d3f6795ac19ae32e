# SPDX-License-Identifier: BSD-2-Clause
"""VMs that socle.dtb starts with nobody logging in; verdicts are read from the host's serial line."""

import hashlib
import os
import subprocess

import pytest

from machine import BUILD, IMAGE_DIR, ROOT, Machine, make_machine, uses_bochs

GUESTS = f"{BUILD}/guests"
KERNELS = {"cpuid.elf": f"{GUESTS}/cpuid.elf", "echo.elf": f"{GUESTS}/echo.elf"}

# Image names differ from file names on purpose.
IMAGES = """
    images {
        cpuid-kernel { file = "cpuid.elf"; kind = "kernel"; sha256 = "%s"; };
        echo-kernel { file = "echo.elf"; kind = "kernel"; };
    };
"""
VMS = """
    vms {
        cpuid {
            memory = <0 0x2000000>;
            firmware = "pvh";
            kernel = "cpuid-kernel";
            autostart;
            console-log;
        };
        echo { memory = <0x2000000>; vcpus = <1>; firmware = "pvh"; kernel = "echo-kernel"; console-log;
            nics { net0 { }; net1 { network = "uplink"; mac = "52:00:00:00:00:07"; frames-per-second = <5000>; isolated; any-mac; }; };
        };
    };
"""


def digest(name):
    with open(f"{GUESTS}/{name}.elf", "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def compile_dtb(directory, body):
    dts, dtb = directory / "socle.dts", directory / "socle.dtb"
    dts.write_text('/dts-v1/;\n/ {\n    compatible = "socle,host";\n' + body + "};\n")
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", dtb, dts], check=True)
    return str(dtb)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return compile_dtb(tmp_path_factory.mktemp("dtb"), IMAGES % digest("cpuid") + VMS)


PXE = pytest.mark.qemu("Bochs' network card has no boot ROM")
BOOTS = ["usb", pytest.param("pxe", marks=PXE)]


class FirmwareNetwork(Machine):
    """PXE by the firmware's own driver and protocol, not iPXE's."""

    def command(self):
        nic = "virtio-net-pci,netdev=n0,bootindex=1,romfile="
        return [nic if a.startswith(f"{self.nic},") else a for a in super().command()]


class NoNetwork(Machine):
    """The same machine without any NIC."""

    def command(self):
        args = super().command()
        for option in [a for a in args if a.startswith(f"{self.nic},") or a.startswith("user,")]:
            at = args.index(option)
            del args[at - 1:at + 1]
        return args + ["-nic", "none"]


@pytest.mark.parametrize("boot", BOOTS)
def test_autostart(good, boot):
    with make_machine(boot=boot, dtb=good, files=KERNELS) as m:
        m.wait_serial(r"vm cpuid: VERDICT SUCCESS")
        m.wait_serial(r"VM cpuid stopped")
        m.wait_ready()
        assert [v["name"] for v in m.json("/vms")["items"]] == ["cpuid", "echo"]
        assert m.state("echo") == "stopped"  # not autostarted
        assert "VERDICT SUCCESS" in m.console("cpuid")
        image = m.json("/images/cpuid-kernel")
        assert image["kind"] == "kernel" and image["sha256"] == digest("cpuid")
        assert m.get("/images/cpuid-kernel/data").body == open(KERNELS["cpuid.elf"], "rb").read()

        # They are like all others: start, talk, see it in the log, change, delete.
        assert m.post("/vms/echo/start").status == 200
        m.wait_console("echo", r"echo ready\n")
        m.type("echo", "hello\n")
        m.wait_serial(r"vm echo: \[hello\]")
        assert m.json("/vms/echo")["serial"][0]["host_log"] is True
        first, second = m.json("/vms/echo")["nics"]
        assert first["network"] == "default" and first["check_mac"] and m.json("/networks/default")["ports"] == 1
        assert second["mac"] == "52:00:00:00:00:07" and second["isolated"] and not second["check_mac"] and second["limits"]["ops_per_s"] == 5000
        for vm in ("cpuid", "echo"):
            assert m.delete(f"/vms/{vm}?force=true").status == 204
        for name in ("cpuid", "echo"):
            before = m.free_bytes()
            assert m.delete(f"/images/{name}-kernel").status == 204
            pages = -(-os.path.getsize(f"{GUESTS}/{name}.elf") // 4096)
            assert pages * 4096 <= m.free_bytes() - before <= (pages + 2) * 4096  # and what described it
        memory = m.json("/host")["memory"]
        assert memory["image_bytes"] == 0

        # The API's word for console-log.
        m.run_guest("cpuid", serial=[{"id": 0, "host_log": True}])
        m.wait_serial(r"(?s)vm cpuid: VERDICT SUCCESS.*vm cpuid: VERDICT SUCCESS")


def check_without_network(m):
    with m:
        m.wait_serial(r"no supported network card")
        m.wait_serial(r"vm cpuid: VERDICT SUCCESS")


def test_without_network(good):
    if uses_bochs():
        check_without_network(make_machine(dtb=good, files=KERNELS, has_network=False))
    else:
        check_without_network(NoNetwork(dtb=good, files=KERNELS))


@PXE
def test_pxe_by_the_firmware_itself(good):
    with FirmwareNetwork(boot="pxe", dtb=good, files=KERNELS) as m:
        m.wait_serial(r"vm cpuid: VERDICT SUCCESS")
        m.wait_ready()


BROKEN = """
    hostnam = "typo";
    images {
        good { file = "cpuid.elf"; kind = "kernel"; };
        absent { file = "absent.elf"; };
        tampered { file = "echo.elf"; sha256 = "0000000000000000000000000000000000000000000000000000000000000000"; };
        outside { file = "../BOOT/cpuid.elf"; };
        unkind { file = "echo.elf"; kind = "colonel"; };
    };
    vms {
        misspelt { memory = <0x2000000>; firmware = "pvh"; kernel = "good"; memroy = <1>; };
        mistyped { memory = "much"; kernel = "good"; };
        odd { memory = <3>; kernel = "good"; };
        many { vcpus = <1000>; kernel = "good"; };
        Shouting { kernel = "good"; };
        bios { firmware = "bios"; kernel = "good"; };
        orphan { kernel = "absent"; autostart; };
        nokernel { autostart; };
        flagged { kernel = "good"; autostart = "yes"; };
        later { memory = <0x2000000>; firmware = "pvh"; kernel = "good"; autostart; start-delay-ms = <1500>; console-log; };
    };
    api { port = <80>; };
"""


@pytest.mark.parametrize("boot", BOOTS)
def test_broken_parts_cost_only_themselves(tmp_path, boot):
    with make_machine(boot=boot, dtb=compile_dtb(tmp_path, BROKEN), files=KERNELS) as m:
        m.wait_serial(r"vm later: VERDICT SUCCESS")
        m.wait_ready()
        assert [i["name"] for i in m.json("/images")["items"]] == ["good"]
        assert [v["name"] for v in m.json("/vms")["items"]] == ["later", "misspelt", "orphan"]
        assert m.json("/vms/misspelt")["memory"]["size_bytes"] == 32 << 20
        log = m.serial()
        for line in ["hostnam: there is no such property", "images/absent/file: the loader",
                     "images/tampered/sha256: the file has another", "images/outside/file: the loader",
                     "images/unkind/kind: it is none of", "vms/misspelt/memroy: there is no such",
                     "vms/mistyped/memory: it is no number", "vms/odd/memory: A VM cannot have 3",
                     "vms/many/vcpus: A VM cannot have 1000", "vms/Shouting: its name", "vms/bios/firmware: it is",
                     "vms/orphan/kernel: There is no image", "vms/nokernel/kernel: No kernel image",
                     "vms/flagged/autostart: it is true by", "api/port: 80 sends clients to HTTPS"]:
            assert f"socle.dtb: {line}" in log, (line, log)
        assert "absent.elf cannot be read" in log  # said by the loader
        # What was not used went back: only one image counts.
        assert m.json("/host")["memory"]["image_bytes"] == -(-os.path.getsize(KERNELS["cpuid.elf"]) // 4096) * 4096


def test_linux_from_the_stick(tmp_path):
    """mkimage.sh puts the files that socle.dts names on the image."""
    dts, image = tmp_path / "socle.dts", tmp_path / "socle.img"
    dts.write_text("""/dts-v1/;
/ {
    compatible = "socle,host";
    images {
        debian-kernel { file = "vmlinuz"; kind = "kernel"; };
        debian-initrd { file = "initrd.img"; kind = "initrd"; };
    };
    vms {
        web1 {
            memory = <0 0x10000000>;
            kernel = "debian-kernel";
            initrd = "debian-initrd";
            cmdline = "console=ttyS0 quiet";
            autostart;
            console-log;
        };
    };
};
""")
    env = {**os.environ, "SOCLE_DTS": str(dts), "SOCLE_FILES": f"{BUILD}/guest"}
    subprocess.run([f"{ROOT}/tools/mkimage.sh", image, f"{IMAGE_DIR}/BOOTX64.EFI"], check=True, cwd=ROOT, env=env)
    with make_machine(image=str(image)) as m:
        m.wait_serial(r"VM web1 started")
        m.wait_ready()
        m.wait_console("web1", r"SOCLE-GUEST-READY", timeout=240)
        assert m.delete("/vms/web1?force=true").status == 204
        before = m.free_bytes()
        assert m.delete("/images/debian-kernel").status == 204
        assert m.free_bytes() - before >= os.path.getsize(f"{BUILD}/guest/vmlinuz")


@PXE
def test_linux_by_pxe(tmp_path):
    """Larger than the loader's first guess of a size that iPXE does not tell, and in a folder."""
    files = {f"debian/{name}": f"{BUILD}/guest/{name}" for name in ("vmlinuz", "initrd.img")}
    with open(files["debian/vmlinuz"], "rb") as f:
        sha256 = hashlib.sha256(f.read()).hexdigest()
    dtb = compile_dtb(tmp_path, """
    images {
        kernel { file = "debian/vmlinuz"; kind = "kernel"; sha256 = "%s"; };
        initrd { file = "debian/initrd.img"; kind = "initrd"; };
    };
    vms { web1 { kernel = "kernel"; initrd = "initrd"; cmdline = "console=ttyS0 quiet"; autostart; console-log; }; };
    """ % sha256)
    with Machine(boot="pxe", dtb=dtb, files=files) as m:
        m.wait_serial(r"vm web1: SOCLE-GUEST-READY")


def test_mkimage_refuses_a_missing_file(tmp_path):
    dts = tmp_path / "socle.dts"
    dts.write_text('/dts-v1/; / { compatible = "socle,host"; images { a { file = "nowhere"; }; }; };')
    done = subprocess.run([f"{ROOT}/tools/mkimage.sh", tmp_path / "i.img", f"{IMAGE_DIR}/BOOTX64.EFI"], cwd=ROOT,
                          env={**os.environ, "SOCLE_DTS": str(dts)}, capture_output=True, text=True)
    assert done.returncode != 0
    assert "nowhere" in done.stderr
