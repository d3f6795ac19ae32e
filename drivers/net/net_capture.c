/* SPDX-License-Identifier: BSD-2-Clause */
/* Taps: management sets them, net_task fills their rings. */
#include "drivers/net/net_capture.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/net_internal.h"
#include "mm/kheap.h"

#define RING_BYTES (512u * KiB)

struct net_capture {
    struct net_capture_config cfg; /* (c) */
    struct network *network;       /* NULL once it takes no more; changed in net_task_call */
    struct net_capture *next;      /* (o) net_task: of the same network */
    bool has_woken;                /* (o) */
    struct capture_ring ring;
};

static u32 count; /* management */

static bool is_of(const struct net_capture *c, const struct netport *port)
{
    return port != NULL && strcmp(port->cfg.vm, c->cfg.vm) == 0 &&
           (c->cfg.nic[0] == '\0' || strcmp(port->cfg.nic, c->cfg.nic) == 0);
}

/* Management looks ten times a second; before that only when half of the ring is full. */
static void tell_reader(struct net_capture *c)
{
    bool is_much = capture_ring_used(&c->ring) > RING_BYTES / 2;

    if (is_much && !c->has_woken)
        c->cfg.wake();
    c->has_woken = is_much;
}

void net_capture_frame(struct net_capture *first, const struct netport *port,
                       const struct pktbuf *pkt, enum capture_direction direction)
{
    for (struct net_capture *c = first; c != NULL; c = c->next) {
        bool is_one = c->cfg.vm[0] != '\0';
        struct capture_frame frame = {
            .time_ns = time_ns(),
            .bytes = pkt->len,
            .captured = MIN(pkt->len, c->cfg.snap_bytes),
            .direction = is_one ? direction : CAPTURE_UNKNOWN,
        };

        /* What enters the switch is seen once; what leaves it only by the tap of one card. */
        if (is_one ? !is_of(c, port) : direction == CAPTURE_INBOUND)
            continue;
        capture_ring_put(&c->ring, &frame, pktbuf_data(pkt));
        tell_reader(c);
    }
}

static void add(void *arg)
{
    struct net_capture *c = arg;

    c->next = c->network->captures;
    c->network->captures = c;
}

static void remove(void *arg)
{
    struct net_capture *c = arg;
    struct net_capture **link = &c->network->captures;

    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    c->network = NULL;
}

int net_capture_start(const struct net_capture_config *cfg, struct net_capture **out)
{
    struct network *network = network_find(cfg->network);
    struct net_capture *c;
    u8 *data;

    if (!network)
        return -ENOENT;
    if (count == NET_CAPTURES_MAX)
        return -EBUSY;
    c = kzalloc(sizeof(*c));
    data = kzalloc(RING_BYTES); /* apart: pages come in powers of two */
    if (!c || !data) {
        kfree(data);
        kfree(c);
        return -ENOMEM;
    }
    c->cfg = *cfg;
    c->network = network;
    capture_ring_init(&c->ring, data, RING_BYTES);
    count++;
    net_task_call(add, c);
    *out = c;
    return 0;
}

void net_capture_pause(struct net_capture *c)
{
    if (c->network)
        net_task_call(remove, c);
}

void net_capture_stop(struct net_capture *c)
{
    net_capture_pause(c);
    kfree(c->ring.data);
    kfree(c);
    count--;
}

bool net_capture_is_live(const struct net_capture *c)
{
    return c->network != NULL;
}

struct capture_ring *net_capture_ring(struct net_capture *c)
{
    return &c->ring;
}

void net_capture_end_all(struct network *network)
{
    while (network->captures)
        net_task_call(remove, network->captures);
}
