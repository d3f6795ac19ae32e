/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts into a device tree of ours: libfdt's macros for them convert their length silently. */
#ifndef SOCLE_MGMT_FDT_TEXT_H
#define SOCLE_MGMT_FDT_TEXT_H

#include <libfdt.h>

#include "core/lib/string.h"

/* Sets a text property. Return: 0, or libfdt's error (no room). */
static inline int fdt_text_set(void *dtb, int node, const char *name, const char *text)
{
    return fdt_setprop(dtb, node, name, text, (int)strlen(text) + 1);
}

/* Adds a text to a list of them, which may be absent. */
static inline int fdt_text_append(void *dtb, int node, const char *name, const char *text)
{
    return fdt_appendprop(dtb, node, name, text, (int)strlen(text) + 1);
}

#endif
