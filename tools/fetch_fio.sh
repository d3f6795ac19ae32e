#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch_fio.sh OUT: a part of an initrd with fio, for the disk tests: put behind the initrd of mkinitrd.sh, both are
# unpacked. Debian's fio needs the libraries of every storage system there is, so its pinned source is built without
# them, once; the program is kept in SOCLE_CACHE.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")/.."
# shellcheck source=tools/fetch_lib.sh
. tools/fetch_lib.sh
path=pool/main/f/fio/fio_3.33.orig.tar.gz
sha=d2410e13e0f379d061d077cc5ae325835bb7c6186aa7bafc1df954cbc9b014fc
without=" numa rdma rados rbd http gfapi pmem native libzbc tcmalloc libnfs xnvme"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
program=$cache/fio-$(sha256sum <tools/fetch_fio.sh | cut -c1-16)
if [ ! -x "$program" ]; then
    fetch fio "$path" "$sha"
    tar -xf "$cache/${path##*/}" -C "$tmp" --strip-components=1
    echo "  HOST fio (once)"
    # shellcheck disable=SC2086
    (cd "$tmp" && ./configure --build-static ${without//[[:space:]]/ --disable-} >build.log 2>&1 && make -j2 fio >>build.log 2>&1) || {
        tail -5 "$tmp/build.log" >&2
        echo "fetch_fio: fio cannot be built; its last lines are above." >&2
        exit 1
    }
    strip -o "$program.$$" "$tmp/fio"
    mv "$program.$$" "$program"
fi
mkdir -p "$tmp/root/bin" "$(dirname "$out")"
cp "$program" "$tmp/root/bin/fio"
find "$tmp/root" -exec touch -h -d @1735689600 {} +
(cd "$tmp/root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -n -9 >"$out"
