/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's console, serial or virtio, as seen from outside: a log of what the guest wrote and a queue
 * of what it will read.
 *
 * It belongs to the definition, not to the running VM, so the output of a guest that crashed stays
 * readable. Offsets count every byte ever written; the ring keeps the newest.
 */
#ifndef SOCLE_VDEV_VCONSOLE_H
#define SOCLE_VDEV_VCONSOLE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/spinlock.h"

#define VCONSOLE_INPUT_MAX (64 * KiB)

struct vconsole {
    struct spinlock lock; /* LOCK_CONSOLE, irqsave: protects everything below */
    u8 *log;
    u32 log_bytes;    /* power of two; const */
    u64 written;      /* total bytes ever written */
    bool is_notified; /* on_output has been called and nobody has read since */
    u8 *input;        /* ring of VCONSOLE_INPUT_MAX bytes; NULL while it is empty */
    u64 input_head;
    u64 input_tail;
    void (*on_output)(
        void *arg); /* const; at the first output since a read; any context: only wakes a task */
    void *on_output_arg;
    void (*on_input)(void *arg); /* the device's: input has arrived; NULL while none is attached */
    void *on_input_arg;
};

int vconsole_init(struct vconsole *con, u32 log_bytes) must_check; /* 0, -ENOMEM, -EINVAL */
void vconsole_fini(struct vconsole *con);

/* Guest side (UART, virtio-console). */
void vconsole_put(struct vconsole *con, u8 byte);
void vconsole_write(struct vconsole *con, const void *src, size_t bytes);
bool vconsole_get(struct vconsole *con, u8 *byte); /* false: nothing to read */
bool vconsole_has_input(struct vconsole *con);
void vconsole_attach(struct vconsole *con, void (*on_input)(void *arg),
                     void *arg); /* NULL detaches */

/*
 * Outside. Reads from *offset (moved up to the oldest byte kept, if that is newer) and advances it.
 * Return: bytes copied, 0 if none are newer.
 */
size_t vconsole_read(struct vconsole *con, u64 *offset, void *dst, size_t bytes);
u64 vconsole_written(struct vconsole *con);
u64 vconsole_oldest(struct vconsole *con);
/* Return: bytes accepted (less than given when the queue is full, none without memory). */
size_t vconsole_input(struct vconsole *con, const void *src, size_t bytes);

#endif
