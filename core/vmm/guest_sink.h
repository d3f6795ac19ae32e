/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest loaders work on: bytes of an image, guest memory to fill, and the CPU state to
 * start with.
 *
 * The loaders see neither images nor VMs, so they run unmodified in unit tests.
 */
#ifndef SOCLE_VMM_GUEST_SINK_H
#define SOCLE_VMM_GUEST_SINK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vmm/vm_config.h"

/* Guest memory. Both return 0, or -EFAULT if part of the range is not RAM. */
struct guest_sink {
    int (*write)(void *cookie, u64 guest, const void *src, size_t bytes) must_check;
    int (*zero)(void *cookie, u64 guest, u64 bytes) must_check;
    void *cookie;
};

/* Immutable bytes in pieces. span returns the bytes from an offset < bytes, and how many follow in
 * one piece. */
struct guest_blob {
    const void *(*span)(const void *cookie, u64 offset, size_t *bytes);
    const void *cookie;
    u64 bytes;
};

/* What a guest is made of. initrd->bytes is 0 if there is none. */
struct guest_boot {
    const struct guest_sink *sink;
    const struct guest_blob *kernel;
    const struct guest_blob *initrd;
    const char *cmdline;
    u64 memory_bytes;
};

/* Flat segments in every case; paging and 64-bit mode only if is_long. */
struct guest_cpu {
    bool is_long;
    u64 rip;
    u64 rsp;
    u64 rbx;
    u64 rsi;
    u64 cr3;
    u64 gdt_base;
    u16 gdt_limit;
    u16 code_selector;
    u16 data_selector;
};

/* Copies a range out of the blob. Return: 0, -EINVAL (beyond its end). */
int blob_read(const struct guest_blob *blob, u64 offset, void *dst, size_t bytes) must_check;

/* Copies a range of the blob into guest memory. Return: 0, -EINVAL (beyond its end), -EFAULT (no
 * RAM). */
int blob_load(const struct guest_blob *blob, u64 offset, u64 bytes, const struct guest_sink *sink,
              u64 guest) must_check;

/*
 * Puts the initrd as high as it goes, page aligned, below `limit` and at or above `floor`.
 * Return: 0 and *at; -EINVAL with *err filled.
 */
int initrd_load(const struct guest_boot *boot, u64 floor, u64 limit, u64 *at,
                struct vmm_error *err) must_check;

#endif
