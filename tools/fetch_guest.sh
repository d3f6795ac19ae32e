#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch_guest.sh DIR: puts Debian's cloud kernel into DIR/vmlinuz and its modules for virtio devices, macvlan and ISO 9660 into DIR/modules,
# for the demo and the Linux tests. DIR/modules/order names them as they must be loaded.
#
# The kernel of the running Debian release, through apt, which verifies its signature; not pinned, because mirrors
# drop every kernel a newer one replaces. Kept in SOCLE_CACHE (~/.cache/socle) between builds.
set -euo pipefail
out=$1
. tools/fetch_lib.sh
mkdir -p "$out"

fail() {
    echo "fetch_guest: $*" >&2
    exit 1
}

package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
if [ -z "$package" ]; then
    [ "$(id -u)" -eq 0 ] && apt-get update -qq || true
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
fi
[ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64; run 'apt-get update' as root and try again."

deb=$(apt_deb "$package" "$cache")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
dpkg-deb -x "$deb" "$tmp"
modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio-rng failover net_failover virtio_net virtio_balloon virtio_blk virtio_console macvlan cdrom isofs"
rm -rf "$out/modules"
mkdir "$out/modules"
for module in $modules; do
    find "$tmp/lib/modules" -name "$module.ko" -exec cp {} "$out/modules/" \;
    [ -e "$out/modules/$module.ko" ] || fail "the package $package has no module $module."
done
printf '%s\n' $modules >"$out/modules/order"
cp "$tmp"/boot/vmlinuz-* "$out/vmlinuz"
