/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: how many instructions does it take to send a frame, by frames per doorbell and by size?
 * Meant for an emulator with one CPU that counts instructions by the TSC: from the doorbell until
 * the last frame is given back everything between the guest and the host's card runs. Manual:
 * Virtio 1.2, 5.1.6.2 "Packet Transmission".
 */
#include "tests/guests/lib/virtio.h"

#define VIRTIO_NET 0x10411af4u
#define TX         1u
#define SIZE       64u
#define HEADER     12u
#define LARGE      1514u
#define SMALL      64u
#define RUNS       101u
#define NO_INTR    1u

/* A segment for the host to cut: headers, and what fits into so many frames. */
#define F_CSUM         1ull
#define F_HOST_TSO4    (1ull << 11)
#define HEADERS        54u
#define MSS            1460u
#define SEGMENT_FRAMES 44u
#define SEGMENT        (HEADERS + SEGMENT_FRAMES * MSS)
#define HDR_NEEDS_CSUM 1u
#define HDR_GSO_TCPV4  1u

static struct descriptor table[SIZE] __attribute__((aligned(4096)));
static volatile u16 driver[2 + SIZE + 1] __attribute__((aligned(4096)));
static volatile u32 device[1 + 2 * SIZE + 1] __attribute__((aligned(4096)));
static u8 frames[SIZE][2048] __attribute__((aligned(4096)));
static struct virtio net;
static u64 samples[RUNS];
static u32 doorbells, sent;

static void set_place(u32 at, u64 place)
{
    mmio_write(net.common + at, (u32)place);
    mmio_write(net.common + at + 4, (u32)(place >> 32));
}

static void start(u64 features)
{
    mmio_write8(net.common + V_STATUS, 0);
    driver[1] = 0;
    device[0] = 0;
    driver[0] = NO_INTR;
    driver[2 + SIZE] = 0x8000; /* and so by the event index */
    device[1 + 2 * SIZE] = 0;
    mmio_write8(net.common + V_STATUS, 3);
    for (u32 i = 0; i < 2; i++) {
        mmio_write(net.common + V_ACCEPTED_SELECT, i);
        mmio_write(net.common + V_ACCEPTED, (u32)(features >> 32 * i));
    }
    mmio_write8(net.common + V_STATUS, 0xb);
    mmio_write16(net.common + V_QUEUE_SELECT, TX);
    mmio_write16(net.common + V_QUEUE_SIZE, SIZE);
    set_place(V_DESCRIPTORS, (u64)table);
    set_place(V_DRIVER, (u64)driver);
    set_place(V_DEVICE, (u64)device);
    mmio_write16(net.common + V_QUEUE_ENABLE, 1);
    mmio_write8(net.common + V_STATUS, READY);
    EXPECT_EQ(mmio_read8(net.common + V_STATUS), READY);
}

/* From this card to the machine's gateway, which the switch knows and which takes no such frame. */
static void write_frame(u8 *at)
{
    static const u8 gateway[6] = {0x52, 0x55, 10, 0, 2, 2};

    for (u32 i = 0; i < 6; i++) {
        at[i] = gateway[i];
        at[6 + i] = mmio_read8(net.device + i);
    }
    at[12] = 0x88; /* an EtherType for experiments: IEEE 802 */
    at[13] = 0xb5;
}

static void put_be(u8 *at, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * (bytes - 1 - i));
}

/* TCP over IPv4 to the gateway, who knows nothing of such a connection. Manual: Virtio 1.2,
 * 5.1.6.2; RFC 791; RFC 9293. */
static void write_segment(u8 *at)
{
    u32 tcp_bytes = SEGMENT - 34, sum = 0x0a00 + 0x0263 + 0x0a00 + 0x0202 + 6 + tcp_bytes;
    u8 *ip = at + HEADER + 14, *tcp = ip + 20;

    at[0] = HDR_NEEDS_CSUM;
    at[1] = HDR_GSO_TCPV4;
    at[2] = HEADERS;
    at[4] = (u8)MSS;
    at[5] = MSS >> 8;
    at[6] = 34; /* where the checksum begins, and its place from there on */
    at[8] = 16;
    write_frame(at + HEADER);
    put_be(at + HEADER + 12, 0x0800, 2);
    ip[0] = 0x45;
    put_be(ip + 2, SEGMENT - 14, 2);
    ip[8] = 64;
    ip[9] = 6;
    put_be(ip + 12, 0x0a000263, 4);
    put_be(ip + 16, 0x0a000202, 4);
    put_be(tcp, 9, 2);
    put_be(tcp + 2, 9, 2);
    tcp[12] = 5 << 4;
    tcp[13] = 0x10;
    put_be(tcp + 16, (sum & 0xffff) + (sum >> 16), 2); /* of the pseudo header */
}

static u16 given_back(void)
{
    return (u16)(device[0] >> 16);
}

/* Sends `batch` frames, with a doorbell where one is wanted. Return: instructions of all. */
static u64 send(u32 batch, u32 bytes)
{
    u16 before = driver[1], after = (u16)(before + batch);
    u64 begin;

    for (u32 i = 0; i < batch; i++) {
        u32 slot = (before + i) % SIZE;

        u8 *frame = bytes == SEGMENT ? frames[0] : frames[slot];

        table[slot] = (struct descriptor){(u64)frame, HEADER + bytes, 0, 0};
        driver[2 + slot] = (u16)slot;
    }
    begin = rdtsc();
    driver[1] = after;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if ((u16)(after - (u16)device[1 + 2 * SIZE] - 1) < (u16)(after - before)) {
        doorbells++;
        mmio_write16(net.notify + TX * net.notify_step, TX);
    }
    while (given_back() != after)
        __asm__ volatile("pause");
    sent += batch;
    return rdtsc() - begin;
}

static u64 measure(u32 batch, u32 bytes)
{
    for (u32 i = 0; i < RUNS; i++)
        samples[i] = send(batch, bytes);
    sort(samples, RUNS);
    return samples[RUNS / 2] / batch;
}

void guest_main(void)
{
    if (!virtio_find(&net, VIRTIO_NET))
        failure("no virtio-net");
    start(F_VERSION_1 | F_EVENT_IDX);
    for (u32 i = 0; i < SIZE; i++)
        write_frame(frames[i] + HEADER);
    print("BENCH net_1_64 %lu\n", measure(1, SMALL));
    print("BENCH net_1_1514 %lu\n", measure(1, LARGE));
    doorbells = sent = 0;
    print("BENCH net_32_64 %lu\n", measure(32, SMALL));
    print("BENCH net_32_1514 %lu\n", measure(32, LARGE));
    print("BENCH net_doorbells %lu\n", (u64)doorbells);
    print("BENCH net_frames %lu\n", (u64)sent);
    start(F_VERSION_1 | F_EVENT_IDX | F_CSUM | F_HOST_TSO4);
    write_segment(frames[0]);
    print("BENCH net_segment %lu\n", measure(1, SEGMENT) / SEGMENT_FRAMES);
}
