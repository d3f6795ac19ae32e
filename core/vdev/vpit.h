/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 8254 interval timer with the PC's wiring: channel 0 to line 0, channel 2's gate and output in
 * port 0x61.
 *
 * Nothing ticks: a channel is the time it was started at, and counts are computed when asked for.
 * Spec: Intel 82C54 CHMOS Programmable Interval Timer datasheet (231244-006).
 */
#ifndef SOCLE_VDEV_VPIT_H
#define SOCLE_VDEV_VPIT_H

#include "core/kern/timer.h"
#include "core/lib/types.h"
#include "core/vm/vdev.h"

#define VPIT_HZ            1193182u
#define VPIT_CHANNEL_COUNT 3u

struct i8254 {
    u8 control;     /* last control word: access, mode, BCD */
    bool is_loaded; /* a count has been written since the control word */
    bool gate;
    bool is_triggered; /* modes 1 and 5 wait for a rising gate */
    u32 count;         /* ticks per run, 1–65536 */
    u64 start_ns;      /* when ticks_before was taken */
    u64 ticks_before;  /* elapsed when the gate last stopped it */
    u8 write_low;      /* first byte of a two-byte count */
    bool expects_high; /* … and the second is to come */
    bool reads_high;   /* next unlatched or latched byte is the high one */
    bool has_latched_count;
    bool has_latched_status;
    u16 latched_count;
    u8 latched_status;
};

struct vpit {
    struct vdev dev; /* its lock protects everything below */
    struct i8254 channel[VPIT_CHANNEL_COUNT];
    u8 port61;          /* bits 0-3 as written */
    struct timer timer; /* channel 0 */
    u64 deadline_ns;    /* of channel 0's next edge, or VDEV_NEVER_NS */
};

#endif
