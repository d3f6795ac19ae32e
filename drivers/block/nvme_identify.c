/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads Identify data. */
#include "drivers/block/nvme_identify.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/blk_text.h"

/* Longer transfers gain nothing, and their lists have an end. */
#define MAX_BYTES_SHIFT 18u

static u32 get32(const u8 *data)
{
    u32 value;

    memcpy(&value, data, sizeof value);
    return value;
}

static u64 get64(const u8 *data)
{
    u64 value;

    memcpy(&value, data, sizeof value);
    return value;
}

void nvme_parse_controller(struct nvme_controller_facts *out, const u8 *data)
{
    u8 mdts = data[NVME_ID_MDTS], oncs = data[NVME_ID_ONCS];
    u32 shift = MAX_BYTES_SHIFT;

    *out = (struct nvme_controller_facts){0};
    blk_text(out->model, sizeof out->model, data + NVME_ID_MN, NVME_ID_MN_LEN);
    blk_text(out->serial, sizeof out->serial, data + NVME_ID_SN, NVME_ID_SN_LEN);
    if (mdts != 0 && mdts + PAGE_SHIFT < shift)
        shift = mdts + PAGE_SHIFT;
    out->max_bytes = 1u << shift;
    out->namespace_count = get32(data + NVME_ID_NN);
    out->has_sgl = (get32(data + NVME_ID_SGLS) & NVME_SGLS_SUPPORT) != 0;
    out->has_write_cache = (data[NVME_ID_VWC] & NVME_VWC_PRESENT) != 0;
    out->can_discard = (oncs & NVME_ONCS_DSM) != 0;
    out->can_write_zeroes = (oncs & NVME_ONCS_WRITE_ZEROES) != 0;
}

int nvme_parse_namespace(struct nvme_namespace_facts *out, const u8 *data)
{
    u32 format = data[NVME_ID_NS_FLBAS] & NVME_FLBAS_FORMAT, lbaf, shift;

    *out = (struct nvme_namespace_facts){.block_count = get64(data + NVME_ID_NS_NSZE)};
    if (out->block_count == 0)
        return -ENOENT;
    if (format > data[NVME_ID_NS_NLBAF])
        return -EINVAL;
    lbaf = get32(data + NVME_ID_NS_LBAF + 4 * format);
    shift = FIELD_GET(NVME_LBAF_LBADS, lbaf);
    if (FIELD_GET(NVME_LBAF_MS, lbaf) != 0 || (shift != 9 && shift != 12))
        return -EOPNOTSUPP;
    if (out->block_count > BLK_BYTES_MAX >> shift)
        return -EINVAL;
    out->block_bytes = 1u << shift;
    out->is_read_only = (data[NVME_ID_NS_ATTR] & NVME_NS_ATTR_WP) != 0;
    return 0;
}
