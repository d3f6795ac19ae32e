/* SPDX-License-Identifier: BSD-2-Clause */
/* libfdt in one piece, for tests that read and write device trees. */
#include "fdt.c"
#include "fdt_check.c"
#include "fdt_ro.c"
#include "fdt_strerror.c"
#include "fdt_sw.c"
