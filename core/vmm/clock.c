/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall clock: firmware calls are slow, so there is one. */
#include "core/vmm/clock.h"

#include "core/kern/firmware.h"
#include "core/kern/timer.h"

static u64 boot_unix_ns; /* wall clock at time_ns() == 0; 0 if unknown */

void clock_init(void)
{
    u64 unix_s;

    if (firmware_time(&unix_s) == 0)
        boot_unix_ns = unix_s * NS_PER_S - time_ns();
}

void clock_set(u64 unix_ns)
{
    __atomic_store_n(&boot_unix_ns, unix_ns - time_ns(), __ATOMIC_RELAXED);
}

u64 clock_unix_ns(void)
{
    return __atomic_load_n(&boot_unix_ns, __ATOMIC_RELAXED) + time_ns();
}

bool clock_is_known(void)
{
    return __atomic_load_n(&boot_unix_ns, __ATOMIC_RELAXED) != 0;
}
