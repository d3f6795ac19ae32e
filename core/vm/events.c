/* SPDX-License-Identifier: BSD-2-Clause */
/* Event priorities and double faults. */
#include "core/vm/events.h"

#include "core/lib/compiler.h"

#define DE 0u
#define DF 8u
#define TS 10u
#define NP 11u
#define SS 12u
#define GP 13u
#define PF 14u

void events_select(const struct events_input *in, struct events_plan *out)
{
    bool irq_possible = in->irqs_enabled && !in->in_shadow;
    bool nmi_possible = !in->nmi_blocked && !in->in_shadow;

    *out = (struct events_plan){.choice = INJECT_NOTHING};
    /* One event per entry. An interrupt cut short waits while an exception it caused is delivered
     * first. */
    if (in->is_occupied)
        out->choice = INJECT_NOTHING;
    else if (in->has_interrupted && !(in->has_exception && in->interrupted_kind == EVENT_EXTINT))
        out->choice = INJECT_INTERRUPTED;
    else if (in->has_exception)
        out->choice = INJECT_EXCEPTION;
    else if (in->nmi_pending && nmi_possible)
        out->choice = INJECT_NMI;
    else if (in->irq_pending && irq_possible)
        out->choice = INJECT_IRQ;
    out->want_nmi_window = in->nmi_pending && out->choice != INJECT_NMI;
    out->want_irq_window = in->irq_pending && out->choice != INJECT_IRQ;
}

static bool is_contributory(u8 vector)
{
    return vector == DE || (vector >= TS && vector <= GP);
}

enum exception_merge events_merge(u8 first_vector, u8 second_vector)
{
    bool second_is_grave = is_contributory(second_vector) || second_vector == PF;

    if (first_vector == DF)
        return second_is_grave ? MERGE_TRIPLE_FAULT : MERGE_SECOND;
    if (is_contributory(first_vector) && is_contributory(second_vector))
        return MERGE_DOUBLE_FAULT;
    if (first_vector == PF && second_is_grave)
        return MERGE_DOUBLE_FAULT;
    return MERGE_SECOND;
}
