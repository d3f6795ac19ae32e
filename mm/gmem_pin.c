/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory lent to devices. The count is looked at by gmem_detach under the same lock. */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "mm/gmem.h"
#include "mm/gmem_impl.h"

static int pin_frame(const struct gmem *gmem, u64 frame)
{
    struct gmem_ram *ram = gmem->ram;

    for (;;) {
        u64 flags = spin_lock_irqsave(&ram->lock);
        bool is_there = !entry_is_absent(ram->frames[frame]);
        int rc;

        if (likely(is_there))
            ram->pins[frame]++;
        spin_unlock_irqrestore(&ram->lock, flags);
        if (likely(is_there))
            return 0;
        rc = gmem_fill(gmem, gpa(frame * GMEM_FRAME_BYTES));
        if (rc != 0 && rc != -EEXIST)
            return -EFAULT;
    }
}

static void unpin_frames(struct gmem_ram *ram, u64 first, u64 end)
{
    u64 flags = spin_lock_irqsave(&ram->lock);

    for (u64 frame = first; frame < end; frame++) {
        assert(ram->pins[frame] > 0);
        ram->pins[frame]--;
    }
    spin_unlock_irqrestore(&ram->lock, flags);
}

static u64 first_frame(gpa_t guest)
{
    return guest.v / GMEM_FRAME_BYTES;
}

static u64 end_frame(gpa_t guest, u64 bytes)
{
    return bytes == 0 ? first_frame(guest) : (guest.v + bytes - 1) / GMEM_FRAME_BYTES + 1;
}

int gmem_pin(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    u64 first = first_frame(guest);

    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    for (u64 frame = first; frame < end_frame(guest, bytes); frame++) {
        if (pin_frame(gmem, frame)) {
            unpin_frames(gmem->ram, first, frame);
            return -EFAULT;
        }
    }
    return 0;
}

void gmem_unpin(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    unpin_frames(gmem->ram, first_frame(guest), end_frame(guest, bytes));
}

u64 gmem_pinned(const struct gmem *gmem, gpa_t guest, u64 bytes, hpa_t *host)
{
    u64 entry = frame_entry(gmem->ram, guest.v);
    u64 piece = GMEM_FRAME_BYTES;

    if ((entry & ENTRY_SMALL) != 0) {
        entry = entry_table(entry)[guest.v % GMEM_FRAME_BYTES / PAGE_SIZE];
        piece = PAGE_SIZE;
    }
    *host = hpa((entry & ENTRY_HOST) + guest.v % piece);
    return MIN(bytes, piece - guest.v % piece);
}
