/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vdev/virtqueue.c tests/fakes/fake_gmem.c */
/*
 * Any memory as rings and descriptors, any place for them: what is popped lies in RAM, is no longer
 * than the queue, and the copies stay inside of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/vdev/virtqueue.h"
#include "tests/fakes/fake_gmem.h"

#define ROUNDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct virtqueue queue;
static struct virtq_chain chain;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_chain(void)
{
    static u8 buffer[FAKE_RAM_BYTES];
    u64 bytes = 0;

    demand(chain.head < queue.size && chain.count <= queue.size && chain.read_count <= chain.count);
    for (u16 i = 0; i < chain.count; i++) {
        demand(gmem_is_ram(NULL, chain.segments[i].guest, chain.segments[i].bytes));
        bytes += chain.segments[i].bytes;
    }
    demand(bytes == chain.read_bytes + chain.write_bytes);
    demand(virtq_chain_read(NULL, &chain, 0, buffer, sizeof(buffer)) ==
           MIN(chain.read_bytes, (u64)sizeof(buffer)));
    demand(virtq_chain_write(NULL, &chain, 3, buffer, 5) ==
           (chain.write_bytes <= 3 ? 0 : MIN(chain.write_bytes - 3, 5ull)));
}

/* The first bytes say how the queue is set up, the rest is memory from `start` on. */
static size_t set_up(const uint8_t *data, size_t size)
{
    u64 words[2] = {0};

    if (size < sizeof(words))
        return size;
    memcpy(words, data, sizeof(words));
    queue.size = (u16)(1u << words[0] % 9);
    queue.has_indirect = (words[0] >> 8) & 1;
    queue.has_event_idx = (words[0] >> 9) & 1;
    /* Near the beginning mostly, where the input is; anywhere, now and then. */
    queue.descriptors = (words[0] >> 16 & 0xf0) | ((words[0] >> 10 & 15) == 1 ? words[1] : 0);
    queue.driver = (words[0] >> 24 & 0x3fe) | ((words[0] >> 10 & 15) == 2 ? words[1] : 0);
    queue.device = FAKE_RAM_BYTES / 2 + (words[0] >> 40 & 0xffc);
    return sizeof(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t used;

    fake_gmem_init(0);
    virtqueue_init(&queue, NULL, VIRTQ_SIZE_MAX);
    used = set_up(data, size);
    memcpy(fake_ram, data + used, MIN(size - used, (size_t)FAKE_RAM_BYTES));
    if (virtqueue_start(&queue))
        return 0;
    for (int i = 0; i < ROUNDS && virtqueue_pop(&queue, &chain) == 0; i++) {
        check_chain();
        virtqueue_push(&queue, &chain, 8);
        (void)virtqueue_wants_interrupt(&queue);
        if (i % 4 == 0)
            virtqueue_mute(&queue);
        else
            (void)virtqueue_listen(&queue);
    }
    return 0;
}
