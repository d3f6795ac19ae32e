/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is a triple fault contained? No verdict comes: the host must report this VM as crashed.
 * Manual: APM vol. 2 "Shutdown". A failure would take other VMs or the host along.
 */
#include "tests/guests/lib/guest.h"

void guest_main(void)
{
    static const struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) empty = {0, 0};

    print("about to triple-fault\n");
    __asm__ volatile("lidt %0\n ud2" ::"m"(empty));
}
