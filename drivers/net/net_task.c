/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The task that moves frames between NICs and the ports of networks.
 *
 * Interrupts and owners only wake it; while there is work it goes round in batches with the NICs'
 * receive interrupts off. When the inbox of the host's own port is full it stops taking frames from
 * NICs until the owner has made room: the task is of a better class than the owner, so going on
 * would starve the only one who can empty the inbox (receive livelock). The NIC then drops what its
 * ring cannot hold. For the same reason it rests now and then while VMs keep it busy. A NIC whose
 * interrupts do not arrive is looked after every millisecond instead.
 *
 * Ports with something to do are in net.pending, so a round costs the same with 2 ports as with
 * 1,000. Everything else here is the task's own: management changes it through net_task_call.
 */
#include "drivers/net/net_task.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/net/net_forward.h"
#include "drivers/net/net_transmit.h"

/* Buffers from boot: rings of the host's ports 512, lwIP's queues bounded below 1200. NICs and
 * ports of VMs bring their own. */
#define NET_POOL_BUFFERS 1712u

/* How long to sleep when NICs raise no interrupts or their rings are full, and to look after a NIC
 * that may hang. */
#define NET_RETRY_NS    (1 * NS_PER_MS)
#define NET_WATCHDOG_NS (500 * NS_PER_MS)

/* So long VMs keep the task busy until it leaves the CPU to others for a moment. */
#define NET_BUSY_NS (4 * NS_PER_MS)
#define NET_REST_NS (1 * NS_PER_MS)

#define PORT_WORDS (NETPORTS_MAX / 64)

_Static_assert(NETPORTS_MAX <= PORT_SET_MAX, "every port has a bit");

struct request {
    void (*fn)(void *arg);
    void *arg;
    struct task *waiter;
    bool is_done; /* (a) */
};

static struct {
    struct netdev *devs;     /* (c) after boot */
    struct network *bridges; /* (o) networks with an uplink */
    struct netport
        *ports[NETPORTS_MAX];   /* (o) written in net_task_call: management reads it, too */
    struct netport *host_ports; /* (o) */
    struct port_set pending;    /* ports whose owners have something for us */
    u64 limited[PORT_WORDS];    /* (o) ports to look at again at limited_until_ns */
    u64 limited_until_ns;       /* (o) */
    u64 next_look_ns;           /* (o) when to look at links without having been told to */
    u64 busy_since_ns;          /* (o) VMs have sent in each round since; 0: not */
    bool inbox_was_full;        /* (a) set by the task, cleared by a host port's owner */
    bool is_started;            /* (c) */
    struct request *request;    /* (a) of management */
    struct task task;
} net;

int net_init(void)
{
    return pktbuf_pool_init(NET_POOL_BUFFERS);
}

void netdev_register(struct netdev *dev)
{
    struct netdev **link = &net.devs;

    while (*link)
        link = &(*link)->next;
    dev->next = NULL;
    *link = dev;
    log_info("net", "%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", dev->bdf, dev->driver, dev->mac[0],
             dev->mac[1], dev->mac[2], dev->mac[3], dev->mac[4], dev->mac[5]);
}

const struct netdev *netdev_next(const struct netdev *dev)
{
    return dev ? dev->next : net.devs;
}

struct netdev *net_task_nic(const char *bdf)
{
    struct netdev *dev = net.devs;

    while (dev && bdf[0] != '\0' && strcmp(dev->bdf, bdf) != 0)
        dev = dev->next;
    return dev;
}

void net_task_wake(void)
{
    if (__atomic_load_n(&net.is_started, __ATOMIC_ACQUIRE))
        task_wake(&net.task);
}

void net_task_notice(const struct netport *port)
{
    if (port_set_add(&net.pending, port->index))
        net_task_wake();
}

/* A whole batch fits: who empties the inbox is not woken for each frame's worth of room. */
static bool has_room_for_batch(const struct netport *port)
{
    return ring_count(&port->inbox) + NET_BATCH <= port->cfg.queue;
}

void net_task_inbox_drained(const struct netport *port)
{
    if (__atomic_load_n(&net.inbox_was_full, __ATOMIC_ACQUIRE) && has_room_for_batch(port) &&
        __atomic_exchange_n(&net.inbox_was_full, false, __ATOMIC_ACQ_REL))
        net_task_wake();
}

void net_task_call(void (*fn)(void *arg), void *arg)
{
    struct request request = {.fn = fn, .arg = arg, .waiter = task_current()};

    if (!__atomic_load_n(&net.is_started, __ATOMIC_ACQUIRE)) {
        fn(arg);
        return;
    }
    __atomic_store_n(&net.request, &request, __ATOMIC_RELEASE);
    net_task_wake();
    while (!__atomic_load_n(&request.is_done, __ATOMIC_ACQUIRE))
        task_wait();
    task_wake(request.waiter); /* a wake-up meant for the caller's own loop may have been taken */
}

void net_task_forget(u32 index)
{
    port_set_remove(&net.pending, index);
    port_set_remove(&net_touched, index);
    net.limited[index / 64] &= ~BIT(index % 64);
}

static void serve_request(void)
{
    struct request *request = __atomic_exchange_n(&net.request, NULL, __ATOMIC_ACQ_REL);
    struct task *waiter;

    if (!request)
        return;
    request->fn(request->arg);
    waiter = request->waiter;
    __atomic_store_n(&request->is_done, true, __ATOMIC_RELEASE); /* from here on it may be gone */
    task_wake(waiter);
}

/* Asks the device when it has told of a change, and now and then: reading its registers is slow. */
static void update_link(struct netdev *dev, bool is_time)
{
    bool up;

    if (!is_time && !__atomic_load_n(&dev->link_changed, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&dev->link_changed, false, __ATOMIC_SEQ_CST);
    up = dev->ops->link_up(dev);
    if (up == dev->is_link_up)
        return;
    __atomic_store_n(&dev->is_link_up, up, __ATOMIC_RELEASE);
    netdev_count(&dev->counters.link_changes, 1);
    log_info("net", "%s: link is %s", dev->bdf, up ? "up" : "down");
    net_tell_link(dev);
}

static bool host_is_full(void)
{
    for (const struct netport *p = net_table.host_ports; p; p = p->next_host) {
        if (!has_room_for_batch(p))
            return true;
    }
    return false;
}

/* Sets the note first and looks again, so that a drain in between is not missed. */
static bool must_wait_for_owner(void)
{
    if (!host_is_full())
        return false;
    __atomic_store_n(&net.inbox_was_full, true, __ATOMIC_SEQ_CST);
    return host_is_full();
}

/* Return: frames taken from NICs. */
static u32 receive(void)
{
    bool is_time = time_ns() >= net.next_look_ns;
    bool may_take = !must_wait_for_owner();
    u32 moved = 0;

    if (is_time)
        net.next_look_ns = time_ns() + NET_WATCHDOG_NS;
    for (struct netdev *dev = net.devs; dev; dev = dev->next) {
        if (dev->users == 0)
            continue;
        update_link(dev, is_time);
        netdev_transmit_retry(dev);
        for (u32 i = 0; may_take && i < NET_BATCH; i++, moved++) {
            struct pktbuf *pkt = dev->ops->rx_poll(dev);

            if (!pkt)
                break;
            net_forward_received(net_table.bridges, dev, pkt);
        }
    }
    return moved;
}

/* One port's turn. Return: frames taken. */
static u32 collect_port(u32 index)
{
    struct netport *port = net_table.ports[index];
    u64 ready_ns = 0;
    u32 moved = 0;

    if (!port)
        return 0;
    switch (net_forward_sent(port, &moved, &ready_ns)) {
    case NET_LIMITED:
        net.limited[index / 64] |= BIT(index % 64);
        net.limited_until_ns = MIN(net.limited_until_ns, ready_ns);
        break;
    case NET_MORE:
        (void)port_set_add(&net.pending, index);
        break;
    case NET_EMPTY:
        break;
    }
    if (__atomic_exchange_n(&port->wants_wake, false, __ATOMIC_SEQ_CST))
        net_touch(port);
    if (moved > 0 && __atomic_exchange_n(&port->wants_room, false, __ATOMIC_SEQ_CST))
        net_touch(port);
    return moved;
}

/* Ports whose limit, or whose NIC, made them wait have their turn again. */
static void retry_limited(void)
{
    net.limited_until_ns = UINT64_MAX;
    for (u32 word = 0; word < PORT_WORDS; word++) {
        u64 bits = net.limited[word];

        net.limited[word] = 0;
        for (; bits; bits &= bits - 1)
            (void)port_set_add(&net.pending, word * 64 + (u32)__builtin_ctzll(bits));
    }
}

static u32 collect(void)
{
    u32 moved = 0;

    if (time_ns() >= net.limited_until_ns)
        retry_limited();
    for (u64 words = port_set_words(&net.pending); words; words &= words - 1) {
        u32 word = (u32)__builtin_ctzll(words);

        for (u64 bits = port_set_take(&net.pending, word); bits; bits &= bits - 1)
            moved += collect_port(word * 64 + (u32)__builtin_ctzll(bits));
    }
    for (struct netdev *dev = net.devs; dev; dev = dev->next) {
        if (dev->users > 0)
            netdev_transmit_flush(dev);
    }
    return moved;
}

static void wake_owners(void)
{
    for (u64 words = port_set_words(&net_touched); words; words &= words - 1) {
        u32 word = (u32)__builtin_ctzll(words);

        for (u64 bits = port_set_take(&net_touched, word); bits; bits &= bits - 1) {
            const struct netport *port = net_table.ports[word * 64 + (u32)__builtin_ctzll(bits)];

            if (port)
                port->cfg.wake(port->cfg.wake_arg);
        }
    }
}

/* Sleeps until an interrupt, an owner, or a timer; returns at once if there is something to do. */
static void net_sleep(void)
{
    bool room = !must_wait_for_owner();
    u64 until_ns = MIN(net.next_look_ns, net.limited_until_ns);
    bool is_urgent = !port_set_is_empty(&net.pending);

    for (struct netdev *dev = net.devs; dev; dev = dev->next) {
        if (dev->users == 0)
            continue;
        is_urgent |= room && dev->ops->irq_enable(dev);
        if (netdev_transmit_is_waiting(dev) || dev->is_polled)
            until_ns = MIN(until_ns, time_ns() + NET_RETRY_NS);
    }
    if (!is_urgent)
        task_wait_until(until_ns);
}

/* VMs can send without end. */
static void rest_if_busy(u32 sent)
{
    u64 until_ns;

    if (sent == 0 || net.busy_since_ns == 0) {
        net.busy_since_ns = sent ? time_ns() : 0;
        return;
    }
    if (time_ns() - net.busy_since_ns < NET_BUSY_NS)
        return;
    until_ns = time_ns() + NET_REST_NS;
    while (time_ns() < until_ns)
        task_wait_until(until_ns);
    net.busy_since_ns = 0;
}

static void net_main(void *arg unused)
{
    for (;;) {
        u32 received, sent;

        serve_request();
        received = receive();
        sent = collect();
        wake_owners();
        rest_if_busy(sent);
        if (!received && !sent)
            net_sleep();
        else if (task_should_yield())
            task_yield();
    }
}

int net_start(void)
{
    int rc;

    net.limited_until_ns = UINT64_MAX;
    rc = task_start(&net.task, "net", TASK_DRIVER, 0, net_main, NULL);
    if (rc)
        return rc;
    __atomic_store_n(&net.is_started, true, __ATOMIC_RELEASE);
    task_wake(&net.task);
    return 0;
}
