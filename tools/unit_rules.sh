#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# unit_rules.sh DIR TEST.c...: make's rules for unit test programs, each of which links the sources that its comment "SOURCES:" names.
set -euo pipefail
dir=$1
shift
for test in "$@"; do
    objects=
    # On one line or several, up to the comment's end.
    for source in "$test" tests/unit/harness.c $(sed -n '/SOURCES:/,/\*\//{/\*\//{s,\*/.*,,;s,.*SOURCES:,,;s,^ \*,,;p;q};s,.*SOURCES:,,;s,^ \*,,;p}' "$test"); do
        objects+=" $dir/unit/obj/${source%.c}.o"
    done
    echo "$dir/unit/$(basename "$test" .c):$objects"
done
