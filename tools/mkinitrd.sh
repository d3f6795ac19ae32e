#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# mkinitrd.sh OUT: an initrd with busybox, the modules beside it and a shell on the first serial line; the same bytes
# every time.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp"/{bin,proc,sys,dev,lib} "$(dirname "$out")"
cp build/deps/busybox/bin/busybox "$tmp/bin/"
cp -r "$(dirname "$out")/modules" "$tmp/lib/"
cat >"$tmp/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in $(cat /lib/modules/order); do
    insmod /lib/modules/$module.ko
done
echo SOCLE-GUEST-READY
while :; do
    setsid cttyhack sh
done
EOF
chmod 755 "$tmp/init" "$tmp/bin/busybox"
find "$tmp" -exec touch -h -d @1735689600 {} +
(cd "$tmp" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -n -9 >"$out"
