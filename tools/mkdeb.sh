#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes a Debian package of the command line: mkdeb.sh BINARY VERSION FOLDER.
set -euo pipefail
binary=$1 version=$2 folder=$3
arch=$(dpkg --print-architecture)
root=$folder/deb
rm -rf "$root"
install -D -m 755 -s "$binary" "$root/usr/bin/socle"
install -d "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" "$root/usr/share/doc/socle" "$root/DEBIAN"
"$binary" manual | gzip -9n >"$root/usr/share/man/man1/socle.1.gz"
"$binary" completion >"$root/usr/share/bash-completion/completions/socle"
cp LICENSE "$root/usr/share/doc/socle/copyright"

size=$(du -sk "$root/usr" | cut -f1)
cat >"$root/DEBIAN/control" <<EOF
Package: socle
Version: $version
Architecture: $arch
Maintainer: Socle <socle@localhost>
Installed-Size: $size
Depends: libc6, libcurl4t64 | libcurl4, libjansson4, libext2fs2 | libext2fs2t64, libcom-err2
Section: admin
Priority: optional
Description: command line of the Socle hypervisor
 Manages hosts that run Socle: images, virtual machines and their consoles,
 networks, disks and access, over the hosts' REST API.
EOF
chmod -R u=rwX,go=rX "$root"
package=$folder/socle_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$package"
