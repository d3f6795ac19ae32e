/* SPDX-License-Identifier: BSD-2-Clause */
/* Host exceptions: fix-ups for instructions that may fault, panic for the rest. */
#include "core/x86/exception.h"

#include "core/lib/errno.h"
#include "core/x86/cr.h"
#include "core/x86/panic.h"

/* Pairs made by EXTABLE(): the instruction that may fault, where to go on. */
struct fixup {
    u64 at;
    u64 resume;
};

extern const struct fixup exception_table_start[];
extern const struct fixup exception_table_end[];

#define EXTABLE(from, to) ".pushsection .extable, \"a\"\n .quad " from ", " to "\n .popsection\n"

static void (*nmi_handler)(void);

void exception_on_nmi(void (*handler)(void))
{
    nmi_handler = handler;
}

void exception_handle(struct interrupt_frame *frame)
{
    if (frame->vector == VECTOR_NMI) {
        if (nmi_handler != NULL)
            nmi_handler();
        return;
    }
    for (const struct fixup *f = exception_table_start; f < exception_table_end; f++) {
        if (f->at == frame->rip) {
            frame->rip = f->resume;
            return;
        }
    }
    panic_exception(frame);
}

int rdmsr_safe(u32 msr, u64 *value)
{
    u32 lo = 0, hi = 0, failed = 1;

    __asm__ volatile("1: rdmsr\n xor %2, %2\n 2:\n" EXTABLE("1b", "2b")
                     : "+a"(lo), "+d"(hi), "+r"(failed)
                     : "c"(msr)
                     : "cc");
    *value = ((u64)hi << 32) | lo;
    return failed != 0 ? -EFAULT : 0;
}

int wrmsr_safe(u32 msr, u64 value)
{
    u32 failed = 1;

    __asm__ volatile("1: wrmsr\n xor %0, %0\n 2:\n" EXTABLE("1b", "2b")
                     : "+r"(failed)
                     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
                     : "cc", "memory");
    return failed != 0 ? -EFAULT : 0;
}
