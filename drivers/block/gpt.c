/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads headers and entries of GUID partition tables. */
#include "drivers/block/gpt.h"

#include "core/lib/crc32.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/gpt_disk.h"

static bool is_sane(const struct gpt_disk_header *h, u32 block_bytes, u64 lba, u64 block_count)
{
    u64 entries_bytes = (u64)h->entry_count * h->entry_bytes;

    return h->my_lba == lba && h->first_usable_lba <= h->last_usable_lba &&
           h->last_usable_lba < block_count && h->entry_count > 0 &&
           h->entry_count <= GPT_ENTRIES_MAX && h->entry_bytes >= sizeof(struct gpt_disk_entry) &&
           h->entry_bytes % 8 == 0 && entries_bytes <= GPT_ENTRIES_BYTES_MAX &&
           h->entries_lba > 0 && h->entries_lba < block_count &&
           ALIGN_UP(entries_bytes, (u64)block_bytes) / block_bytes <= block_count - h->entries_lba;
}

int gpt_parse_header(struct gpt_header *out, const u8 *block, u32 block_bytes, u64 lba,
                     u64 block_count)
{
    struct gpt_disk_header h;
    u32 crc;

    memcpy(&h, block, sizeof h);
    if (memcmp(h.signature, "EFI PART", sizeof h.signature) != 0)
        return -ENOENT;
    if (h.header_bytes < sizeof h || h.header_bytes > block_bytes)
        return -EINVAL;
    crc = h.header_crc;
    h.header_crc = 0; /* it counts as zero */
    if (crc32(crc32(0, &h, sizeof h), block + sizeof h, h.header_bytes - sizeof h) != crc ||
        !is_sane(&h, block_bytes, lba, block_count))
        return -EINVAL;
    *out = (struct gpt_header){
        .entries_lba = h.entries_lba,
        .first_usable_lba = h.first_usable_lba,
        .last_usable_lba = h.last_usable_lba,
        .entry_count = h.entry_count,
        .entry_bytes = h.entry_bytes,
        .entries_crc = h.entries_crc,
    };
    return 0;
}

u32 gpt_entries_bytes(const struct gpt_header *header)
{
    return header->entry_count * header->entry_bytes;
}

static u32 put_utf8(char *out, u32 c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* A unit makes three bytes at most, a pair of surrogates four: it fits. */
static void put_name(char *out, const struct gpt_disk_entry *e)
{
    u32 len = 0;

    for (u32 i = 0; i < GPT_NAME_UNITS && e->name[i] != 0; i++) {
        u32 c = e->name[i];

        if (c >= 0xd800 && c < 0xdc00 && i + 1 < GPT_NAME_UNITS &&
            (e->name[i + 1] & 0xfc00) == 0xdc00)
            c = 0x10000 + ((c & 0x3ff) << 10) + (e->name[++i] & 0x3ffu);
        else if (c >= 0xd800 && c < 0xe000)
            c = 0xfffd; /* half a pair */
        else if (c < 0x20)
            c = 0xfffd; /* whoever shows it is not to be told where to write */
        len += put_utf8(out + len, c);
    }
    out[len] = 0;
}

static bool is_free(const struct gpt_disk_entry *e)
{
    static const u8 unused_type[16];

    return memcmp(e->type, unused_type, sizeof unused_type) == 0;
}

static bool is_usable(const struct gpt *gpt, const struct gpt_header *h,
                      const struct gpt_disk_entry *e)
{
    if (e->first_lba > e->last_lba || e->first_lba < h->first_usable_lba ||
        e->last_lba > h->last_usable_lba)
        return false;
    for (u32 i = 0; i < gpt->count; i++) {
        const struct gpt_partition *p = &gpt->parts[i];

        if (e->first_lba < p->first_lba + p->blocks && p->first_lba <= e->last_lba)
            return false;
    }
    return true;
}

int gpt_parse_entries(struct gpt *out, const struct gpt_header *header, const u8 *entries)
{
    out->count = 0;
    out->bad_count = 0;
    if (crc32(0, entries, gpt_entries_bytes(header)) != header->entries_crc)
        return -EINVAL;
    for (u32 i = 0; i < header->entry_count; i++) {
        struct gpt_partition *p = &out->parts[out->count];
        struct gpt_disk_entry e;

        memcpy(&e, entries + (u64)i * header->entry_bytes, sizeof e);
        if (is_free(&e))
            continue;
        if (!is_usable(out, header, &e)) {
            out->bad_count++;
            continue;
        }
        p->number = i + 1;
        gpt_guid_swap(p->type, e.type);
        gpt_guid_swap(p->uuid, e.uuid);
        p->first_lba = e.first_lba;
        p->blocks = e.last_lba - e.first_lba + 1;
        put_name(p->name, &e);
        out->count++;
    }
    return 0;
}

const char *gpt_state_name(enum gpt_state state)
{
    static const char *const names[] = {"none", "gpt", "gpt_backup", "damaged", "unreadable"};

    return names[state];
}
