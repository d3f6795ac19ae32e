/* SPDX-License-Identifier: BSD-2-Clause */
/* The MSI-X table, and messages as local APICs read them. */
#include "core/vdev/vmsi.h"

#include "core/lib/assert.h"
#include "core/lib/string.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vlapic.h"

#define CONTROL_MASKED BIT(0) /* of a table entry; its other bits are reserved */

/* Spec: SDM 3A "Message Address Register Format", "Message Data Register Format". */
#define ADDRESS_WINDOW_MASK 0xfff00000u
#define ADDRESS_WINDOW      0xfee00000u
#define ADDRESS_DEST        0x000ff000u
#define ADDRESS_REDIRECTION BIT(3)
#define ADDRESS_LOGICAL     BIT(2)
#define DATA_VECTOR         0xffu
#define DATA_DELIVERY       0x700u
#define DATA_ASSERT         BIT(14)
#define DATA_LEVEL          BIT(15)

void vmsi_init(struct vmsi *msi, struct vm *vm, u32 count)
{
    assert(count > 0 && count <= VMSI_VECTORS_MAX);
    memset(msi, 0, sizeof(*msi));
    msi->vm = vm;
    msi->count = count;
    spin_init(&msi->lock, "msi-x", LOCK_VMSI);
    for (u32 i = 0; i < count; i++)
        msi->table[i].control = CONTROL_MASKED;
}

/* A message to anywhere but the local APICs' window would be a write to memory or to another
 * device: it vanishes. */
static void send(struct vmsi *msi, const struct vmsi_entry *entry)
{
    struct vlapic_message message = {
        .destination = (u32)FIELD_GET(ADDRESS_DEST, entry->address_low),
        .is_logical = (entry->address_low & ADDRESS_LOGICAL) != 0,
        .is_level = (entry->data & DATA_LEVEL) != 0,
        .mode = (enum vlapic_delivery)FIELD_GET(DATA_DELIVERY, entry->data),
        .vector = (u8)(entry->data & DATA_VECTOR),
    };

    if (entry->address_high != 0 || (entry->address_low & ADDRESS_WINDOW_MASK) != ADDRESS_WINDOW)
        return;
    if (message.mode == VLAPIC_SIPI || (message.is_level && !(entry->data & DATA_ASSERT)))
        return; /* reserved here; and a line that falls is no event */
    if (message.is_logical && (entry->address_low & ADDRESS_REDIRECTION) &&
        message.mode == VLAPIC_FIXED)
        message.mode = VLAPIC_LOWEST;
    (void)vlapic_send(msi->vm, &message);
}

static bool is_pending(const struct vmsi *msi, u32 vector)
{
    return (msi->pending[vector / 64] & BIT(vector % 64)) != 0;
}

/* Sends what is pending, if nothing holds it back any more. */
static void service(struct vmsi *msi, u32 vector)
{
    if (!msi->is_enabled || msi->is_masked || !msi->is_master || !is_pending(msi, vector) ||
        (msi->table[vector].control & CONTROL_MASKED))
        return;
    msi->pending[vector / 64] &= ~BIT(vector % 64);
    send(msi, &msi->table[vector]);
}

void vmsi_control(struct vmsi *msi, bool is_enabled, bool is_masked, bool is_master)
{
    u64 flags = spin_lock_irqsave(&msi->lock);

    __atomic_store_n(&msi->is_enabled, is_enabled, __ATOMIC_RELEASE);
    msi->is_masked = is_masked;
    msi->is_master = is_master;
    if (!is_enabled)
        memset(msi->pending, 0, sizeof(msi->pending));
    for (u32 i = 0; i < msi->count; i++)
        service(msi, i);
    spin_unlock_irqrestore(&msi->lock, flags);
}

void vmsi_raise(struct vmsi *msi, u32 vector)
{
    u64 flags;

    if (vector >= msi->count)
        return;
    flags = spin_lock_irqsave(&msi->lock);
    if (msi->is_enabled && msi->is_master) {
        msi->pending[vector / 64] |= BIT(vector % 64);
        service(msi, vector);
    }
    spin_unlock_irqrestore(&msi->lock, flags);
}

static u32 *word_at(struct vmsi *msi, u64 offset)
{
    struct vmsi_entry *entry = &msi->table[offset / VMSI_ENTRY_BYTES];

    switch (offset % VMSI_ENTRY_BYTES / sizeof(u32)) {
    case 0:
        return &entry->address_low;
    case 1:
        return &entry->address_high;
    case 2:
        return &entry->data;
    default:
        return &entry->control;
    }
}

static bool is_within(u64 offset, unsigned size, u64 bytes)
{
    return (size == 4 || size == 8) && IS_ALIGNED(offset, (u64)size) && offset < bytes;
}

u64 vmsi_table_read(struct vmsi *msi, u64 offset, unsigned size)
{
    u64 value, flags;

    if (!is_within(offset, size, (u64)msi->count * VMSI_ENTRY_BYTES))
        return vdev_ones(size);
    flags = spin_lock_irqsave(&msi->lock);
    value = *word_at(msi, offset);
    if (size == sizeof(u64))
        value |= (u64)*word_at(msi, offset + sizeof(u32)) << 32;
    spin_unlock_irqrestore(&msi->lock, flags);
    return value;
}

static void write_word(struct vmsi *msi, u64 offset, u32 value)
{
    struct vmsi_entry *entry = &msi->table[offset / VMSI_ENTRY_BYTES];
    u32 *word = word_at(msi, offset);

    *word = word == &entry->control ? value & (u32)CONTROL_MASKED : value;
}

void vmsi_table_write(struct vmsi *msi, u64 offset, unsigned size, u64 value)
{
    u64 flags;

    if (!is_within(offset, size, (u64)msi->count * VMSI_ENTRY_BYTES))
        return;
    flags = spin_lock_irqsave(&msi->lock);
    write_word(msi, offset, (u32)value);
    if (size == sizeof(u64))
        write_word(msi, offset + sizeof(u32), (u32)(value >> 32));
    service(msi, (u32)(offset / VMSI_ENTRY_BYTES));
    spin_unlock_irqrestore(&msi->lock, flags);
}

u64 vmsi_pending_read(struct vmsi *msi, u64 offset, unsigned size)
{
    u64 value, flags;

    if (!is_within(offset, size, ALIGN_UP((u64)msi->count, 64ull) / 8))
        return vdev_ones(size);
    flags = spin_lock_irqsave(&msi->lock);
    value = msi->pending[offset / sizeof(u64)] >> offset % sizeof(u64) * 8;
    spin_unlock_irqrestore(&msi->lock, flags);
    return value & vdev_ones(size);
}
