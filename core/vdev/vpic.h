/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair of 8259A interrupt controllers of a PC: master on lines 0–7, slave on 8–15 behind master
 * input 2.
 *
 * All functions here expect the lock of struct virq (or a single-threaded test).
 * Spec: Intel 8259A Programmable Interrupt Controller datasheet (231468-003).
 */
#ifndef SOCLE_VDEV_VPIC_H
#define SOCLE_VDEV_VPIC_H

#include "core/lib/types.h"
#include "core/vm/vdev.h"

#define VPIC_LINE_COUNT 16u

/* Which command word a chip expects at its data port. */
enum i8259_state { I8259_UNINITIALISED, I8259_ICW2, I8259_ICW3, I8259_ICW4, I8259_READY };

struct i8259 {
    enum i8259_state state;
    u8 lines;  /* levels of the inputs */
    u8 irr;    /* requests */
    u8 imr;    /* masks */
    u8 isr;    /* in service */
    u8 elcr;   /* 1: input is level triggered */
    u8 base;   /* vector of input 0 */
    u8 lowest; /* the input with the lowest priority; 7 after ICW1 */
    bool has_icw4;
    bool is_single;
    bool auto_eoi;
    bool rotate_auto; /* rotate in automatic EOI mode */
    bool special_mask;
    bool special_nested; /* special fully nested mode */
    bool read_isr;       /* OCW3: the command port shows the ISR, else the IRR */
    bool poll;           /* the next read is an acknowledge */
};

struct vpic {
    struct vdev dev;
    struct i8259 master;
    struct i8259 slave;
};

void vpic_power_on(struct vpic *pic);
void vpic_set_line(struct vpic *pic, unsigned line, bool level);

/* The INT pin of the master. */
bool vpic_output(const struct vpic *pic);
u8 vpic_peek(const struct vpic *pic);
u8 vpic_acknowledge(struct vpic *pic);

/* Register access: is_slave selects the chip, is_data A0. */
u8 vpic_read(struct vpic *pic, bool is_slave, bool is_data);
void vpic_write(struct vpic *pic, bool is_slave, bool is_data, u8 value);

#endif
