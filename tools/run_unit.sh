#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs unit test programs and sums up: "N passed, N failed" on the last line.
set -u
passed=0 failed=0
for t in "$@"; do
    out=$("$t" 2>&1)
    rc=$?
    line=$(printf '%s\n' "$out" | tail -1)
    p=$(printf '%s' "$line" | sed -n 's/.*: \([0-9]*\) passed.*/\1/p')
    f=$(printf '%s' "$line" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
    if [ $rc -ne 0 ]; then
        printf '%s\n' "$out" | tail -40
        echo "$t ended with code $rc"
        [ "${f:-0}" -gt 0 ] || failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
