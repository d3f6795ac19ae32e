/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory and images for tests of the guest loaders: plain arrays. */
#ifndef SOCLE_TESTS_GUEST_RAM_H
#define SOCLE_TESTS_GUEST_RAM_H

#include <string.h>

#include "core/lib/errno.h"
#include "core/vmm/guest_sink.h"

#define GUEST_RAM_BYTES (64 * MiB)

static u8 guest_ram[GUEST_RAM_BYTES];

static int guest_ram_write(void *cookie, u64 guest, const void *src, size_t bytes)
{
    (void)cookie;
    if (guest > GUEST_RAM_BYTES || bytes > GUEST_RAM_BYTES - guest)
        return -EFAULT;
    memcpy(guest_ram + guest, src, bytes);
    return 0;
}

static int guest_ram_zero(void *cookie, u64 guest, u64 bytes)
{
    (void)cookie;
    if (guest > GUEST_RAM_BYTES || bytes > GUEST_RAM_BYTES - guest)
        return -EFAULT;
    memset(guest_ram + guest, 0, bytes);
    return 0;
}

static const struct guest_sink guest_ram_sink = {guest_ram_write, guest_ram_zero, 0};

/* In pieces of 1000 bytes, so that reads cross borders. */
static const void *array_span(const void *cookie, u64 offset, size_t *bytes)
{
    *bytes = 1000 - offset % 1000;
    return (const u8 *)cookie + offset;
}

static inline struct guest_blob array_blob(const void *bytes, u64 count)
{
    return (struct guest_blob){array_span, bytes, count};
}

static inline u64 guest_get(u64 address, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, guest_ram + address, bytes);
    return value;
}

#endif
