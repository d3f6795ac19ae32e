/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, and what is decided on a frame. */
#include "drivers/net/vswitch.h"

#include "core/lib/errno.h"

#define HEADER_BYTES    14u
#define GROUP           BIT(40) /* in the first byte of an address: broadcast or multicast */
#define LINK_LOCAL      0x0180c2000000ull /* 802.1Q 8.6.3: no bridge passes them on */
#define LINK_LOCAL_MASK 0xfffffffffff0ull
#define TYPE_VLAN       0x8100u /* 802.1Q customer and service tags */
#define TYPE_SERVICE    0x88a8u

static u64 mac_read(const u8 *at)
{
    u32 high;
    u16 low;

    __builtin_memcpy(&high, at, sizeof(high));
    __builtin_memcpy(&low, at + sizeof(high), sizeof(low));
    return (u64)__builtin_bswap32(high) << 16 | __builtin_bswap16(low);
}

/* Multiplicative: addresses of one vendor, or counted up, spread over all sets. */
static u32 set_of(u64 mac)
{
    return (u32)(mac * 0x9e3779b97f4a7c15ull >> 56);
}

_Static_assert(VSWITCH_SETS == 256, "the hash has 8 bits");

static struct vswitch_port *find_own(const struct vswitch *sw, u64 mac)
{
    struct vswitch_port *port = sw->own[set_of(mac)];

    while (port && mac_read(port->mac) != mac)
        port = port->same_hash;
    return port;
}

int vswitch_add(struct vswitch *sw, struct vswitch_port *port, u64 now_ns)
{
    u64 mac = mac_read(port->mac);

    bool is_unlimited = (port->flags & (VSWITCH_TRUSTED | VSWITCH_UPLINK)) != 0;

    net_bucket_init(&port->storm, is_unlimited ? 0 : VSWITCH_STORM_PER_S, VSWITCH_STORM_PER_S,
                    now_ns);
    net_bucket_init(&port->unknown, is_unlimited ? 0 : VSWITCH_STORM_PER_S, VSWITCH_STORM_PER_S,
                    now_ns);
    port->same_hash = NULL;
    if (port->flags & VSWITCH_UPLINK)
        return 0;
    if (find_own(sw, mac))
        return -EEXIST;
    port->same_hash = sw->own[set_of(mac)];
    sw->own[set_of(mac)] = port;
    return 0;
}

void vswitch_remove(struct vswitch *sw, struct vswitch_port *port)
{
    struct vswitch_port **link = &sw->own[set_of(mac_read(port->mac))];

    while (*link && *link != port)
        link = &(*link)->same_hash;
    if (*link)
        *link = port->same_hash;
    for (u32 i = 0; i < VSWITCH_SETS * VSWITCH_WAYS; i++) {
        struct vswitch_entry *e = &sw->learned[i / VSWITCH_WAYS][i % VSWITCH_WAYS];

        if (e->port == port)
            *e = (struct vswitch_entry){0};
    }
}

static bool may_use_any(const struct vswitch_port *port)
{
    return (port->flags & (VSWITCH_CHECK_MAC | VSWITCH_TRUSTED)) == 0;
}

/* Into its place, a free one, or that of the address not heard of for longest. */
static void learn(struct vswitch *sw, struct vswitch_port *port, u64 mac, u64 now_ns)
{
    struct vswitch_entry *set = sw->learned[set_of(mac)];
    struct vswitch_entry *best = &set[0];

    for (u32 i = 0; i < VSWITCH_WAYS; i++) {
        if (set[i].mac == mac) {
            best = &set[i];
            break;
        }
        if (set[i].seen_ns < best->seen_ns)
            best = &set[i];
    }
    *best = (struct vswitch_entry){mac, now_ns, port};
}

static struct vswitch_port *find_learned(struct vswitch *sw, u64 mac, u64 now_ns)
{
    struct vswitch_entry *set = sw->learned[set_of(mac)];

    for (u32 i = 0; i < VSWITCH_WAYS; i++) {
        if (set[i].mac == mac && now_ns - set[i].seen_ns < VSWITCH_AGE_NS)
            return set[i].port;
    }
    return NULL;
}

static bool may_talk(const struct vswitch_port *a, const struct vswitch_port *b)
{
    return a != b && !(a->flags & b->flags & VSWITCH_ISOLATED);
}

bool vswitch_floods_to(const struct vswitch_port *from, const struct vswitch_port *to,
                       bool is_group)
{
    return may_talk(from, to) && (is_group || may_use_any(to));
}

/* Return: VSWITCH_TO_PORT if nothing speaks against the frame. */
static enum vswitch_verdict admit(const struct vswitch *sw, const struct vswitch_port *from,
                                  const u8 *frame, u32 bytes)
{
    u64 source;
    u32 type;

    if (bytes < HEADER_BYTES)
        return VSWITCH_BAD;
    source = mac_read(frame + 6);
    type = (u32)frame[12] << 8 | frame[13];
    if (source & GROUP || source == 0 || (mac_read(frame) & LINK_LOCAL_MASK) == LINK_LOCAL)
        return VSWITCH_BAD;
    if (!sw->has_tags && !(from->flags & (VSWITCH_TRUSTED | VSWITCH_UPLINK)) &&
        (type == TYPE_VLAN || type == TYPE_SERVICE))
        return VSWITCH_BAD;
    if (from->flags & VSWITCH_CHECK_MAC && source != mac_read(from->mac))
        return VSWITCH_SPOOFED;
    return VSWITCH_TO_PORT;
}

/* What goes to many costs a frame from that bucket. */
static enum vswitch_verdict flood(struct net_bucket *bucket, u64 now_ns)
{
    if (!net_bucket_is_ready(bucket, now_ns))
        return VSWITCH_STORM;
    net_bucket_pay(bucket, 1);
    return VSWITCH_FLOOD;
}

struct vswitch_decision vswitch_decide(struct vswitch *sw, struct vswitch_port *from,
                                       const u8 *frame, u32 bytes, u64 now_ns)
{
    struct vswitch_decision d = {.verdict = admit(sw, from, frame, bytes)};
    u64 destination, source;

    if (d.verdict != VSWITCH_TO_PORT)
        return d;
    destination = mac_read(frame);
    source = mac_read(frame + 6);
    if (may_use_any(from) && !find_own(sw, source))
        learn(sw, from, source, now_ns);
    d.is_group = (destination & GROUP) != 0;
    if (d.is_group) {
        d.verdict = flood(&from->storm, now_ns);
        return d;
    }
    d.to = find_own(sw, destination);
    if (!d.to)
        d.to = find_learned(sw, destination, now_ns);
    if (!d.to)
        d.verdict = flood(&from->unknown, now_ns);
    else if (!may_talk(from, d.to))
        d.verdict = VSWITCH_NOWHERE;
    return d;
}
