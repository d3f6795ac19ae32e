/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who changed what, and who tried to come in: the last AUDIT_ENTRIES entries, in memory.
 *
 * The same client doing the same thing again within a minute (typing into a console, guessing) is
 * one entry with a count, so that one client cannot push out what others did by repeating itself.
 */
#ifndef SOCLE_MGMT_AUDIT_H
#define SOCLE_MGMT_AUDIT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/auth/token.h"

#define AUDIT_ENTRIES    256u
#define AUDIT_SOURCE_MAX 45u /* an IPv6 address as text */
#define AUDIT_PATH_MAX   127u
#define AUDIT_ID_MAX     64u

struct audit_entry {
    u64 seq; /* begins with 1; set by audit_add */
    u64 uptime_ns;
    u64 unix_ns; /* 0: the clock is unknown */
    u32 count;   /* times; set by audit_add */
    u16 status;
    char user[TOKEN_NAME_MAX + 1]; /* "": not known */
    char token[TOKEN_NAME_MAX + 1];
    char via[12]; /* "token", "password", "certificate"; "": nobody came in */
    char source[AUDIT_SOURCE_MAX + 1];
    char method[8];
    char path[AUDIT_PATH_MAX + 1];
    char request_id[AUDIT_ID_MAX + 1]; /* of the first time */
};

struct audit {
    u64 next_seq; /* 0: empty */
    struct audit_entry entries[AUDIT_ENTRIES];
};

/* Return: true if it is an entry of its own, false if it was counted with an earlier one. */
bool audit_add(struct audit *audit, const struct audit_entry *entry);

/* The first entry from *seq on; *seq becomes the one behind it. Return: false if there is none. */
bool audit_read(const struct audit *audit, u64 *seq, struct audit_entry *entry) must_check;

#endif
