/* SPDX-License-Identifier: BSD-2-Clause */
/* libfdt in one piece, for tests that read and write device trees. */
#include "fdt.c"
#include "fdt_check.c"
#include "fdt_empty_tree.c"
#include "fdt_ro.c"
#include "fdt_rw.c"
#include "fdt_strerror.c"
#include "fdt_wip.c"

/* Two of its files have helpers of the same names. */
#define fdt_del_last_string_ sw_del_last_string
#define fdt_find_add_string_ sw_find_add_string
#include "fdt_sw.c"
