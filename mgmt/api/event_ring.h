/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newest events of the host in a ring: what happened to VMs, images, volumes, networks, and to
 * the host itself.
 *
 * Each has a sequence number one above the one before. A reader remembers the number it wants next;
 * one that comes too late, or with a number of another boot, is told that it has missed something.
 * Plain data without a lock.
 */
#ifndef SOCLE_MGMT_EVENT_RING_H
#define SOCLE_MGMT_EVENT_RING_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define EVENTS_KEPT    512u
#define EVENT_NAME_MAX 63u

enum event_type {
    EVENT_VM,
    EVENT_IMAGE,
    EVENT_VOLUME,
    EVENT_NETWORK,
    EVENT_HOST,
    EVENT_TASK,
    EVENT_TYPES
};

struct event {
    u64 seq;
    u64 uptime_ns;
    u64 unix_ns; /* 0: the clock is unknown */
    enum event_type type;
    const char *what;  /* static: "created", "changed", "state", "deleted" … */
    const char *state; /* static: a VM's or task's state; NULL: none */
    u64 done_bytes;    /* a task's progress; total 0: not known, both 0: none */
    u64 total_bytes;
    char name[EVENT_NAME_MAX + 1];
};

struct event_ring {
    u64 first; /* the first number ever given */
    u64 next;  /* the next one to be given */
    struct event slots[EVENTS_KEPT];
};

/* Empties the ring; numbers begin with `first`. */
void event_ring_begin(struct event_ring *ring, u64 first);

/* Appends a copy, with the next number. */
void event_ring_add(struct event_ring *ring, const struct event *event);

/* The number of the oldest event kept; that of the next one if there is none. */
u64 event_ring_oldest(const struct event_ring *ring);

/*
 * Copies event number *seq and moves *seq to the one after it. *is_gap: that number is gone or was
 * never given here, and *seq was moved to the oldest kept first. Return: 0; -ENODATA: there is none
 * yet.
 */
int event_ring_read(const struct event_ring *ring, u64 *seq, struct event *out,
                    bool *is_gap) must_check;

const char *event_type_name(enum event_type type);

/* "vm,host": a bit for each type. Return: 0 if the list has anything else. */
u32 event_types_parse(const char *list);

#endif
