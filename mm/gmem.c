/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to guest memory, by copy only; nobody outside holds a pointer into it. A look-up is one
 * load from a table of frames, and a second one where a frame is made of small blocks.
 */
#include "mm/gmem.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/gmem_impl.h"

/* Where an access goes, until view_end. */
struct view {
    u8 *at;
    size_t bytes; /* that follow in the same block at least */
    u32 phase;
};

static bool is_in_ranges(const struct gmem_ram *ram, u64 guest, u64 bytes)
{
    for (u32 i = 0; i < ram->range_count; i++) {
        const struct gmem_range *r = &ram->ranges[i];

        if (guest >= r->base && guest <= r->end && bytes <= r->end - guest)
            return true;
    }
    return bytes == 0;
}

bool gmem_is_ram(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    if (bytes <= GMEM_FRAME_BYTES - guest.v % GMEM_FRAME_BYTES)
        return frame_entry(gmem->ram, guest.v) != 0 || bytes == 0;
    return is_in_ranges(gmem->ram, guest.v, bytes);
}

/* Return: false if nothing is behind that address. Context: between reader_enter and _leave. */
static always_inline bool find(const struct gmem_ram *ram, u64 guest, size_t bytes,
                               struct view *view)
{
    u64 entry = frame_entry(ram, guest);
    u64 piece = GMEM_FRAME_BYTES;

    if (entry_is_absent(entry))
        return false;
    if (unlikely((entry & ENTRY_SMALL) != 0)) {
        entry = entry_table(entry)[guest % GMEM_FRAME_BYTES / PAGE_SIZE];
        piece = PAGE_SIZE;
    }
    guest &= piece - 1; /* a remainder would be divided for: this is the hottest path there is */
    view->at = (u8 *)hpa_to_ptr(hpa(entry & ENTRY_HOST)) + guest;
    view->bytes = MIN(bytes, piece - guest);
    return true;
}

/* Puts memory there first. */
static noinline int view_fill(const struct gmem *gmem, u64 guest, size_t bytes, struct view *view)
{
    do {
        int rc;

        reader_leave(gmem->ram, view->phase);
        rc = gmem_fill(gmem, gpa(guest));
        if (rc != 0 && rc != -EEXIST)
            return -EFAULT;
        view->phase = reader_enter(gmem->ram);
    } while (!find(gmem->ram, guest, bytes, view));
    return 0;
}

/* Return: 0; -EFAULT: not RAM, or no memory to put there. */
static always_inline int view_begin(const struct gmem *gmem, u64 guest, size_t bytes,
                                    struct view *view)
{
    view->phase = reader_enter(gmem->ram);
    return likely(find(gmem->ram, guest, bytes, view)) ? 0 : view_fill(gmem, guest, bytes, view);
}

/* Of a range in one frame view_begin will find out by itself; of one in several it would only when
 * some are done. */
static inline bool may_begin(const struct gmem *gmem, u64 guest, u64 bytes)
{
    return bytes <= GMEM_FRAME_BYTES - guest % GMEM_FRAME_BYTES ||
           gmem_is_ram(gmem, gpa(guest), bytes);
}

static void view_end(const struct gmem *gmem, const struct view *view)
{
    reader_leave(gmem->ram, view->phase);
}

int gmem_read(const struct gmem *gmem, gpa_t guest, void *dst, size_t bytes)
{
    u8 *to = dst;
    struct view view;

    if (!may_begin(gmem, guest.v, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= view.bytes, guest.v += view.bytes, to += view.bytes) {
        if (view_begin(gmem, guest.v, bytes, &view))
            return -EFAULT;
        if (view.bytes == sizeof(u64)) /* page-table entries: by far the most frequent */
            __builtin_memcpy(to, view.at, sizeof(u64));
        else
            memcpy(to, view.at, view.bytes);
        view_end(gmem, &view);
    }
    return 0;
}

int gmem_write(const struct gmem *gmem, gpa_t guest, const void *src, size_t bytes)
{
    const u8 *from = src;
    struct view view;

    if (!may_begin(gmem, guest.v, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= view.bytes, guest.v += view.bytes, from += view.bytes) {
        if (view_begin(gmem, guest.v, bytes, &view))
            return -EFAULT;
        memcpy(view.at, from, view.bytes);
        view_end(gmem, &view);
    }
    return 0;
}

int gmem_zero(const struct gmem *gmem, gpa_t guest, size_t bytes)
{
    struct view view;

    if (!may_begin(gmem, guest.v, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= view.bytes, guest.v += view.bytes) {
        if (view_begin(gmem, guest.v, bytes, &view))
            return -EFAULT;
        memset(view.at, 0, view.bytes);
        view_end(gmem, &view);
    }
    return 0;
}

/* For a word, which never crosses a page. Return: 0, -EINVAL, -EFAULT. */
static int word_begin(const struct gmem *gmem, gpa_t guest, size_t bytes, struct view *view)
{
    if (!IS_ALIGNED(guest.v, bytes))
        return -EINVAL;
    return view_begin(gmem, guest.v, bytes, view);
}

int gmem_load_u16(const struct gmem *gmem, gpa_t guest, u16 *value)
{
    struct view view;
    int rc = word_begin(gmem, guest, sizeof(*value), &view);

    if (rc)
        return rc;
    *value = __atomic_load_n((const u16 *)(const void *)view.at, __ATOMIC_ACQUIRE);
    view_end(gmem, &view);
    return 0;
}

int gmem_store_u16(const struct gmem *gmem, gpa_t guest, u16 value)
{
    struct view view;
    int rc = word_begin(gmem, guest, sizeof(value), &view);

    if (rc)
        return rc;
    __atomic_store_n((u16 *)(void *)view.at, value, __ATOMIC_RELEASE);
    view_end(gmem, &view);
    return 0;
}

int gmem_store_u32(const struct gmem *gmem, gpa_t guest, u32 value)
{
    struct view view;
    int rc = word_begin(gmem, guest, sizeof(value), &view);

    if (rc)
        return rc;
    __atomic_store_n((u32 *)(void *)view.at, value, __ATOMIC_RELEASE);
    view_end(gmem, &view);
    return 0;
}

int gmem_exchange_u8(const struct gmem *gmem, gpa_t guest, u8 value, u8 *old)
{
    struct view view;
    int rc = word_begin(gmem, guest, sizeof(value), &view);

    if (rc)
        return rc;
    *old = __atomic_exchange_n(view.at, value, __ATOMIC_SEQ_CST);
    view_end(gmem, &view);
    return 0;
}
