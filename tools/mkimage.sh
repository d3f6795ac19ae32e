#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# mkimage.sh IMAGE EFI: a GPT disk image with one EFI system partition holding \EFI\BOOT\BOOTX64.EFI. If there is a
# socle.dts (SOCLE_DTS names another), socle.dtb lies beside it with the files it names under /images, which are looked
# for from the folder SOCLE_FILES on (default: that of socle.dts). No root, no mount; the same input gives the same bytes.
set -euo pipefail
image=$1 efi=$2
dts=${SOCLE_DTS:-socle.dts}
files=${SOCLE_FILES:-$(dirname "$dts")}
mib=1048576
partition_mib=64
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export SOURCE_DATE_EPOCH=1735689600 MTOOLS_SKIP_CHECK=1

# $tmp/root becomes \EFI\BOOT.
mkdir "$tmp/root"
cp "$efi" "$tmp/root/BOOTX64.EFI"
if [ -f "$dts" ]; then
    dtc -q -O dtb -o "$tmp/root/socle.dtb" "$dts"
    for node in $(fdtget -l "$tmp/root/socle.dtb" /images 2>/dev/null || true); do
        file=$(fdtget -t s "$tmp/root/socle.dtb" "/images/$node" file)
        case /$file/ in */../*) echo "mkimage: $dts names $file, which leaves the folder" >&2; exit 1 ;; esac
        [ -f "$files/$file" ] || { echo "mkimage: $dts names $file, which is not in $files" >&2; exit 1; }
        mkdir -p "$(dirname "$tmp/root/$file")"
        cp "$files/$file" "$tmp/root/$file"
    done
fi
faketime=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y%m%d%H%M.%S')
find "$tmp/root" -exec touch -t "$faketime" {} +
partition_mib=$((partition_mib + $(du -sm --apparent-size "$tmp/root" | cut -f1) / 32 * 32))

truncate -s $((partition_mib * mib)) "$tmp/esp"
/usr/sbin/mkfs.fat -F 32 -s 1 -n SOCLE -i 50c1e000 --invariant "$tmp/esp" >/dev/null
mmd -i "$tmp/esp" ::/EFI ::/EFI/BOOT
(cd "$tmp/root" && find . -mindepth 1 -type d | LC_ALL=C sort | while read -r d; do mmd -i "$tmp/esp" "::/EFI/BOOT/$d"; done)
(cd "$tmp/root" && find . -type f | LC_ALL=C sort | while read -r f; do mcopy -m -i "$tmp/esp" "$f" "::/EFI/BOOT/$f"; done)

rm -f "$image"
truncate -s $(((partition_mib + 2) * mib)) "$image"
/usr/sbin/sgdisk --set-alignment=2048 --disk-guid=50C1E000-0000-4000-8000-000000000001 \
    --new=1:2048:+${partition_mib}M --typecode=1:EF00 --change-name=1:SOCLE \
    --partition-guid=1:50C1E000-0000-4000-8000-000000000002 "$image" >/dev/null
dd if="$tmp/esp" of="$image" bs=$mib seek=1 conv=notrunc,sparse status=none
