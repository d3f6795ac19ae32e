/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/e1000.c drivers/net/pktbuf.c core/lib/str.c tests/fakes/[al][so]*.c */
/* The Intel cards' shared part on registers that are plain memory: address, interrupts, rings. */
#include "tests/unit/harness.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/net/e1000.h"
#include "drivers/net/pktbuf_pool.h"
#include "mm/kheap.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS (2 * E1000_RING_SIZE)

static u32 regs[E1000_BAR_BYTES / 4];
static struct pktbuf pkts[BUFFERS];
static u8 buffers[BUFFERS][PKTBUF_BYTES];
static struct netdev *registered;
static enum pci_irq_kind irq_kind;
static bool irq_comes, is_enabled;
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

static int reset(struct e1000 *nic)
{
    (void)nic;
    return 0;
}

/* With these two, an EEPROM read is done when it is started and gives the word's number. */
static const struct e1000_model model = {
    .driver = "test",
    .reset = reset,
    .eerd_done = E1000_EERD_START,
    .eerd_address_shift = E1000_EERD_DATA_SHIFT,
};

static u32 pool_take(struct pktbuf **taken, u32 max)
{
    u32 count = 0;

    while (count < max && (taken[count] = pktbuf_alloc()) != NULL)
        count++;
    return count;
}

static void pool_give(struct pktbuf **taken, u32 count)
{
    while (count > 0)
        pktbuf_free(taken[--count]);
}

static u32 pool_count(void)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count = pool_take(taken, BUFFERS);

    pool_give(taken, count);
    return count;
}

static void wake(void)
{
    wakes++;
}

/* Gives back what the card of the test before holds; the first time, fills the pool. */
static void put_away(void)
{
    static bool is_pool_filled;

    for (u32 i = 0; i < BUFFERS && !is_pool_filled; i++)
        pktbuf_pool_add(&pkts[i], buffers[i], hpa((u64)buffers[i]));
    is_pool_filled = true;
    if (registered != NULL) {
        struct e1000 *nic = container_of(registered, struct e1000, dev);

        pool_give(nic->rx, E1000_RING_SIZE);
        is_enabled = false;
        dma_free(&nic->rx_ring);
        dma_free(&nic->tx_ring);
        free(nic);
        registered = NULL;
    }
    memset(regs, 0, sizeof regs);
}

static int probe(enum pci_irq_kind kind, bool comes)
{
    struct pci_device pci = {.bdf = "0000:00:03.0"};

    put_away();
    irq_kind = kind;
    irq_comes = comes;
    return e1000_probe(&pci, &model);
}

static struct e1000_rx_desc *rx_desc(u32 i)
{
    struct e1000 *nic = container_of(registered, struct e1000, dev);

    return (struct e1000_rx_desc *)nic->rx_ring.cpu + i;
}

TEST(the_address_is_made_valid)
{
    static const u8 mac[6] = {0, 0, 1, 0, 2, 0};

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0); /* address register 0 says "not valid" */
    CHECK(memcmp(registered->mac, mac, 6) == 0);
    CHECK_EQ(regs[E1000_RAL0 / 4], 0x00010000);
    CHECK_EQ(regs[E1000_RAH0 / 4], E1000_RAH_AV | 0x0002);
}

TEST(interrupts_that_arrive)
{
    CHECK_EQ(probe(PCI_IRQ_INTX, true), 0);
    CHECK(!registered->is_polled);
    registered->wake = wake;
    regs[E1000_IMC / 4] = 0;
    CHECK(!handler(handler_arg)); /* another device's on the same line: nothing is masked */
    CHECK_EQ(regs[E1000_IMC / 4], 0);
    CHECK_EQ(wakes, 0);
    regs[E1000_ICR / 4] = E1000_ICR_RXT0;
    CHECK(handler(handler_arg));
    CHECK_EQ(regs[E1000_IMC / 4], E1000_IMC_ALL);
    CHECK_EQ(wakes, 1);
    CHECK(!registered->ops->irq_enable(registered));
    CHECK((regs[E1000_IMS / 4] & E1000_ICR_RXT0) != 0);
    rx_desc(0)->status = E1000_RXD_STAT_DD; /* came in between */
    CHECK(registered->ops->irq_enable(registered));
}

TEST(interrupts_that_do_not)
{
    u64 start = now;

    CHECK_EQ(probe(PCI_IRQ_INTX, false), 0);
    CHECK(registered->is_polled);
    CHECK(handler == NULL); /* given back */
    CHECK(now - start < NS_PER_S);
    regs[E1000_IMS / 4] = 0;
    CHECK(!registered->ops->irq_enable(registered));
    CHECK_EQ(regs[E1000_IMS / 4], 0);
    CHECK_EQ(probe(PCI_IRQ_NONE, true), 0);
    CHECK(registered->is_polled);
}

TEST(bad_lengths_never_leave_the_driver)
{
    static const struct {
        u16 length;
        u8 status, errors;
    } bad[] = {{0, 3, 0}, {13, 3, 0}, {1519, 3, 0}, {0xffff, 3, 0}, {60, 1, 0}, {60, 3, 1}};
    struct pktbuf *pkt;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        rx_desc(i)->length = bad[i].length;
        rx_desc(i)->status = bad[i].status;
        rx_desc(i)->errors = bad[i].errors;
    }
    rx_desc(6)->length = 1518;
    rx_desc(6)->status = E1000_RXD_STAT_DD | E1000_RXD_STAT_EOP;
    pkt = registered->ops->rx_poll(registered);
    CHECK(pkt != NULL && pkt->len == 1518);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    pktbuf_free(pkt);
    CHECK_EQ(pool_count(), before);
    for (u32 i = 0; i < 7; i++)
        CHECK(rx_desc(i)->status == 0 && rx_desc(i)->address != 0);
}

TEST(a_full_transmit_ring_refuses_and_recovers)
{
    struct e1000 *nic;
    u32 sent = 0, before;
    struct pktbuf *pkt;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    nic = container_of(registered, struct e1000, dev);
    before = pool_count();
    while ((pkt = pktbuf_alloc()) != NULL && registered->ops->tx(registered, pkt))
        sent++;
    CHECK_EQ(sent, E1000_RING_SIZE - 1);
    CHECK(pkt != NULL);
    for (u32 i = 0; i < E1000_RING_SIZE; i++)
        ((struct e1000_tx_desc *)nic->tx_ring.cpu)[i].status = E1000_TXD_STAT_DD;
    CHECK(registered->ops->tx(registered, pkt));
    registered->ops->tx_flush(registered);
    CHECK_EQ(regs[E1000_TDT / 4], 0);
    CHECK_EQ(pool_count(), before - 1); /* the last one is not sent yet */
    ((struct e1000_tx_desc *)nic->tx_ring.cpu)[E1000_RING_SIZE - 1].status = E1000_TXD_STAT_DD;
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before);
}

TEST(a_failed_probe_gives_everything_back)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count;

    put_away();
    count = pool_take(taken, BUFFERS - 10); /* the rest is too few for a ring */
    CHECK_EQ(probe(PCI_IRQ_INTX, true), -ENOMEM);
    CHECK(registered == NULL && handler == NULL && !is_enabled);
    CHECK_EQ(dma_buffers, 0);
    CHECK_EQ(pool_count(), 10);
    pool_give(taken, count);
    CHECK_EQ(probe(PCI_IRQ_INTX, true), 0);
    CHECK(is_enabled);
}
