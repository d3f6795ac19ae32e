/* SPDX-License-Identifier: BSD-2-Clause */
/* What NVMe controllers and namespaces say of themselves. Pure; the data is the device's and is
 * bounded here. */
#ifndef SOCLE_BLOCK_NVME_IDENTIFY_H
#define SOCLE_BLOCK_NVME_IDENTIFY_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/blk.h"
#include "drivers/block/nvme_regs.h"

struct nvme_controller_facts {
    char model[BLK_MODEL_MAX];
    char serial[BLK_SERIAL_MAX];
    u32 max_bytes; /* of a command; a multiple of a page */
    u32 namespace_count;
    bool has_sgl; /* pieces of memory may be listed as they are */
    bool has_write_cache;
    bool can_discard;
    bool can_write_zeroes;
};

/* data: NVME_ID_BYTES. */
void nvme_parse_controller(struct nvme_controller_facts *out, const u8 *data);

struct nvme_namespace_facts {
    u64 block_count;
    u32 block_bytes;
    bool is_read_only;
};

/*
 * Return: 0; -ENOENT (not active), -EOPNOTSUPP (blocks of another size than 512 or 4096 bytes, or
 * with metadata), -EINVAL (nonsense).
 */
int nvme_parse_namespace(struct nvme_namespace_facts *out, const u8 *data) must_check;

#endif
