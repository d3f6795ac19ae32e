/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory's accesses, on an array. */
#include "tests/fakes/fake_gmem.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vm/vm_memory.h"
#include "mm/gmem.h"

u8 fake_ram[FAKE_RAM_BYTES];
void (*fake_gmem_hook)(u64 at, size_t bytes);
u32 fake_gmem_pins;
u64 fake_gmem_gap;

void fake_gmem_init(u8 fill)
{
    memset(fake_ram, fill, sizeof fake_ram);
    fake_gmem_hook = NULL;
}

bool gmem_is_ram(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    (void)gmem;
    return guest.v <= FAKE_RAM_BYTES && bytes <= FAKE_RAM_BYTES - guest.v;
}

int gmem_write(const struct gmem *gmem, gpa_t guest, const void *src, size_t bytes)
{
    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    if (fake_gmem_hook)
        fake_gmem_hook(guest.v, bytes);
    memcpy(fake_ram + guest.v, src, bytes);
    return 0;
}

int gmem_read(const struct gmem *gmem, gpa_t guest, void *dst, size_t bytes)
{
    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    memcpy(dst, fake_ram + guest.v, bytes);
    return 0;
}

int gmem_load_u16(const struct gmem *gmem, gpa_t guest, u16 *value)
{
    return guest.v % sizeof *value != 0 ? -EINVAL : gmem_read(gmem, guest, value, sizeof *value);
}

int gmem_store_u16(const struct gmem *gmem, gpa_t guest, u16 value)
{
    return guest.v % sizeof value != 0 ? -EINVAL : gmem_write(gmem, guest, &value, sizeof value);
}

int gmem_store_u32(const struct gmem *gmem, gpa_t guest, u32 value)
{
    return guest.v % sizeof value != 0 ? -EINVAL : gmem_write(gmem, guest, &value, sizeof value);
}

/* Nothing can be taken from an array. */
bool gmem_detach(const struct gmem *gmem, gpa_t frame, struct gmem_batch *batch)
{
    (void)gmem;
    (void)frame;
    (void)batch;
    return false;
}

/* Devices of the host find the array where it is. */
int gmem_pin(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    fake_gmem_pins++;
    return 0;
}

void gmem_unpin(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    (void)gmem, (void)guest, (void)bytes;
    fake_gmem_pins--;
}

/* In two pieces where the range crosses the middle. */
u64 gmem_pinned(const struct gmem *gmem, gpa_t guest, u64 bytes, hpa_t *host)
{
    u64 end = guest.v < FAKE_RAM_BYTES / 2 ? FAKE_RAM_BYTES / 2 : FAKE_RAM_BYTES;

    (void)gmem;
    *host = hpa((u64)(uintptr_t)(fake_ram + guest.v) + (end == FAKE_RAM_BYTES ? fake_gmem_gap : 0));
    return MIN(bytes, end - guest.v);
}

void vm_memory_release(struct vm *vm, struct gmem_batch *batch)
{
    (void)vm;
    batch->count = 0;
}

int gmem_exchange_u8(const struct gmem *gmem, gpa_t guest, u8 value, u8 *old)
{
    if (!gmem_is_ram(gmem, guest, 1))
        return -EFAULT;
    *old = fake_ram[guest.v];
    return gmem_write(gmem, guest, &value, 1);
}
