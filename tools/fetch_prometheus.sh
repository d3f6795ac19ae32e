#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch_prometheus.sh OUT: Debian's prometheus and promtool, for the test that scrapes a host with them. They are not installed: the
# package would start a server on the machine of whoever runs the tests.
set -euo pipefail
out=$1
cache=${SOCLE_CACHE:-$HOME/.cache/socle}/prometheus
mkdir -p "$cache" "$out"

deb=$(find "$cache" -name 'prometheus_*.deb' | head -1)
if [ -z "$deb" ]; then
    (cd "$cache" && apt-get download -qq prometheus) || {
        echo "fetch_prometheus: the package prometheus cannot be downloaded; run 'apt-get update' as root and try again." >&2
        exit 1
    }
    deb=$(find "$cache" -name 'prometheus_*.deb' | head -1)
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
dpkg-deb -x "$deb" "$tmp"
cp "$tmp"/usr/bin/prom{etheus,tool} "$out/"
