/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes in the host's memory: thin, so they take what was written and give back what is
 * discarded; and gone with the power. One may lie over bytes that are only read, an image's: it
 * shows them where nothing was written yet.
 */
#ifndef SOCLE_BLOCK_VOLUME_RAM_H
#define SOCLE_BLOCK_VOLUME_RAM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/volume.h"

/* What memory comes and goes by. */
#define VOLUME_RAM_CHUNK (64 * KiB)

/* No volume in RAM is larger: its tables' top stays below 256 KiB. */
#define VOLUME_RAM_BYTES_MAX (1024 * GiB)

#define VOLUME_RAM_BLOCK 512u

/* Bytes that do not change; beyond their end are zeroes. */
struct volume_base {
    /* Where the byte at `offset` (< bytes) lies, and how many follow it in one piece. Context: any.
     */
    const void *(*span)(const void *cookie, u64 offset, size_t *bytes);
    void (*release)(void *cookie); /* the volume needs it no more; management task */
    void *cookie;
    u64 bytes; /* 0: there is no base */
};

/*
 * Makes one of `bytes` (a multiple of VOLUME_RAM_BLOCK, up to VOLUME_RAM_BYTES_MAX, not less than
 * the base's). It owns the base from then on. Context: management task. Return: 0; -EINVAL (size),
 * -ENOMEM.
 */
int volume_ram_create(const char *name, u64 bytes, const struct volume_base *base,
                      bool is_read_only, struct volume **out) must_check;

/*
 * Copies bytes in or out, for streams; whole volume, however it is used. Context: task. Return: 0;
 * -EINVAL (outside), -ENOSPC (no memory; part of it may be written).
 */
int volume_ram_write(struct volume *volume, u64 offset, const void *src, size_t bytes) must_check;
int volume_ram_read(struct volume *volume, u64 offset, void *dst, size_t bytes) must_check;

/* True for volumes of this kind. */
bool volume_is_ram(const struct volume *volume);

#endif
