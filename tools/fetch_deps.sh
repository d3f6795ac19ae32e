#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches the packages of tools/deps.lock, verifies them and unpacks them under build/deps/<name>/.
#
# Cache: SOCLE_CACHE (default ~/.cache/socle), so that `make clean` costs nothing. Mirror: SOCLE_MIRROR, else the
# machine's own from apt's configuration; SOCLE_SNAPSHOT: an archive that keeps old pool files, tried last.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${SOCLE_CACHE:-$HOME/.cache/socle}
deps=build/deps
mkdir -p "$cache" "$deps"

mirror() {
    if [ -n "${SOCLE_MIRROR:-}" ]; then
        echo "${SOCLE_MIRROR%/}"
        return
    fi
    local codename
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | awk -v c="$codename" '$1 == c { print $2; exit }' | sed 's,/*$,,'
}

sha_ok() { echo "$2  $1" | sha256sum -c --status; }

fetch() { # name path sha256
    local file="$cache/${2##*/}" base
    [ -f "$file" ] && sha_ok "$file" "$3" && return
    for base in "$(mirror)" "${SOCLE_SNAPSHOT:-}"; do
        [ -n "$base" ] || continue
        curl -fsSL --retry 3 --max-time 300 -o "$file.part" "$base/$2" || continue
        if sha_ok "$file.part" "$3"; then
            mv "$file.part" "$file"
            return
        fi
        echo "fetch_deps: $1: what the mirror sent for $2 has another SHA-256 than tools/deps.lock; it is not used." >&2
    done
    rm -f "$file.part"
    echo "fetch_deps: $1: $2 is not to be had; set SOCLE_MIRROR or SOCLE_SNAPSHOT to an archive that has it, or put the file into $cache." >&2
    exit 1
}

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
date -u +%s >"$deps/.stamp"
