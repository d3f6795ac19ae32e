/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves frames between the first NIC and the port attached to it.
 *
 * Interrupts only wake this task; while there is work it polls in batches with the NIC's receive
 * interrupt off. When the port's inbox is full it stops taking frames from the NIC and sleeps until
 * the owner has made room: the task is of a better class than the owner, so going on would starve
 * the only one who can empty the inbox (receive livelock). The NIC then drops what its ring cannot
 * hold. A NIC whose interrupts do not arrive is looked after every millisecond instead.
 *
 * A switch between several ports takes the place of port_deliver() and port_collect(); NIC drivers
 * and port owners do not change.
 */
#include "drivers/net/net_task.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/x86/log.h"
#include "drivers/net/net_internal.h"
#include "drivers/net/netport.h"
#include "drivers/net/pktbuf_csum.h"

/* Buffers: NIC receive ring 256, both port rings 512, lwIP's queues bounded below 1200. */
#define NET_POOL_BUFFERS 2048u

/* Frames moved in one direction before the other gets its turn. */
#define NET_BATCH 64u

/* How long to sleep when the NIC's transmit ring is full or it raises no interrupts, and to look
 * after a NIC that may hang. */
#define NET_RETRY_NS    (1 * NS_PER_MS)
#define NET_WATCHDOG_NS (500 * NS_PER_MS)

static struct {
    struct netdev *devs;   /* (c) after boot */
    struct netdev *dev;    /* (c) the one in use */
    struct netport *port;  /* (c) */
    struct pktbuf *unsent; /* (o) taken from the outbox, refused by the full ring */
    u64 next_look_ns;      /* (o) when to look at the link without having been told to */
    bool inbox_was_full;   /* (a) set by the task, cleared by the port's owner */
    bool started;          /* (c) */
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

struct netdev *net_task_bind(struct netport *port)
{
    assert(!net.port);
    if (!net.devs)
        return NULL;
    net.dev = net.devs;
    net.dev->wake = net_task_wake;
    net.port = port;
    return net.dev;
}

void net_task_wake(void)
{
    if (__atomic_load_n(&net.started, __ATOMIC_ACQUIRE))
        task_wake(&net.task);
}

void net_task_inbox_drained(void)
{
    if (__atomic_load_n(&net.inbox_was_full, __ATOMIC_ACQUIRE) &&
        __atomic_exchange_n(&net.inbox_was_full, false, __ATOMIC_ACQ_REL))
        net_task_wake();
}

const struct netdev *netdev_next(const struct netdev *dev)
{
    return dev ? dev->next : net.devs;
}

static bool inbox_is_full(struct netport *port)
{
    u32 tail = __atomic_load_n(&port->inbox.tail, __ATOMIC_ACQUIRE);

    return port->inbox.head - tail == port->inbox.size;
}

/* Sets the note first and looks again, so that a drain in between is not missed. */
static bool must_wait_for_owner(struct netport *port)
{
    if (!inbox_is_full(port))
        return false;
    __atomic_store_n(&net.inbox_was_full, true, __ATOMIC_SEQ_CST);
    return inbox_is_full(port);
}

/* NIC → inbox. Return: frames moved. */
static u32 port_deliver(struct netdev *dev, struct netport *port)
{
    u32 moved = 0;

    while (moved < NET_BATCH && !must_wait_for_owner(port)) {
        struct pktbuf *pkt = dev->ops->rx_poll(dev);

        if (!pkt)
            break;
        netdev_count(&dev->counters.rx_frames, 1);
        netdev_count(&dev->counters.rx_bytes, pkt->len);
        port->counters.rx_frames++;
        port->counters.rx_bytes += pkt->len;
        if (!ring_push(&port->inbox, pkt)) {
            port->counters.rx_drops++;
            pktbuf_free(pkt);
        }
        moved++;
    }
    return moved;
}

/* Outbox → NIC. Return: frames moved. */
static u32 port_collect(struct netdev *dev, struct netport *port)
{
    u32 moved = 0;

    while (moved < NET_BATCH) {
        struct pktbuf *pkt = net.unsent ? net.unsent : ring_pop(&port->outbox);
        u32 len;

        net.unsent = NULL;
        if (!pkt)
            break;
        if (!(dev->features & NETDEV_TX_CSUM))
            pktbuf_csum_complete(pkt);
        len = pkt->len;
        if (!dev->ops->tx(dev, pkt)) {
            net.unsent = pkt;
            break;
        }
        netdev_count(&dev->counters.tx_frames, 1);
        netdev_count(&dev->counters.tx_bytes, len);
        moved++;
    }
    dev->ops->tx_flush(dev);
    return moved;
}

/* Asks the device when it has told of a change, and now and then: reading its registers is slow.
 * Return: true if the owner must be told. */
static bool link_update(struct netdev *dev, struct netport *port)
{
    bool up;

    if (time_ns() < net.next_look_ns && !__atomic_load_n(&dev->link_changed, __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(&dev->link_changed, false, __ATOMIC_SEQ_CST);
    net.next_look_ns = time_ns() + NET_WATCHDOG_NS;
    up = dev->ops->link_up(dev);
    if (up == dev->is_link_up)
        return false;
    __atomic_store_n(&dev->is_link_up, up, __ATOMIC_RELEASE);
    __atomic_store_n(&port->link_up, up, __ATOMIC_RELEASE);
    netdev_count(&dev->counters.link_changes, 1);
    log_info("net", "%s: link is %s", dev->bdf, up ? "up" : "down");
    return true;
}

/* Sleeps until an interrupt, the owner, or a timer; returns at once if frames came meanwhile. */
static void net_sleep(struct netdev *dev, struct netport *port)
{
    bool room = !must_wait_for_owner(port);

    if (room && dev->ops->irq_enable(dev))
        return;
    task_wait_until(net.unsent || dev->is_polled ? time_ns() + NET_RETRY_NS : net.next_look_ns);
}

static void net_main(void *arg unused)
{
    struct netdev *dev = net.dev;
    struct netport *port = net.port;

    for (;;) {
        bool tell = link_update(dev, port);
        u32 received = port_deliver(dev, port);
        u32 sent = port_collect(dev, port);

        if (received || tell)
            port->wake(port->wake_arg);
        if (!received && !sent)
            net_sleep(dev, port);
        else if (task_should_yield())
            task_yield();
    }
}

int net_start(void)
{
    int rc;

    if (!net.dev)
        return 0;
    rc = task_start(&net.task, "net", TASK_DRIVER, 0, net_main, NULL);
    if (rc)
        return rc;
    __atomic_store_n(&net.started, true, __ATOMIC_RELEASE);
    task_wake(&net.task);
    return 0;
}
