/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall clock of the VMM: the firmware's time once at boot, then time since boot. For
 * core/vmm and mgmt. */
#ifndef SOCLE_VMM_CLOCK_H
#define SOCLE_VMM_CLOCK_H

#include "core/lib/types.h"

/* Asks the firmware. Context: boot, pCPU 0, after firmware_init. */
void clock_init(void);

/* Unix time in ns, UTC; ns since boot if the firmware has no clock (clock_is_known). Context: any.
 */
u64 clock_unix_ns(void);
bool clock_is_known(void);

/* From now on it is this time; what was noted before keeps its time. The firmware's clock stays as
 * it is, so it lasts until the host's end. Context: management task. */
void clock_set(u64 unix_ns);

#endif
