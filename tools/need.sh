#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Refuses, in one sentence, machines that are not built yet.
set -euo pipefail
refuse() {
    echo "make: $1=$2 is not supported; use $1=$3." >&2
    exit 2
}
case ${CPU:-amd} in amd | intel) ;; *) refuse CPU "$CPU" "amd or CPU=intel" ;; esac
case ${NIC:-e1000e} in
e1000e | e1000 | virtio) ;;
igb)
    [ -n "$("${QEMU:-qemu-system-x86_64}" -device igb,help 2>/dev/null)" ] || {
        echo "make: this QEMU does not emulate the 82576 (NIC=igb); version 8.0 and later do (QEMU=path; tools/fetch_qemu.sh brings one)." >&2
        exit 2
    }
    ;;
*) refuse NIC "$NIC" "e1000e, NIC=e1000, NIC=igb or NIC=virtio" ;;
esac
case ${DISK:-none} in none | nvme | ahci | virtio) ;; *) refuse DISK "$DISK" "nvme, ahci or virtio" ;; esac
case ${BOOT:-usb} in usb | pxe) ;; *) refuse BOOT "$BOOT" "usb or BOOT=pxe" ;; esac
