#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch_prometheus.sh OUT: Debian's prometheus and promtool, for the test that scrapes a host with them. They are not installed: the
# package would start a server on the machine of whoever runs the tests.
set -euo pipefail
out=$1
. tools/fetch_lib.sh
mkdir -p "$out"

deb=$(apt_deb prometheus "$cache/prometheus")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
dpkg-deb -x "$deb" "$tmp"
cp "$tmp"/usr/bin/prom{etheus,tool} "$out/"
