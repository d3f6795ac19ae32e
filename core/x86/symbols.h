/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own function names, made by tools/gen_symbols.py in the second link pass. */
#ifndef SOCLE_X86_SYMBOLS_H
#define SOCLE_X86_SYMBOLS_H

#include "core/lib/types.h"

struct symbol {
    u32 offset; /* from KERNEL_BASE */
    u32 name;   /* position in ksym_names */
};

extern const struct symbol ksyms[]; /* sorted by offset */
extern const u32 ksyms_count;
extern const char ksym_names[];

/* Return: the name of the function an address lies in, and *offset into it; "?" if unknown. */
const char *symbol_find(u64 address, u64 *offset);

#endif
