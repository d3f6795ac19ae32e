/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's virtio-net driver on a simulated device, for its unit tests. */
#ifndef SOCLE_TESTS_VIRTIO_NET_RIG_H
#define SOCLE_TESTS_VIRTIO_NET_RIG_H

#include "tests/fakes/pktbuf_reserve.h"
#include "tests/unit/harness.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/driver.h"
#include "drivers/net/netdev.h"
#include "drivers/net/pktbuf_csum.h"
#include "drivers/net/pktbuf_pool.h"
#include "drivers/net/virtio_net_regs.h"
#include "drivers/virtio/virtio_regs.h"
#include "tests/fakes/virtio.h"

#include <string.h>

#define RX      0
#define TX      1
#define CTRL    2
#define BUFFERS 12288 /* enough for all tests: what a device holds stays with it */
#define ALL_FEATURES                                                                      \
    (BIT(29) | BIT(32) | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MAC | \
     VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX)

static struct pktbuf pkts[BUFFERS];
static u8 buffers[BUFFERS][PKTBUF_BYTES];
static struct pktbuf big_pkts[2];
static u8 big_buffers[2][PKTBUF_BIG_BYTES];
static struct netdev *nic, *all[64]; /* the one under test; all, so that none looks lost */
static bool ctrl_is_dead, interrupts_come;
static u8 commands[8][3];
static u32 command_count, wakes;

void netdev_register(struct netdev *dev)
{
    static u32 count;

    all[count++] = nic = dev;
}

static inline void wake(void)
{
    wakes++;
}

static inline u32 pool_count(void)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count = 0;

    while ((taken[count] = pktbuf_alloc()) != NULL)
        count++;
    for (u32 i = 0; i < count; i++)
        pktbuf_free(taken[i]);
    return count;
}

/* The device does what the control queue asks at once, and says so by an interrupt. */
static inline void on_kick(u16 queue)
{
    struct virtq_desc pieces[4];
    u32 count;
    u16 head;

    if (queue != CTRL || ctrl_is_dead || !fake_virtio_pop(CTRL, &head, pieces, 4, &count))
        return;
    if (!CHECK_EQ(count, 3) || !CHECK(command_count < ARRAY_SIZE(commands)))
        return;
    memcpy(commands[command_count], fake_virtio_memory(pieces[0].address), 2);
    memcpy(&commands[command_count++][2], fake_virtio_memory(pieces[1].address), 1);
    *(u8 *)fake_virtio_memory(pieces[2].address) = VIRTIO_NET_OK;
    fake_virtio_push(CTRL, head, 1);
    fake.isr |= 1;
    if (interrupts_come && fake.handler != NULL)
        fake.handler(fake.handler_arg);
}

static inline void machine(u64 features)
{
    static const u8 mac[6] = {0x52, 0x54, 0, 1, 2, 3};
    static bool is_pool_filled;

    for (u32 i = 0; i < BUFFERS && !is_pool_filled; i++)
        pktbuf_pool_add(&pkts[i], buffers[i], hpa((u64)buffers[i]));
    for (u32 i = 0; i < ARRAY_SIZE(big_pkts) && !is_pool_filled; i++)
        pktbuf_pool_add_big(&big_pkts[i], big_buffers[i], hpa((u64)big_buffers[i]));
    is_pool_filled = true;
    fake_virtio_init();
    fake.offered = features;
    memcpy(fake.config, mac, sizeof mac);
    fake.config[VIRTIO_NET_CONFIG_STATUS] = VIRTIO_NET_S_LINK_UP;
    fake.on_kick = on_kick;
    ctrl_is_dead = false;
    interrupts_come = true;
    command_count = wakes = 0;
    nic = NULL;
}

static inline int probe(void)
{
    int rc = virtio_net_driver.probe(&fake_pci);

    if (rc == 0)
        nic->wake = wake;
    return rc;
}

static inline void start(u64 features)
{
    machine(features);
    CHECK_EQ(probe(), 0);
}

/* The device fills one of a frame's buffers, the first with a header; bytes: what it says it wrote.
 */
static inline void receive_part(const struct virtio_net_hdr *header, u8 pattern, u32 bytes)
{
    struct virtq_desc piece;
    u32 count;
    u16 head;

    if (!CHECK(fake_virtio_pop(RX, &head, &piece, 1, &count)))
        return;
    CHECK_EQ(piece.flags, VIRTQ_DESC_F_WRITE);
    CHECK(piece.bytes <= PKTBUF_BYTES && piece.bytes >= 1526);
    memset(fake_virtio_memory(piece.address), pattern, piece.bytes);
    if (header != NULL)
        memcpy(fake_virtio_memory(piece.address), header, sizeof *header);
    fake_virtio_push(RX, head, bytes);
}

/* The device receives a frame; bytes: what it says it wrote. */
static inline void receive(u8 flags, u16 start_at, u16 offset, u32 bytes)
{
    const struct virtio_net_hdr header = {
        .flags = flags, .csum_start = start_at, .csum_offset = offset, .num_buffers = 1};

    receive_part(&header, 0x5a, bytes);
}

static inline struct pktbuf *frame(u16 len)
{
    struct pktbuf *pkt = pktbuf_alloc();

    pkt->len = len;
    memset(pktbuf_data(pkt), 0xa5, len);
    return pkt;
}

static inline bool is_sent(struct virtq_desc *piece, u16 *head)
{
    u32 count;

    return fake_virtio_pop(TX, head, piece, 1, &count);
}

#endif
