/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions as device trees, by the tables that read them. */
#include <libfdt.h>

#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/cloud_init_fdt.h"
#include "core/vmm/vm_fdt.h"
#include "core/vmm/vm_fdt_props.h"
#include "core/vmm/vmm.h"

#define TAGS_BYTES (VM_TAGS_MAX * (VM_TAG_MAX + 1))

static int put_text(void *out, const char *name, const char *text)
{
    return fdt_property(out, name, text, (int)strlen(text) + 1);
}

static int put_number(void *out, const struct prop *prop, const void *place)
{
    u64 value64 = 0;
    u32 value32;

    if (prop->size == sizeof(value32)) {
        memcpy(&value32, place, sizeof(value32));
        return fdt_property_u32(out, prop->name, value32);
    }
    memcpy(&value64, place, sizeof(value64));
    return fdt_property_u64(out, prop->name, value64);
}

static int put_word(void *out, const struct prop *prop, const void *place)
{
    int value;

    memcpy(&value, place, sizeof(value));
    return put_text(out, prop->name, prop->words[value]);
}

static int put_mac(void *out, const struct prop *prop, const u8 *mac)
{
    char text[18];

    ksnprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
              mac[4], mac[5]);
    return put_text(out, prop->name, text);
}

static int put_uuid(void *out, const struct prop *prop, const u8 *uuid)
{
    char text[37];

    vmm_uuid_format(uuid, text);
    return put_text(out, prop->name, text);
}

/* The texts one after the other, each with its end. */
static int put_tags(void *out, const struct prop *prop, const struct vm_config *cfg)
{
    char list[TAGS_BYTES];
    int len = 0;

    for (u32 i = 0; i < cfg->tag_count; i++) {
        size_t bytes = strlen(cfg->tags[i]) + 1;

        memcpy(list + len, cfg->tags[i], bytes);
        len += (int)bytes;
    }
    return fdt_property(out, prop->name, list, len);
}

static int put_pins(void *out, const struct prop *prop, const struct cpu_mask *pins)
{
    fdt32_t cells[PCPUS_MAX];
    int count = 0;

    for (u32 cpu = 0; cpu < PCPUS_MAX; cpu++) {
        if (cpu_mask_has(pins, cpu))
            cells[count++] = cpu_to_fdt32(cpu);
    }
    return fdt_property(out, prop->name, cells, count * (int)sizeof(cells[0]));
}

static int put_prop(void *out, const struct prop *prop, const void *from)
{
    const void *place = (const char *)from + prop->offset;

    switch (prop->type) {
    case PROP_STRING:
        return put_text(out, prop->name, place);
    case PROP_U32:
    case PROP_U64:
        return put_number(out, prop, place);
    case PROP_WORD:
        return put_word(out, prop, place);
    case PROP_FLAG:
    case PROP_UNFLAG:
        return fdt_property(out, prop->name, "", 0);
    case PROP_MAC:
        return put_mac(out, prop, place);
    case PROP_UUID:
        return put_uuid(out, prop, place);
    case PROP_PINS:
        return put_pins(out, prop, place);
    case PROP_TAGS:
        break;
    }
    return put_tags(out, prop, from);
}

/* Texts may hold anything behind their end. */
static bool is_default(const struct prop *prop, const void *from, const void *defaults)
{
    const char *is = (const char *)from + prop->offset;
    const char *as = (const char *)defaults + prop->offset;

    if (prop->type == PROP_STRING)
        return strcmp(is, as) == 0;
    if (prop->type == PROP_TAGS)
        return ((const struct vm_config *)from)->tag_count == 0;
    return memcmp(is, as, prop->size) == 0;
}

static int put_props(void *out, const struct prop *props, size_t count, const void *from,
                     const void *defaults)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        if (!is_default(&props[i], from, defaults))
            rc = put_prop(out, &props[i], from);
    }
    return rc;
}

/* A node in the node that is open. */
static int put_part(void *out, const char *id, const struct prop *props, size_t count,
                    const void *from, const void *defaults)
{
    int rc = fdt_begin_node(out, id);

    if (rc == 0)
        rc = put_props(out, props, count, from, defaults);
    return rc ? rc : fdt_end_node(out);
}

static int put_nics(void *out, const struct vm_config *cfg)
{
    struct vm_nic defaults;
    int rc = fdt_begin_node(out, VM_FDT_NICS);

    vm_nic_default(&defaults);
    for (u32 i = 0; i < cfg->nic_count && rc == 0; i++)
        rc = put_part(out, cfg->nics[i].id, vm_fdt_nic_props, vm_fdt_nic_prop_count, &cfg->nics[i],
                      &defaults);
    return rc ? rc : fdt_end_node(out);
}

static int put_disks(void *out, const struct vm_config *cfg)
{
    struct vm_disk defaults;
    int rc = fdt_begin_node(out, VM_FDT_DISKS);

    vm_disk_default(&defaults);
    for (u32 i = 0; i < cfg->disk_count && rc == 0; i++)
        rc = put_part(out, cfg->disks[i].id, vm_fdt_disk_props, vm_fdt_disk_prop_count,
                      &cfg->disks[i], &defaults);
    return rc ? rc : fdt_end_node(out);
}

size_t vm_fdt_bytes_max(const struct vm_config *cfg)
{
    size_t total = VM_FDT_BYTES_MAX;

    for (enum cloud_init_part i = 0; i < CLOUD_INIT_PARTS; i++) {
        u32 bytes;

        (void)cloud_init_text(cfg->cloud_init, i, &bytes);
        total += ALIGN_UP(bytes, 4u);
    }
    return total;
}

static int put_vm(void *out, const struct vm_config *cfg)
{
    static struct vm_config defaults; /* large; one thread writes */
    int rc = fdt_begin_node(out, cfg->name);

    vm_config_default(&defaults);
    if (rc == 0)
        rc = put_props(out, vm_fdt_props, vm_fdt_prop_count, cfg, &defaults);
    if (rc == 0)
        rc = cloud_init_fdt_write(cfg->cloud_init, out);
    if (rc == 0 && cfg->nic_count > 0)
        rc = put_nics(out, cfg);
    if (rc == 0 && cfg->disk_count > 0)
        rc = put_disks(out, cfg);
    return rc ? rc : fdt_end_node(out);
}

size_t vm_fdt_write(const struct vm_config *cfg, void *out, size_t bytes)
{
    int rc = fdt_create(out, (int)bytes);

    if (rc == 0)
        rc = fdt_finish_reservemap(out);
    if (rc == 0)
        rc = fdt_begin_node(out, "");
    if (rc == 0)
        rc = put_text(out, "compatible", DTB_COMPATIBLE);
    if (rc == 0)
        rc = fdt_begin_node(out, "vms");
    if (rc == 0)
        rc = put_vm(out, cfg);
    if (rc == 0)
        rc = fdt_end_node(out);
    if (rc == 0)
        rc = fdt_end_node(out);
    if (rc == 0)
        rc = fdt_finish(out);
    return rc ? 0 : fdt_totalsize(out);
}
