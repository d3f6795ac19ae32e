/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16550A UART of a PC, between a guest and a vconsole.
 *
 * Spec: National Semiconductor PC16550D datasheet (TL/C/8652).
 */
#ifndef SOCLE_VDEV_VUART_H
#define SOCLE_VDEV_VUART_H

#include "core/lib/types.h"
#include "core/vm/vdev.h"

#define VUART_FIFO_BYTES 16u

struct vconsole;

struct vuart {
    struct vdev dev;          /* its lock protects everything below but tx_direct */
    struct vconsole *console; /* (c) borrowed from the VM's definition, outlives this */
    unsigned line;            /* (c) */
    u32 tx_direct;            /* (a) a written byte has no effect but to be sent */
    u8 ier;
    u8 fcr;
    u8 lcr;
    u8 mcr;
    u8 scr;
    u8 dll;
    u8 dlm;
    u8 msr_delta; /* low half of the MSR */
    bool has_overrun;
    bool thr_event; /* transmitter holding register empty interrupt pending */
    bool irq_level;
    u8 rx[VUART_FIFO_BYTES];
    u8 rx_first;
    u8 rx_count;
};

#endif
