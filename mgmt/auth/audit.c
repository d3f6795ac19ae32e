/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of audit entries. */
#include "mgmt/auth/audit.h"

#include "core/lib/string.h"

#define SAME_NS   (60 * NS_PER_S)
#define SAME_BACK 16u /* entries looked at: as many clients may take turns */

static struct audit_entry *entry_of(struct audit *audit, u64 seq)
{
    return &audit->entries[seq % AUDIT_ENTRIES];
}

static bool is_same(const struct audit_entry *a, const struct audit_entry *b)
{
    return a->status == b->status && strcmp(a->user, b->user) == 0 &&
           strcmp(a->token, b->token) == 0 && strcmp(a->via, b->via) == 0 &&
           strcmp(a->source, b->source) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->path, b->path) == 0;
}

bool audit_add(struct audit *audit, const struct audit_entry *entry)
{
    struct audit_entry *at;

    if (audit->next_seq == 0)
        audit->next_seq = 1;
    for (u64 seq = audit->next_seq - 1; seq > 0 && audit->next_seq - seq <= SAME_BACK; seq--) {
        at = entry_of(audit, seq);
        if (!is_same(at, entry) || entry->uptime_ns - at->uptime_ns > SAME_NS)
            continue;
        at->count++;
        return false;
    }
    at = entry_of(audit, audit->next_seq);
    *at = *entry;
    at->seq = audit->next_seq++;
    at->count = 1;
    return true;
}

bool audit_read(const struct audit *audit, u64 *seq, struct audit_entry *entry)
{
    u64 oldest = audit->next_seq > AUDIT_ENTRIES ? audit->next_seq - AUDIT_ENTRIES : 1;

    *seq = MAX(*seq, oldest);
    if (*seq >= audit->next_seq)
        return false;
    *entry = audit->entries[*seq % AUDIT_ENTRIES];
    ++*seq;
    return true;
}
