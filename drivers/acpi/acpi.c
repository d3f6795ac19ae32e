/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds ACPI tables from the RSDP on. */
#include "drivers/acpi/acpi.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

#define RSDP_V1_BYTES 20u

struct rsdp {
    char signature[8];
    u8 checksum;
    char oem_id[6];
    u8 revision;
    u32 rsdt;
    u32 length; /* from here on: revision 2 */
    u64 xsdt;
    u8 extended_checksum;
    u8 reserved[3];
} packed;

static bool sum_is_zero(const void *data, u64 bytes)
{
    const u8 *p = data;
    u8 sum = 0;

    for (u64 i = 0; i < bytes; i++)
        sum = (u8)(sum + p[i]);
    return sum == 0;
}

/* A whole table, mapped and intact; NULL if it is not. */
static const struct acpi_header *table_at(const struct acpi *acpi, u64 address)
{
    const struct acpi_header *h = acpi->map(acpi->arg, address, sizeof *h);
    u32 length;

    if (h == NULL)
        return NULL;
    length = h->length;
    if (length < sizeof *h || length > ACPI_TABLE_MAX)
        return NULL;
    h = acpi->map(acpi->arg, address, length);
    return h != NULL && sum_is_zero(h, length) ? h : NULL;
}

int acpi_init(struct acpi *acpi, u64 rsdp, acpi_map_fn map, void *arg)
{
    const struct rsdp *r;
    u64 root;

    *acpi = (struct acpi){.map = map, .arg = arg};
    if (rsdp == 0)
        return -ENODEV;
    r = map(arg, rsdp, RSDP_V1_BYTES);
    if (r == NULL || memcmp(r->signature, "RSD PTR ", 8) != 0 || !sum_is_zero(r, RSDP_V1_BYTES))
        return -EINVAL;
    root = r->rsdt;
    acpi->entry_bytes = 4;
    if (r->revision >= 2) {
        r = map(arg, rsdp, sizeof *r);
        if (r != NULL && r->xsdt != 0) {
            root = r->xsdt;
            acpi->entry_bytes = 8;
        }
    }
    acpi->root = table_at(acpi, root);
    return acpi->root != NULL ? 0 : -EINVAL;
}

const struct acpi_header *acpi_find(const struct acpi *acpi, const char *signature)
{
    const u8 *entries;
    u32 count;

    if (acpi->root == NULL)
        return NULL;
    entries = (const u8 *)(acpi->root + 1);
    count = (acpi->root->length - (u32)sizeof *acpi->root) / acpi->entry_bytes;
    for (u32 i = 0; i < count; i++) {
        const struct acpi_header *h;
        u64 address = 0;

        memcpy(&address, entries + (size_t)i * acpi->entry_bytes, acpi->entry_bytes);
        h = table_at(acpi, address);
        if (h != NULL && memcmp(h->signature, signature, ACPI_SIGNATURE_BYTES) == 0)
            return h;
    }
    return NULL;
}
