/* SPDX-License-Identifier: BSD-2-Clause */
/* Question: how many guests that do nothing fit, and what does one more cost? Says when it began,
 * in instructions since its VM began to be built, and halts for ever. */
#include "tests/guests/lib/guest.h"

void guest_main(void)
{
    pic_disable();
    print("BENCH entry_tsc %lu\n", entry_tsc);
    for (;;)
        sti_hlt_cli();
}
