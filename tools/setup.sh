#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# setup.sh [tests]: installs the Debian packages that building and running need, with "tests" those for every test, too;
# does nothing when all are there.
set -euo pipefail

packages=(
    gcc make binutils clang clang-format     # both compilers and the checks
    libclang-rt-dev                          # sanitizers for make fuzz
    qemu-system-x86 ipxe-qemu                # the machine the tests boot
    mtools dosfstools gdisk                  # the USB image, made without root
    python3 python3-pytest                   # tools and system tests
    curl ca-certificates xz-utils cpio gzip  # fetching and unpacking
    libcurl4-openssl-dev libjansson-dev      # the command line, socle
    libext2fs-dev comerr-dev                 # of it: what a disk boots
    device-tree-compiler                     # socle.dts -> socle.dtb
)
[ "${1:-}" = tests ] && packages+=(
    chromium chromium-driver python3-selenium # the page's test
    qemu-utils libnbd-bin                     # clients of exported volumes, and an NBD server
    python3-jsonschema                        # replies compared with openapi.json
    nbdkit e2fsprogs                          # another one, and disks whose write cache is lost; what guests have written
)
command -v npm >/dev/null || packages+=(npm) # fetching what the web page is made of

missing=()
for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: these packages are missing and there is no sudo; as root run: apt-get install ${missing[*]}" >&2
        exit 1
    }
    sudo=sudo
fi
echo "setup: installing ${missing[*]}"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
