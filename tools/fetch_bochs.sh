#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches the Bochs of tools/bochs.lock, the machine for CPU=intel, and makes build/deps/bochs lead to it.
#
# Nothing is installed and root is not needed: the pinned packages and, from the same Debian release, the libraries
# they need are unpacked into the cache, under a name made from what went in, and run with that release's own loader.
# With CPU=amd, or where KVM offers nested VT-x, nothing is done.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${CPU:-amd}" = intel ] || exit 0
nested=/sys/module/kvm_intel/parameters/nested
[ -w /dev/kvm ] && grep -qs '[1Y]' "$nested" && exit 0

. tools/fetch_lib.sh
inputs=(tools/bochs.lock tools/fetch_bochs.sh tools/bochs/repair.c)
target=$cache/bochs-$(cat "${inputs[@]}" | sha256sum | cut -c1-12)
libraries=usr/lib/x86_64-linux-gnu

fail() {
    echo "fetch_bochs: $*" >&2
    exit 1
}

link() {
    mkdir -p build/deps
    [ "$(readlink build/deps/bochs)" = "$target" ] || ln -sfn "$target" build/deps/bochs
}

# apt with a root of its own under $tmp: the system's package lists and status are neither read nor written.
private_apt() {
    apt-get -qq -o Acquire::Retries=3 -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" -o Dir::Cache="$tmp/cache" \
        -o APT::Install-Recommends=0 -o APT::Sandbox::User= -o APT::Get::AllowUnauthenticated=0 \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 "$@"
}

download() { # puts the pinned packages and all they depend on into $tmp/cache/archives
    local name path sha suite base
    local -a pinned=()
    suite=$(awk '$1 == "suite" { print $2 }' tools/bochs.lock)
    base=$(mirror)
    [ -n "$base" ] || base=${SOCLE_SNAPSHOT:-}
    mkdir -p "$tmp/state/lists/partial" "$tmp/cache/archives/partial"
    : >"$tmp/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base $suite main" >"$tmp/sources.list"
    while read -r name path sha; do
        fetch "$name" "$path" "$sha"
        cp "$cache/${path##*/}" "$tmp/"
        pinned+=("$tmp/${path##*/}")
    done < <(grep -v -e '^#' -e '^suite' tools/bochs.lock)
    private_apt update ||
        fail "the mirror does not serve Debian $suite, whose libraries Bochs needs; set SOCLE_MIRROR to one that does."
    private_apt -y --download-only install "${pinned[@]}" >/dev/null ||
        fail "Debian $suite no longer has the libraries of the pinned Bochs; pin a newer one in tools/bochs.lock."
    cp "${pinned[@]}" "$tmp/cache/archives/"
}

unpack() { # DIR: what the emulator needs of the packages, the repair library, and a command that runs it all
    local deb kept models
    mkdir "$tmp/all"
    for deb in "$tmp"/cache/archives/*.deb; do
        dpkg-deb -x "$deb" "$tmp/all"
    done
    for kept in "$libraries" usr/bin/bochs-bin usr/share/bochs usr/share/vgabios; do
        mkdir -p "$1/${kept%/*}"
        mv "$tmp/all/$kept" "$1/$kept"
    done
    gcc -std=gnu17 -Wall -Wextra -Werror -O2 -shared -fPIC -o "$1/repair.so" tools/bochs/repair.c
    cat >"$1/bochs" <<EOF
#!/bin/sh
# Runs this Bochs with the libraries it was built for.
root=\$(dirname "\$(readlink -f "\$0")")
export LTDL_LIBRARY_PATH="\$root/$libraries/bochs/plugins" BXSHARE="\$root/usr/share/bochs"
exec "\$root/$libraries/ld-linux-x86-64.so.2" --preload "\$root/repair.so" --library-path "\$root/$libraries" \\
    "\$root/usr/bin/bochs-bin" "\$@"
EOF
    chmod +x "$1/bochs"
    # The repair library checks what it repairs when it is loaded.
    models=$("$1/bochs" --help cpu 2>&1 || true)
    grep -q corei7_skylake_x <<<"$models" || fail "the unpacked Bochs does not run: $(tail -1 <<<"$models")"
}

if [ ! -x "$target/bochs" ]; then
    exec 9>"$cache/bochs.lock"
    flock 9
fi
if [ ! -x "$target/bochs" ]; then
    echo "fetch_bochs: fetching Bochs and its libraries (once; about 100 MB)"
    tmp=$(mktemp -d "$cache/bochs-new.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    download
    mkdir "$tmp/root"
    unpack "$tmp/root"
    chmod 755 "$tmp/root"
    mv -T "$tmp/root" "$target"
fi
link
