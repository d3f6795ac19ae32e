#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every header of the kernel compiles alone, with gcc and with clang.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(-std=c17 -ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -Wall -Wextra -Werror -Wno-unused-function -I. -Ibuild/gen
    -isystem build/deps/lwip/src/include -isystem mgmt/port -isystem build/deps/http-parser -isystem build/deps/jsmn/usr/include
    -isystem build/deps/dtc/libfdt -isystem build/deps/zydis/include -isystem build/deps/zycore/usr/include -DZYAN_NO_LIBC
    -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -isystem tools/libc
    -isystem build/deps/mbedtls/include "-DMBEDTLS_CONFIG_FILE=<mgmt/port/mbedtls_config.h>")
for h in $(git ls-files -co --exclude-standard 'core/*.h' 'mm/*.h' 'svm/*.h' 'vmx/*.h' 'drivers/*.h' 'mgmt/*.h' boot/boot_info.h); do
    for cc in gcc clang; do
        echo "#include \"$h\"" | $cc "${flags[@]}" -fsyntax-only -x c - || { echo "$h does not stand alone with $cc"; exit 1; }
    done
done
for h in $(git ls-files -co --exclude-standard 'tools/socle/*.h'); do
    for cc in gcc clang; do
        echo "#include \"$h\"" | $cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -fsyntax-only -x c - ||
            { echo "$h does not stand alone with $cc"; exit 1; }
    done
done
echo "headers stand alone"
