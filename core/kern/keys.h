/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes typed at the host's own consoles: one bounded queue, filled by the devices' interrupts and
 * drained by one task.
 *
 * A device may send as much as it likes, and at any speed: each has an allowance of
 * KEYS_ALLOWANCE bytes, after which it is silenced until keys_refill() gives it the next one. What
 * finds no room in the queue is lost.
 *
 * Everything happens on pCPU 0, with interrupts off where it is told: that is the lock.
 */
#ifndef SOCLE_KERN_KEYS_H
#define SOCLE_KERN_KEYS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define KEYS_QUEUE     128u
#define KEYS_ALLOWANCE 64u /* more than anybody types in KEYS_PERIOD_NS, and an address pasted */

/* Above ASCII: what a keyboard has keys for, and a terminal sends otherwise. */
#define KEY_BACK 0x80 /* Esc, without the doubt whether a sequence follows */

/* What read() of a source says; else it is a byte. */
#define KEYS_EMPTY   (-1) /* the device has nothing more */
#define KEYS_NOTHING (-2) /* there was something, but nobody typed it */

/* A device with keys. The driver keeps the struct for ever. */
struct key_source {
    bool has_interrupt;
    int (*read)(void); /* the next byte, KEYS_EMPTY or KEYS_NOTHING */
    /* It may raise interrupts from now on, or no more. */
    void (*allow)(bool is_on);
    u32 left; /* of its allowance */
    struct key_source *next;
};

/* Context: boot. The device stays silent until the first keys_refill(). */
void keys_add_source(struct key_source *source);

/* Called when there is something in the queue. Context: before the first keys_refill(). */
void keys_set_wake(void (*fn)(void));

/* Reads what the device has, as far as its allowance goes. Context: pCPU 0, interrupts off.
 * Return: true if there was anything. */
bool keys_take(struct key_source *source);

/*
 * Gives all devices a new allowance, and reads what they have, in case an interrupt got lost.
 * Context: task on pCPU 0. Return: true if it is to be called soon again: a device has no
 * interrupt, or has used up its allowance at once.
 */
bool keys_refill(void) must_check;

/* The oldest byte. Context: task on pCPU 0. Return: false if there is none. */
bool keys_get(u8 *key) must_check;

#endif
