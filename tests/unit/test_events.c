/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/events.c */
/* Event priorities and the double-fault table. */
#include "core/vm/events.h"
#include "tests/unit/harness.h"

static struct events_plan plan_for(struct events_input in)
{
    struct events_plan out;

    events_select(&in, &out);
    return out;
}

TEST(order_of_events)
{
    struct events_input all = {.has_interrupted = true,
                               .interrupted_kind = EVENT_EXCEPTION,
                               .has_exception = true,
                               .nmi_pending = true,
                               .irq_pending = true,
                               .irqs_enabled = true};

    CHECK_EQ(plan_for(all).choice, INJECT_INTERRUPTED);
    all.interrupted_kind = EVENT_EXTINT; /* the exception it caused goes first */
    CHECK_EQ(plan_for(all).choice, INJECT_EXCEPTION);
    all.has_interrupted = false;
    CHECK_EQ(plan_for(all).choice, INJECT_EXCEPTION);
    all.has_exception = false;
    CHECK_EQ(plan_for(all).choice, INJECT_NMI);
    CHECK(plan_for(all).want_irq_window);
    all.nmi_pending = false;
    CHECK_EQ(plan_for(all).choice, INJECT_IRQ);
    CHECK(!plan_for(all).want_irq_window);
}

TEST(what_cannot_go_in_asks_for_a_window)
{
    CHECK(plan_for((struct events_input){.irq_pending = true}).want_irq_window);
    CHECK(plan_for(
              (struct events_input){.irq_pending = true, .irqs_enabled = true, .in_shadow = true})
              .want_irq_window);
    CHECK(
        plan_for((struct events_input){.nmi_pending = true, .nmi_blocked = true}).want_nmi_window);
    CHECK_EQ(plan_for((struct events_input){.irq_pending = true}).choice, INJECT_NOTHING);
    CHECK_EQ(plan_for((struct events_input){.nmi_pending = true, .in_shadow = true}).choice,
             INJECT_NOTHING);
}

TEST(one_event_per_entry)
{
    struct events_input in = {.is_occupied = true, .irq_pending = true, .irqs_enabled = true};

    CHECK_EQ(plan_for(in).choice, INJECT_NOTHING);
    CHECK(plan_for(in).want_irq_window);
}

TEST(double_faults)
{
    CHECK_EQ(events_merge(13, 13), MERGE_DOUBLE_FAULT); /* #GP in #GP */
    CHECK_EQ(events_merge(0, 11), MERGE_DOUBLE_FAULT);
    CHECK_EQ(events_merge(14, 13), MERGE_DOUBLE_FAULT);
    CHECK_EQ(events_merge(14, 14), MERGE_DOUBLE_FAULT);
    CHECK_EQ(events_merge(13, 14), MERGE_SECOND); /* #PF in #GP: serial */
    CHECK_EQ(events_merge(6, 13), MERGE_SECOND);  /* #UD is benign */
    CHECK_EQ(events_merge(13, 6), MERGE_SECOND);
    CHECK_EQ(events_merge(8, 13), MERGE_TRIPLE_FAULT);
    CHECK_EQ(events_merge(8, 14), MERGE_TRIPLE_FAULT);
    CHECK_EQ(events_merge(8, 1), MERGE_SECOND);
}
