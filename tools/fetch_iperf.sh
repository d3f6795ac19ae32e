#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch_iperf.sh OUT: a part of an initrd with Debian's iperf3 and the libraries it needs, for the network tests: put
# behind the initrd of mkinitrd.sh, both are unpacked. Through apt, which verifies signatures; kept in SOCLE_CACHE.
set -euo pipefail
out=$(realpath -m "$1")
. tools/fetch_lib.sh
packages="iperf3 libiperf0 libsctp1 libssl3 libc6"
files="usr/bin/iperf3 lib64/ld-linux-x86-64.so.2 libiperf.so.0 libsctp.so.1 libcrypto.so.3 libc.so.6 libm.so.6"
mkdir -p "$(dirname "$out")"

fail() {
    echo "fetch_iperf: $*" >&2
    exit 1
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for package in $packages; do
    deb=$(apt_deb "$package" "$cache/iperf")
    dpkg-deb -x "$deb" "$tmp/debs"
done
mkdir -p "$tmp"/root/{bin,lib64,lib,tmp} # iperf3 maps its buffers from files in /tmp
for file in $files; do
    from=$(find "$tmp/debs" \( -path "*/$file" -o -name "$file" \) | head -1)
    [ -n "$from" ] || fail "none of the packages $packages has $file."
    case $file in
    usr/bin/*) to=bin ;;
    lib64/*) to=lib64 ;;
    *) to=lib ;;
    esac
    cp -L "$from" "$tmp/root/$to/$(basename "$file")"
done
find "$tmp/root" -exec touch -h -d @1735689600 {} +
(cd "$tmp/root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -n -9 >"$out"
