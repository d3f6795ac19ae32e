/* SPDX-License-Identifier: BSD-2-Clause */
/* The Intel cards' shared part on registers that are plain memory, for its unit tests. */
#ifndef SOCLE_TESTS_E1000_RIG_H
#define SOCLE_TESTS_E1000_RIG_H

#include "tests/fakes/pktbuf_reserve.h"
#include "tests/unit/harness.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/net/e1000.h"
#include "drivers/net/pktbuf_csum.h"
#include "drivers/net/pktbuf_join.h"
#include "drivers/net/pktbuf_pool.h"
#include "mm/kheap.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS (2 * E1000_RING_SIZE)

static u32 regs[E1000_BAR_BYTES / 4];
static struct pktbuf pkts[BUFFERS];
static u8 buffers[BUFFERS][PKTBUF_BYTES];
static struct pktbuf big_pkts[2];
static u8 big_buffers[2][PKTBUF_BIG_BYTES];
static struct netdev *registered;
static enum pci_irq_kind irq_kind;
static bool irq_comes, is_enabled, reset_fails;
static irq_handler handler;
static void *handler_arg;
static u64 now;
static u32 wakes, dma_buffers;

/* The clock moves whenever it is looked at, and so does the device. */
u64 time_ns(void)
{
    now += NS_PER_MS;
    if (irq_comes && handler != NULL && regs[E1000_ICS / 4] != 0) {
        regs[E1000_ICR / 4] = regs[E1000_ICS / 4];
        regs[E1000_ICS / 4] = 0;
        CHECK(handler(handler_arg));
        regs[E1000_ICR / 4] = 0;
    }
    return now;
}

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

void kfree(void *p)
{
    free(p);
}

int dma_alloc(struct dma_buf *buf, u64 bytes)
{
    buf->cpu = calloc(1, bytes);
    buf->bus = hpa((u64)buf->cpu);
    dma_buffers++;
    return 0;
}

void dma_free(struct dma_buf *buf)
{
    CHECK(!is_enabled); /* the device could still write there */
    free(buf->cpu);
    dma_buffers--;
}

volatile void *pci_map_bar(const struct pci_device *dev, unsigned bar)
{
    (void)dev;
    return bar == 0 ? regs : NULL;
}

void pci_enable(const struct pci_device *dev)
{
    (void)dev;
    is_enabled = true;
}

void pci_disable(const struct pci_device *dev)
{
    (void)dev;
    is_enabled = false;
}

enum pci_irq_kind pci_irq_setup(const struct pci_device *dev, irq_handler fn, void *arg,
                                struct pci_irq *irq)
{
    (void)dev;
    handler = fn;
    handler_arg = arg;
    return irq->kind = irq_kind;
}

void pci_irq_release(const struct pci_device *dev, struct pci_irq *irq)
{
    (void)dev;
    irq->kind = PCI_IRQ_NONE;
    handler = NULL;
}

void netdev_register(struct netdev *dev)
{
    registered = dev;
}

static inline int reset(struct e1000 *nic)
{
    (void)nic;
    return reset_fails ? -EIO : 0;
}

/* With these two, an EEPROM read is done when it is started and gives the word's number. */
static struct e1000_model model = {
    .driver = "test",
    .reset = reset,
    .format = &e1000_legacy,
    .itr = E1000_ITR,
    .itr_interval = E1000_ITR_INTERVAL,
    .eerd_done = E1000_EERD_START,
    .eerd_address_shift = E1000_EERD_DATA_SHIFT,
};

static inline u32 pool_take(struct pktbuf **taken, u32 max)
{
    u32 count = 0;

    while (count < max && (taken[count] = pktbuf_alloc()) != NULL)
        count++;
    return count;
}

static inline void pool_give(struct pktbuf **taken, u32 count)
{
    while (count > 0)
        pktbuf_free(taken[--count]);
}

static inline u32 pool_count(void)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count = pool_take(taken, BUFFERS);

    pool_give(taken, count);
    return count;
}

static inline void wake(void)
{
    wakes++;
}

/* Gives back what the card of the test before holds; the first time, fills the pool. */
static inline void put_away(void)
{
    static bool is_pool_filled;

    for (u32 i = 0; i < BUFFERS && !is_pool_filled; i++)
        pktbuf_pool_add(&pkts[i], buffers[i], hpa((u64)buffers[i]));
    for (u32 i = 0; i < ARRAY_SIZE(big_pkts) && !is_pool_filled; i++)
        pktbuf_pool_add_big(&big_pkts[i], big_buffers[i], hpa((u64)big_buffers[i]));
    is_pool_filled = true;
    if (registered != NULL) {
        struct e1000 *nic = container_of(registered, struct e1000, dev);

        pktbuf_join_reset(&nic->join);
        pool_give(nic->rx, E1000_RING_SIZE);
        for (u32 i = 0; i < E1000_RING_SIZE; i++) {
            if (nic->tx[i] != NULL)
                pktbuf_free(nic->tx[i]);
        }
        is_enabled = false;
        dma_free(&nic->rx_ring);
        dma_free(&nic->tx_ring);
        free(nic);
        registered = NULL;
    }
    memset(regs, 0, sizeof regs);
}

static inline int probe(enum pci_irq_kind kind, bool comes)
{
    struct pci_device pci = {.bdf = "0000:00:03.0"};

    put_away();
    irq_kind = kind;
    irq_comes = comes;
    return e1000_probe(&pci, &model);
}

static inline struct e1000_desc *rx_desc(u32 i)
{
    struct e1000 *nic = container_of(registered, struct e1000, dev);

    return (struct e1000_desc *)nic->rx_ring.cpu + i;
}

static inline struct e1000_desc *tx_desc(u32 i)
{
    struct e1000 *nic = container_of(registered, struct e1000, dev);

    return (struct e1000_desc *)nic->tx_ring.cpu + i;
}

/* What the device writes, as bytes of the manual's pictures. */
static inline u64 legacy_rx(u16 length, u8 status, u8 errors)
{
    return length | (u64)status << 32 | (u64)errors << 40;
}

static inline u64 advanced_rx(u16 length, u32 status, u32 errors)
{
    return status | errors << 20 | (u64)length << 32;
}

#endif
