/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of events. */
#include "mgmt/api/event_ring.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

static const char *const type_names[EVENT_TYPES] = {
    [EVENT_VM] = "vm",           [EVENT_IMAGE] = "image", [EVENT_VOLUME] = "volume",
    [EVENT_NETWORK] = "network", [EVENT_HOST] = "host",   [EVENT_TASK] = "task",
};

void event_ring_begin(struct event_ring *ring, u64 first)
{
    ring->first = first;
    ring->next = first;
}

void event_ring_add(struct event_ring *ring, const struct event *event)
{
    struct event *slot = &ring->slots[ring->next % EVENTS_KEPT];

    *slot = *event;
    slot->seq = ring->next++;
}

u64 event_ring_oldest(const struct event_ring *ring)
{
    return ring->next - ring->first > EVENTS_KEPT ? ring->next - EVENTS_KEPT : ring->first;
}

int event_ring_read(const struct event_ring *ring, u64 *seq, struct event *out, bool *is_gap)
{
    *is_gap = *seq < event_ring_oldest(ring) || *seq > ring->next;
    if (*is_gap)
        *seq = event_ring_oldest(ring);
    if (*seq == ring->next)
        return -ENODATA;
    *out = ring->slots[*seq % EVENTS_KEPT];
    (*seq)++;
    return 0;
}

const char *event_type_name(enum event_type type)
{
    return type_names[type];
}

/* The type of that name, or EVENT_TYPES. */
static u32 type_of(const char *name, size_t len)
{
    u32 type = 0;

    while (type < EVENT_TYPES &&
           (strlen(type_names[type]) != len || strncmp(type_names[type], name, len) != 0))
        type++;
    return type;
}

u32 event_types_parse(const char *list)
{
    u32 bits = 0;

    for (;;) {
        const char *comma = strchr(list, ',');
        size_t len = comma ? (size_t)(comma - list) : strlen(list);
        u32 type = type_of(list, len);

        if (type == EVENT_TYPES)
            return 0;
        bits |= 1u << type;
        if (!comma)
            return bits;
        list = comma + 1;
    }
}
