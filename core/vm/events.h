/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which event goes into the guest next; pure.
 *
 * Order: what an exit cut short, then a queued exception, NMI, interrupt. Spec: APM vol. 2
 * "Priorities".
 */
#ifndef SOCLE_VM_EVENTS_H
#define SOCLE_VM_EVENTS_H

#include "core/lib/types.h"
#include "core/vm/vm_exit.h"

struct events_input {
    bool is_occupied;     /* an event has been handed to the CPU and not gone in yet */
    bool has_interrupted; /* an event whose delivery the last exit cut short */
    enum vm_event_kind interrupted_kind;
    bool has_exception;
    bool nmi_pending;
    bool nmi_blocked; /* the guest is handling one */
    bool irq_pending;
    bool irqs_enabled; /* RFLAGS.IF */
    bool in_shadow;    /* after STI or MOV SS */
};

enum events_choice { INJECT_NOTHING, INJECT_INTERRUPTED, INJECT_EXCEPTION, INJECT_NMI, INJECT_IRQ };

struct events_plan {
    enum events_choice choice;
    bool want_nmi_window; /* one waits and cannot go in now */
    bool want_irq_window;
};

void events_select(const struct events_input *in, struct events_plan *out);

enum exception_merge { MERGE_SECOND, MERGE_DOUBLE_FAULT, MERGE_TRIPLE_FAULT };

/* What a second exception during the delivery of a first one becomes. Spec: APM vol. 2
 * "#DF—Double-Fault Exception". */
enum exception_merge events_merge(u8 first_vector, u8 second_vector);

#endif
