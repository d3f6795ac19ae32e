/* SPDX-License-Identifier: BSD-2-Clause */
/* Backtraces by frame pointers, names by the symbol table in the image. */
#include "core/x86/backtrace.h"

#include "core/x86/symbols.h"
#include "mm/layout.h"

#define FRAMES_MAX 24

const char *symbol_find(u64 address, u64 *offset)
{
    u32 low = 0, high = ksyms_count;
    u64 relative = address - KERNEL_BASE;

    *offset = 0;
    if (ksyms_count == 0 || relative < ksyms[0].offset ||
        relative >= (u64)(kernel_text_end - kernel_text_start))
        return "?";
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;

        if (ksyms[middle].offset <= relative)
            low = middle;
        else
            high = middle;
    }
    *offset = relative - ksyms[low].offset;
    return ksym_names + ksyms[low].name;
}

static bool is_stack(u64 address)
{
    return (address & 7) == 0 &&
           ((address >= KSTACK_WINDOW_BASE &&
             address < KSTACK_WINDOW_BASE + KSTACK_WINDOW_BYTES - 16) ||
            (address >= (u64)kernel_data_start && address < (u64)kernel_data_end - 16));
}

void backtrace_walk(u64 rbp, void (*fn)(u64 address, void *arg), void *arg)
{
    for (unsigned i = 0; i < FRAMES_MAX && is_stack(rbp); i++) {
        const u64 *frame = (const u64 *)rbp;

        fn(frame[1], arg);
        if (frame[0] <= rbp) /* stacks grow down: callers lie above */
            return;
        rbp = frame[0];
    }
}
