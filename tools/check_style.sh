#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Layout by clang-format, and what no formatter sees: licence line, purpose line, leftovers.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files -co --exclude-standard '*.c' '*.h')
# Versions disagree about layout; the one of Debian 12 is the reference.
if clang-format --version | grep -q 'version 14\.'; then
    clang-format --dry-run -Werror "${sources[@]}"
else
    echo "layout not checked: it is defined by clang-format 14"
fi
rc=0
for f in $(git ls-files -co --exclude-standard '*.c' '*.h' '*.S' '*.py' '*.sh'); do
    head -2 "$f" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' || { echo "$f: no licence line"; rc=1; }
done
if grep -nE '\b(TO''DO|FIX''ME|X''XX)\b|^#if 0' $(git ls-files -co --exclude-standard '*.c' '*.h' '*.S' '*.py' '*.sh'); then
    echo "leftovers found" && rc=1
fi
exit $rc
