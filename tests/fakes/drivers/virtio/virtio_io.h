/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces drivers/virtio/virtio_io.h in unit tests: the test is the device. */
#ifndef SOCLE_FAKES_VIRTIO_IO_H
#define SOCLE_FAKES_VIRTIO_IO_H

#include "core/lib/types.h"

u8 virtio_read8(const volatile u8 *at);
u16 virtio_read16(const volatile u8 *at);
u32 virtio_read32(const volatile u8 *at);
void virtio_write8(volatile u8 *at, u8 value);
void virtio_write16(volatile u8 *at, u16 value);
void virtio_write32(volatile u8 *at, u32 value);

#endif
