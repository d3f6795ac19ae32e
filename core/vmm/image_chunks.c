/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of an image in RAM: a list of chunks that double in size up to 2 MiB, so a small image
 * wastes little and a large one has few pieces. A disk's are small, and there are none where it has
 * only zeroes.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/image_impl.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define CHUNK_ORDER_MIN 4u /* 64 KiB */
#define CHUNK_ORDER_MAX PMM_ORDER_2M
#define CHUNKS_AT_FIRST 16u

void image_chunks_free(struct image *img)
{
    for (u32 i = 0; i < img->chunk_count; i++)
        pmm_free_dirty(ptr_to_hpa(img->chunks[i].bytes), img->chunks[i].order, PMM_IMAGE);
    kfree(img->chunks);
    img->chunks = NULL;
    img->chunk_count = img->chunk_capacity = 0;
    img->capacity = 0;
}

int image_table_grow(struct image *img)
{
    u32 capacity = img->chunk_capacity ? img->chunk_capacity * 2 : CHUNKS_AT_FIRST;
    struct chunk *chunks;

    if (img->chunk_count < img->chunk_capacity)
        return 0;
    chunks = kmalloc(capacity * sizeof(*chunks));
    if (!chunks)
        return -ENOMEM;
    if (img->chunk_count > 0)
        memcpy(chunks, img->chunks, img->chunk_count * sizeof(*chunks));
    kfree(img->chunks);
    img->chunks = chunks;
    img->chunk_capacity = capacity;
    return 0;
}

void image_chunk_attach(struct image *img, hpa_t block, unsigned order)
{
    img->chunks[img->chunk_count++] = (struct chunk){hpa_to_ptr(block), img->capacity, order};
    img->capacity += PAGE_SIZE << order;
}

/* One of that order, or the largest there is below. */
static int chunk_add(struct image *img, unsigned order)
{
    struct pmm_stats stats;
    hpa_t block;
    int rc = image_table_grow(img);

    if (rc)
        return rc;
    pmm_get_stats(&stats);
    if (pmm_available(&stats) < VMM_RESERVE_BYTES)
        return -ENOMEM;
    while (pmm_alloc(order, PMM_IMAGE, false, &block)) {
        if (order == 0)
            return -ENOMEM;
        order--;
    }
    image_chunk_attach(img, block, order);
    return 0;
}

int image_chunk_add(struct image *img)
{
    unsigned order = pmm_order_for(img->capacity);

    return chunk_add(img, MIN(MAX(order, CHUNK_ORDER_MIN), CHUNK_ORDER_MAX));
}

/* One of zeroes that has the byte at `offset`, with a gap before it if need be. */
static int disk_chunk_add(struct image *img, u64 offset)
{
    const struct chunk *last;
    int rc;

    img->capacity = MAX(img->capacity, ALIGN_DOWN(offset, (u64)PAGE_SIZE << CHUNK_ORDER_MIN));
    do {
        rc = chunk_add(img, CHUNK_ORDER_MIN);
        if (rc)
            return rc;
        last = &img->chunks[img->chunk_count - 1];
        memset(last->bytes, 0, PAGE_SIZE << last->order);
    } while (img->capacity <= offset);
    return 0;
}

int image_chunks_write(struct image *img, u64 offset, const void *src, size_t bytes)
{
    const u8 *from = src;
    int rc = 0;

    while (bytes > 0 && rc == 0) {
        const struct chunk *last;
        size_t piece;

        if (offset >= img->capacity)
            rc = disk_chunk_add(img, offset);
        if (rc)
            break;
        last = &img->chunks[img->chunk_count - 1];
        piece = MIN(bytes, img->capacity - offset);
        memcpy(last->bytes + (offset - last->offset), from, piece);
        offset += piece;
        from += piece;
        bytes -= piece;
    }
    return rc;
}

int image_chunks_fill(struct image *img)
{
    struct pmm_stats stats;
    int rc = 0;

    pmm_get_stats(&stats); /* a disk may be far larger than what is in it */
    if (pmm_available(&stats) < VMM_RESERVE_BYTES ||
        img->bytes > pmm_available(&stats) - VMM_RESERVE_BYTES)
        rc = -ENOMEM;

    while (rc == 0 && img->capacity < img->bytes) {
        const struct chunk *last;

        rc = image_chunk_add(img);
        last = &img->chunks[MAX(img->chunk_count, 1u) - 1];
        if (rc == 0)
            rc = img->rest->ops->read(
                img->rest, last->offset, last->bytes,
                (size_t)MIN(PAGE_SIZE << last->order, img->bytes - last->offset));
    }
    return rc;
}

/* Behind the index-th chunk, or before the first: zeroes up to the next. */
static const void *gap_span(const struct image *img, u32 next, u64 offset, size_t *bytes)
{
    static const u8 zeroes[PAGE_SIZE];
    u64 end = next < img->chunk_count ? img->chunks[next].offset : img->bytes;

    *bytes = (size_t)MIN(end - offset, sizeof(zeroes));
    return zeroes;
}

const void *image_span(const struct image *img, u64 offset, size_t *bytes)
{
    u32 low = 0;
    u32 high = img->chunk_count;
    const struct chunk *chunk;

    assert(offset < img->bytes);
    while (high - low > 1) {
        u32 mid = low + (high - low) / 2;

        if (img->chunks[mid].offset <= offset)
            low = mid;
        else
            high = mid;
    }
    chunk = &img->chunks[low];
    if (img->chunk_count == 0 || offset < chunk->offset)
        return gap_span(img, 0, offset, bytes);
    if (offset - chunk->offset >= PAGE_SIZE << chunk->order)
        return gap_span(img, low + 1, offset, bytes);
    *bytes = MIN(chunk->offset + (PAGE_SIZE << chunk->order), img->bytes) - offset;
    return chunk->bytes + (offset - chunk->offset);
}
