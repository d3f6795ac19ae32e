/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do other vCPUs start by INIT and start-up IPI, in real mode at the vector's page, and
 * do they take IPIs, NMIs and another INIT? Manual: SDM 3A "Multiple-Processor Initialization". A
 * failure leaves guests with one CPU, or hangs their shoot-downs.
 */
#include "tests/guests/lib/smp.h"

#define IPI_VECTOR 0x55u
#define ROUNDS     50u

static volatile u32 started;

static void ap_main(void)
{
    lapic_enable();
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    for (;;)
        sti_hlt_cli();
}

static void start(u32 id, u32 nth)
{
    cpu_start(id, ap_main);
    wait_for(&started, nth);
    send_ipi(id, ICR_SIPI + TRAMPOLINE_PAGE); /* a second one finds nobody waiting */
}

void guest_main(void)
{
    u32 count = cpus_begin();

    count_interrupts(IPI_VECTOR);
    for (u32 id = 1; id < count; id++)
        start(id, id);

    for (u32 round = 1; round <= ROUNDS; round++) {
        for (u32 id = 1; id < count; id++)
            send_ipi(id, 0x4000 | IPI_VECTOR);
        for (u32 id = 1; id < count; id++)
            wait_for(&ipis[id], round);
    }
    lapic_write(LAPIC_ICR_LOW, 0xc4000 | IPI_VECTOR); /* to all but this one */
    for (u32 id = 1; id < count; id++)
        wait_for(&ipis[id], ROUNDS + 1);
    EXPECT_EQ(ipis[0], 0);
    for (u32 id = 1; id < count; id++) {
        send_ipi(id, ICR_NMI);
        wait_for(&nmis[id], 1);
    }
    start(1, count); /* INIT takes a halted one back to the beginning */
    send_ipi(1, 0x4000 | IPI_VECTOR);
    wait_for(&ipis[1], ROUNDS + 2);
    print("%u CPUs\n", count);
}
