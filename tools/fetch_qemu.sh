#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches a second QEMU, for tests of what this system's does not emulate: Intel's 82576 (igb), known from 8.0 on.
#
# It is the one of this release's backports, by apt with its signatures, unpacked into the cache and not installed;
# build/deps/qemu leads to it. Where the system's own knows the card, or there are no backports, nothing is done:
# those tests are skipped then, and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
knows_igb() { [ -n "$("$1" -device igb,help 2>/dev/null)" ]; } # it ends well in either case
knows_igb "${QEMU:-qemu-system-x86_64}" && exit 0

. tools/fetch_lib.sh
target=$cache/qemu-$(sha256sum <tools/fetch_qemu.sh | cut -c1-12)

# apt with a root of its own under $tmp: the system's package lists are neither read nor written.
private_apt() {
    apt-get -qq -o Acquire::Retries=3 -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" -o Dir::Cache="$tmp/cache" \
        -o APT::Sandbox::User= -o APT::Get::AllowUnauthenticated=0 "$@"
}

download() { # puts the packages into $tmp/debs
    local suite
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
    mkdir -p "$tmp/state/lists/partial" "$tmp/cache/archives/partial" "$tmp/debs"
    : >"$tmp/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$tmp/sources.list"
    private_apt update && (cd "$tmp/debs" && private_apt download qemu-system-x86 qemu-system-data qemu-system-common seabios)
}

unpack() { # DIR: the packages, and a command that runs QEMU with its own files
    local deb
    for deb in "$tmp"/debs/*.deb; do
        dpkg-deb -x "$deb" "$1"
    done
    cat >"$1/qemu" <<'EOF'
#!/bin/sh
# Runs this QEMU with the modules and firmware it came with.
root=$(dirname "$(readlink -f "$0")")
export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
EOF
    chmod +x "$1/qemu"
    knows_igb "$1/qemu"
}

if [ ! -x "$target/qemu" ]; then
    echo "fetch_qemu: fetching a QEMU that emulates the 82576 (once; 13 MB)"
    tmp=$(mktemp -d "$cache/qemu-new.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    mkdir "$tmp/root"
    if ! download >"$tmp/log" 2>&1 || ! unpack "$tmp/root" >>"$tmp/log" 2>&1; then
        echo "fetch_qemu: there is none ($(tail -1 "$tmp/log")); tests of the 82576 will be skipped." >&2
        exit 0
    fi
    chmod 755 "$tmp/root"
    # Another build may have been quicker.
    mv -T "$tmp/root" "$target" 2>/dev/null || [ -x "$target/qemu" ]
fi
mkdir -p build/deps
[ "$(readlink build/deps/qemu)" = "$target" ] || ln -sfn "$target" build/deps/qemu
