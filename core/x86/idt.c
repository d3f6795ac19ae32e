/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the interrupt descriptor table and separates exceptions from interrupts. */
#include "core/x86/idt.h"

#include "core/lib/compiler.h"
#include "core/x86/cr.h"
#include "core/x86/exception.h"
#include "core/x86/insn.h"
#include "core/x86/percpu.h"

#define VECTORS        256
#define STUB_BYTES     16
#define GATE_INTERRUPT 0x8e /* present, DPL 0, 64-bit interrupt gate */

struct gate {
    u16 offset_low;
    u16 selector;
    u8 ist;
    u8 type;
    u16 offset_mid;
    u32 offset_high;
    u32 reserved;
} packed;

static struct gate idt[VECTORS] aligned_to(16);
static void (*dispatcher)(u8 vector);

extern const u8 isr_stubs[]; /* isr.S: one every STUB_BYTES */

static u8 ist_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_DF:
        return IST_DF;
    case VECTOR_MC:
        return IST_MC;
    default:
        return 0;
    }
}

void idt_init(void)
{
    for (unsigned v = 0; v < VECTORS; v++) {
        u64 stub = (u64)isr_stubs + v * STUB_BYTES;

        idt[v] = (struct gate){.offset_low = (u16)stub,
                               .selector = SELECTOR_CODE,
                               .ist = ist_of(v),
                               .type = GATE_INTERRUPT,
                               .offset_mid = (u16)(stub >> 16),
                               .offset_high = (u32)(stub >> 32)};
    }
}

void idt_load(void)
{
    struct descriptor_pointer p = {sizeof idt - 1, (u64)idt};

    lidt(&p);
}

void idt_set_dispatcher(void (*dispatch)(u8 vector))
{
    dispatcher = dispatch;
}

void idt_dispatch(u8 vector)
{
    dispatcher(vector);
}

void interrupt_entry(struct interrupt_frame *frame)
{
    if (frame->vector < VECTOR_COUNT)
        exception_handle(frame);
    else if (dispatcher != NULL)
        dispatcher((u8)frame->vector);
}
