#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# mkimage.sh IMAGE EFI: a GPT disk image with one EFI system partition holding \EFI\BOOT\BOOTX64.EFI, and socle.dtb
# if there is a socle.dts. No root, no mount; the same input gives the same bytes.
set -euo pipefail
image=$1 efi=$2
mib=1048576
partition_mib=64
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export SOURCE_DATE_EPOCH=1735689600 MTOOLS_SKIP_CHECK=1

truncate -s $((partition_mib * mib)) "$tmp/esp"
/usr/sbin/mkfs.fat -F 32 -s 1 -n SOCLE -i 50c1e000 --invariant "$tmp/esp" >/dev/null
faketime=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y%m%d%H%M.%S')
cp "$efi" "$tmp/BOOTX64.EFI"
touch -t "$faketime" "$tmp/BOOTX64.EFI"
mmd -i "$tmp/esp" ::/EFI ::/EFI/BOOT
mcopy -m -i "$tmp/esp" "$tmp/BOOTX64.EFI" ::/EFI/BOOT/BOOTX64.EFI
if [ -f "${SOCLE_DTS:-socle.dts}" ]; then
    dtc -q -O dtb -o "$tmp/socle.dtb" "${SOCLE_DTS:-socle.dts}"
    touch -t "$faketime" "$tmp/socle.dtb"
    mcopy -m -i "$tmp/esp" "$tmp/socle.dtb" ::/EFI/BOOT/socle.dtb
fi

rm -f "$image"
truncate -s $(((partition_mib + 2) * mib)) "$image"
/usr/sbin/sgdisk --set-alignment=2048 --disk-guid=50C1E000-0000-4000-8000-000000000001 \
    --new=1:2048:+${partition_mib}M --typecode=1:EF00 --change-name=1:SOCLE \
    --partition-guid=1:50C1E000-0000-4000-8000-000000000002 "$image" >/dev/null
dd if="$tmp/esp" of="$image" bs=$mib seek=1 conv=notrunc,sparse status=none
