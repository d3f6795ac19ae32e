/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that a running guest gives back, and takes again.
 *
 * Taken away under the lock: out of the second-level tables, then out of the table of frames. It
 * cannot be freed yet, as there are two who may still use it: CPUs that remember the translation,
 * which the caller makes forget it, and accesses of ours that looked the frame up before. The
 * latter count themselves in and out, in one of two counters. Whoever waits for them turns new ones
 * to the other counter, so that the old one comes to zero; that is done for both, as an access may
 * have chosen its counter long before it counts.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "mm/gmem.h"
#include "mm/gmem_impl.h"

/* -- what is kept for the guest
 * -------------------------------------------------------------------------------
 */

static u64 wanted_promise(const struct gmem_ram *ram, u64 assured)
{
    return assured - MIN(assured, ram->resident_bytes);
}

/* Resident bytes have changed. Context: lock held. */
static void settle_promise(struct gmem_ram *ram)
{
    u64 wanted = wanted_promise(ram, ram->assured_bytes);

    if (wanted != ram->promised_bytes)
        pmm_promise_change((s64)(wanted - ram->promised_bytes));
    ram->promised_bytes = wanted;
}

int gmem_assure(const struct gmem *gmem, u64 bytes)
{
    struct gmem_ram *ram = gmem->ram;
    u64 flags = spin_lock_irqsave(&ram->lock);
    u64 wanted = wanted_promise(ram, bytes);
    int rc = 0;

    if (wanted > ram->promised_bytes && !pmm_promise(wanted - ram->promised_bytes)) {
        rc = -ENOMEM;
    } else {
        if (wanted > ram->promised_bytes)
            ram->promised_bytes = wanted;
        ram->assured_bytes = bytes;
        settle_promise(ram);
    }
    spin_unlock_irqrestore(&ram->lock, flags);
    return rc;
}

/* -- filling
 * ---------------------------------------------------------------------------------------------------
 */

/* Has a place in the host's memory: a promised one, or one that nobody was promised. Return: 0,
 * -EFAULT, -EEXIST, -ENOMEM. */
static int fill_begin(struct gmem_ram *ram, u64 guest, bool *is_assured)
{
    u64 flags = spin_lock_irqsave(&ram->lock);
    u64 entry = frame_entry(ram, guest);
    int rc = 0;

    *is_assured = ram->resident_bytes + ram->filling_bytes + GMEM_FRAME_BYTES <= ram->assured_bytes;
    if (entry == 0)
        rc = -EFAULT;
    else if (!entry_is_absent(entry))
        rc = -EEXIST;
    else if (!*is_assured && !pmm_promise(GMEM_FRAME_BYTES))
        rc = -ENOMEM;
    if (rc == 0)
        ram->filling_bytes += GMEM_FRAME_BYTES;
    spin_unlock_irqrestore(&ram->lock, flags);
    return rc;
}

/* Enters the frame, unless somebody was faster. Context: lock held. */
static int enter(struct gmem_ram *ram, u64 guest, u64 entry)
{
    u64 *frame = &ram->frames[guest / GMEM_FRAME_BYTES];
    int rc;

    if (!entry_is_absent(*frame))
        return -EEXIST;
    rc = gmem_entry_map(ram->slat, guest, entry);
    if (rc)
        return rc;
    __atomic_store_n(frame, entry, __ATOMIC_SEQ_CST);
    gmem_count(ram, entry, GMEM_FRAME_BYTES);
    return 0;
}

static void fill_end(struct gmem_ram *ram, bool is_assured)
{
    ram->filling_bytes -= GMEM_FRAME_BYTES;
    settle_promise(ram);
    if (!is_assured)
        pmm_promise_change(-(s64)GMEM_FRAME_BYTES);
}

/* Zeroing takes long: the lock is not held meanwhile. */
int gmem_fill(const struct gmem *gmem, gpa_t guest)
{
    struct gmem_ram *ram = gmem->ram;
    u64 at = ALIGN_DOWN(guest.v, GMEM_FRAME_BYTES), entry = 0, flags;
    bool is_assured;
    int rc = fill_begin(ram, at, &is_assured);
    int taken;

    if (rc)
        return rc;
    taken = rc = gmem_entry_take(gmem->node, at, GMEM_FRAME_BYTES, &entry);
    flags = spin_lock_irqsave(&ram->lock);
    if (rc == 0)
        rc = enter(ram, at, entry);
    fill_end(ram, is_assured);
    spin_unlock_irqrestore(&ram->lock, flags);
    if (rc != 0 && taken == 0)
        gmem_entry_free(entry);
    return rc;
}

/* -- giving back
 * -----------------------------------------------------------------------------------------------
 */

/* The frame becomes a block of its own, if it is part of a larger one. */
static void split_block(struct gmem_ram *ram, u64 frame)
{
    unsigned order = entry_order(ram->frames[frame]);
    u64 count, first;

    if (order <= PMM_ORDER_2M)
        return;
    count = BIT(order - PMM_ORDER_2M);
    first = ALIGN_DOWN(frame, count);
    pmm_split_allocated(hpa(ram->frames[first] & ENTRY_HOST), order, PMM_ORDER_2M, PMM_GUEST);
    for (u64 i = first; i < first + count; i++)
        __atomic_store_n(&ram->frames[i], entry_of(hpa(ram->frames[i] & ENTRY_HOST), PMM_ORDER_2M),
                         __ATOMIC_SEQ_CST);
}

bool gmem_detach(const struct gmem *gmem, gpa_t guest, struct gmem_batch *batch)
{
    struct gmem_ram *ram = gmem->ram;
    u64 frame = guest.v / GMEM_FRAME_BYTES;
    u64 flags = spin_lock_irqsave(&ram->lock);
    bool is_taken = !entry_is_absent(frame_entry(ram, guest.v)) && ram->pins[frame] == 0 &&
                    slat_unmap(ram->slat, gpa(frame * GMEM_FRAME_BYTES), GMEM_FRAME_BYTES) == 0;

    assert(batch->count < GMEM_BATCH_FRAMES);
    if (is_taken) {
        split_block(ram, frame);
        batch->frames[batch->count] = ram->frames[frame];
        gmem_count(ram, ram->frames[frame], -(s64)GMEM_FRAME_BYTES);
        __atomic_store_n(&ram->frames[frame], ENTRY_RAM, __ATOMIC_SEQ_CST);
        batch->count++;
        settle_promise(ram);
    }
    spin_unlock_irqrestore(&ram->lock, flags);
    return is_taken;
}

/* Returns when every access that could have found what is not there any more is over. */
static void wait_for_readers(struct gmem_ram *ram)
{
    while (__atomic_exchange_n(&ram->is_releasing, 1, __ATOMIC_ACQUIRE) != 0)
        cpu_pause();
    for (unsigned turn = 0; turn < ARRAY_SIZE(ram->readers); turn++) {
        u32 phase = __atomic_fetch_xor(&ram->phase, 1, __ATOMIC_SEQ_CST);

        while (__atomic_load_n(&ram->readers[phase & 1u], __ATOMIC_SEQ_CST) != 0)
            cpu_pause();
    }
    __atomic_store_n(&ram->is_releasing, 0, __ATOMIC_RELEASE);
}

void gmem_release(const struct gmem *gmem, struct gmem_batch *batch)
{
    if (batch->count == 0)
        return;
    wait_for_readers(gmem->ram);
    for (u32 i = 0; i < batch->count; i++)
        gmem_entry_free(batch->frames[i]);
    batch->count = 0;
}
