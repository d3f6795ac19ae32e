/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MC146818 real-time clock with 128 bytes of CMOS memory.
 *
 * Spec: Motorola MC146818A datasheet (ADI1032R2); memory layout as PC firmware keeps it.
 */
#ifndef SOCLE_VDEV_VRTC_H
#define SOCLE_VDEV_VRTC_H

#include "core/kern/timer.h"
#include "core/lib/types.h"
#include "core/vm/vdev.h"

#define VRTC_CMOS_BYTES 128u

struct vrtc {
    struct vdev dev;          /* its lock protects everything below */
    u64 epoch_ns;             /* Unix time in ns at host time 0; wraps, only the sum matters */
    u8 index;                 /* port 0x70 */
    u8 cmos[VRTC_CMOS_BYTES]; /* time registers: valid while SET stops the clock */
    u64 second_seen;          /* last clock second whose update has been accounted */
    u64 periodic_ns;          /* next periodic edge, or VDEV_NEVER_NS */
    u64 deadline_ns;          /* what the timer is armed for */
    struct timer timer;
};

#endif
