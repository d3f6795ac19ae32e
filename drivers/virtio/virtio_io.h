/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to a virtio device's registers; unit tests replace this file by a device. */
#ifndef SOCLE_VIRTIO_IO_H
#define SOCLE_VIRTIO_IO_H

#include "core/lib/types.h"

static inline u8 virtio_read8(const volatile u8 *at)
{
    return *at;
}

static inline u16 virtio_read16(const volatile u8 *at)
{
    return *(const volatile u16 *)(const volatile void *)at;
}

static inline u32 virtio_read32(const volatile u8 *at)
{
    return *(const volatile u32 *)(const volatile void *)at;
}

static inline void virtio_write8(volatile u8 *at, u8 value)
{
    *at = value;
}

static inline void virtio_write16(volatile u8 *at, u16 value)
{
    *(volatile u16 *)(volatile void *)at = value;
}

static inline void virtio_write32(volatile u8 *at, u32 value)
{
    *(volatile u32 *)(volatile void *)at = value;
}

#endif
