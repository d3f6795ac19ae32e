#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches the packages of tools/deps.lock and tools/npm.lock, verifies them and unpacks them under build/deps/<name>/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/fetch_lib.sh
deps=build/deps
mkdir -p "$deps"

unpack() { # name path sha256
    local file="$cache/${2##*/}" dir="$deps/$1"
    [ "$(cat "$dir/.sha256" 2>/dev/null)" = "$3" ] && return
    rm -rf "$dir"
    mkdir -p "$dir"
    case $file in
    *.deb) dpkg-deb -x "$file" "$dir" ;;
    *) tar -xf "$file" -C "$dir" --strip-components=1 ;;
    esac
    echo "$3" >"$dir/.sha256"
}

grep -v '^#' tools/deps.lock | while read -r name path sha; do
    [ -n "$name" ] || continue
    fetch "$name" "$path" "$sha"
    unpack "$name" "$path" "$sha"
done
# npm asks the registry it is set to; what it brings is what the lock file says, or is not used.
grep -v '^#' tools/npm.lock | while read -r name package version sha; do
    [ -n "$name" ] || continue
    fetch_npm "$package" "$version" "$sha"
    unpack "$name" "$(npm_file "$package" "$version")" "$sha"
done
date -u +%s >"$deps/.stamp"
