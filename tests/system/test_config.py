# SPDX-License-Identifier: BSD-2-Clause
"""socle.dtb beside the image: name and static address, from the USB stick and by TFTP."""

import os
import subprocess

import pytest

from machine import IMAGE_DIR, ROOT, make_machine

STATIC = """/dts-v1/;
/ {
    compatible = "socle,host";
    hostname = "rack7";
    network {
        dhcp = "off";
        address = "10.0.2.77/24";
        gateway = "10.0.2.2";
    };
};
"""


@pytest.fixture
def config(tmp_path):
    """A socle.dtb, and a USB image that holds it."""
    dts, dtb, image = tmp_path / "socle.dts", tmp_path / "socle.dtb", tmp_path / "socle.img"
    dts.write_text(STATIC)
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", dtb, dts], check=True)
    subprocess.run([f"{ROOT}/tools/mkimage.sh", image, f"{IMAGE_DIR}/BOOTX64.EFI"], check=True, cwd=ROOT,
                   env={**os.environ, "SOCLE_DTS": str(dts)})
    return str(dtb), str(image)


@pytest.mark.parametrize("boot", [
    "usb", pytest.param("pxe", marks=pytest.mark.qemu("Bochs' network card has no boot ROM"))])
def test_static_address(config, boot):
    dtb, image = config
    with make_machine(boot=boot, dtb=dtb, image=image, address="10.0.2.77") as m:
        m.wait_ready()
        assert m.json("/host")["name"] == "rack7"
        assert "10.0.2.77" in m.serial()
