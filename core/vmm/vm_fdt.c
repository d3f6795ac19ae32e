/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding of images and VMs: one row per property says its type and its place, so that the
 * table is the whole truth about what may stand in a node.
 */
#include "core/vmm/vm_fdt.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init_fdt.h"
#include "core/vmm/vm_fdt_props.h"
#include "core/vmm/vmm.h"

#define PATH_BYTES 160u /* of a card, for reports */

#define MEMBER(m) offsetof(struct vm_config, m), sizeof(((struct vm_config *)0)->m)

static const char *const firmwares[] = {"direct", "pvh", NULL};
static const char *const on_crashes[] = {"stop", "restart", NULL};
static const char *const kinds[] = {"raw", "qcow2", "iso", "kernel", "initrd", NULL};

#define WRONG_NUMBER "it is no number of one or two cells in range"
#define WRONG_IMAGE  "it is no image's name: one text of at most 63 bytes"
#define WRONG_FLAG   "it is true by being there: leave its value out"

const struct prop vm_fdt_props[] = {
    {"memory", PROP_U64, MEMBER(memory_bytes), "/memory/size_bytes", NULL, WRONG_NUMBER},
    {"memory-balloon-target", PROP_U64, MEMBER(balloon_target_bytes),
     "/memory/balloon/target_bytes", NULL, WRONG_NUMBER},
    {"vcpus", PROP_U32, MEMBER(cpu_count), "/cpu/count", NULL, WRONG_NUMBER},
    {"cpu-weight", PROP_U32, MEMBER(cpu_weight), "/cpu/weight", NULL, WRONG_NUMBER},
    {"cpu-limit-millicpu", PROP_U32, MEMBER(cpu_limit_millicpu), "/cpu/limit_millicpu", NULL,
     WRONG_NUMBER},
    {"cpu-pins", PROP_PINS, MEMBER(pins), "/cpu/pins", NULL,
     "it is no list of CPU numbers, one cell each, below 256"},
    {"cpu-realtime", PROP_FLAG, MEMBER(cpu_realtime), "/cpu/realtime", NULL, WRONG_FLAG},
    {"firmware", PROP_WORD, MEMBER(firmware), "/boot/firmware", firmwares,
     "it is neither \"direct\" nor \"pvh\""},
    {"kernel", PROP_STRING, MEMBER(kernel), "/boot/kernel", NULL, WRONG_IMAGE},
    {"initrd", PROP_STRING, MEMBER(initrd), "/boot/initrd", NULL, WRONG_IMAGE},
    {"cmdline", PROP_STRING, MEMBER(cmdline), "/boot/cmdline", NULL,
     "it is no text of at most 4095 bytes"},
    {"uuid", PROP_UUID, MEMBER(uuid), "/uuid", NULL, "it is no UUID"},
    {"description", PROP_STRING, MEMBER(description), "/description", NULL,
     "it is no text of at most 255 bytes"},
    {"tags", PROP_TAGS, MEMBER(tags), "/tags", NULL,
     "it is no list of at most 8 texts of at most 31 bytes"},
    {"on-crash", PROP_WORD, MEMBER(on_crash), "/on_crash", on_crashes,
     "it is neither \"stop\" nor \"restart\""},
    {"console-log", PROP_FLAG, MEMBER(console_log), "/serial/0/host_log", NULL, WRONG_FLAG},
    {"console-log-bytes", PROP_U32, MEMBER(serial_log_bytes), "/serial/0/log_bytes", NULL,
     WRONG_NUMBER},
    {"virtio-console", PROP_FLAG, MEMBER(has_virtio_console), "/virtio_console/enabled", NULL,
     WRONG_FLAG},
    {"virtio-console-log-bytes", PROP_U32, MEMBER(virtio_log_bytes), "/virtio_console/log_bytes",
     NULL, WRONG_NUMBER},
    {"autostart", PROP_FLAG, MEMBER(autostart), "/autostart/enabled", NULL, WRONG_FLAG},
    {"start-order", PROP_U32, MEMBER(start_order), "/autostart/order", NULL, WRONG_NUMBER},
    {"start-delay-ms", PROP_U32, MEMBER(start_delay_ms), "/autostart/delay_ms", NULL, WRONG_NUMBER},
};

#define NIC_MEMBER(m) offsetof(struct vm_nic, m), sizeof(((struct vm_nic *)0)->m)

const struct prop vm_fdt_nic_props[] = {
    {"network", PROP_STRING, NIC_MEMBER(network), NULL, NULL,
     "it is no network's name: one text of at most 63 bytes"},
    {"mac", PROP_MAC, NIC_MEMBER(mac), NULL, NULL, "it is no text like \"52:00:00:12:34:56\""},
    {"frames-per-second", PROP_U64, NIC_MEMBER(ops_per_s), NULL, NULL, WRONG_NUMBER},
    {"bytes-per-second", PROP_U64, NIC_MEMBER(bytes_per_s), NULL, NULL, WRONG_NUMBER},
    {"burst-bytes", PROP_U64, NIC_MEMBER(burst_bytes), NULL, NULL, WRONG_NUMBER},
    {"isolated", PROP_FLAG, NIC_MEMBER(is_isolated), NULL, NULL, WRONG_FLAG},
    {"any-mac", PROP_UNFLAG, NIC_MEMBER(checks_mac), NULL, NULL, WRONG_FLAG},
};

#define DISK_MEMBER(m) offsetof(struct vm_disk, m), sizeof(((struct vm_disk *)0)->m)

const struct prop vm_fdt_disk_props[] = {
    {"volume", PROP_STRING, DISK_MEMBER(volume), NULL, NULL,
     "it is no volume's name: one text of at most 63 bytes"},
    {"image", PROP_STRING, DISK_MEMBER(image), NULL, NULL, WRONG_IMAGE},
    {"read-only", PROP_FLAG, DISK_MEMBER(is_read_only), NULL, NULL, WRONG_FLAG},
    {"no-discard", PROP_UNFLAG, DISK_MEMBER(can_discard), NULL, NULL, WRONG_FLAG},
    {"serial", PROP_STRING, DISK_MEMBER(serial), NULL, NULL, "it is no text of at most 20 bytes"},
    {"operations-per-second", PROP_U64, DISK_MEMBER(ops_per_s), NULL, NULL, WRONG_NUMBER},
    {"bytes-per-second", PROP_U64, DISK_MEMBER(bytes_per_s), NULL, NULL, WRONG_NUMBER},
    {"burst-bytes", PROP_U64, DISK_MEMBER(burst_bytes), NULL, NULL, WRONG_NUMBER},
};

const size_t vm_fdt_prop_count = ARRAY_SIZE(vm_fdt_props);
const size_t vm_fdt_nic_prop_count = ARRAY_SIZE(vm_fdt_nic_props);
const size_t vm_fdt_disk_prop_count = ARRAY_SIZE(vm_fdt_disk_props);

static bool read_number(const void *dtb, int node, const struct prop *prop, void *place)
{
    u64 value;
    u32 value32;

    if (!dtb_number(dtb, node, prop->name, &value) ||
        (prop->type == PROP_U32 && value > UINT32_MAX))
        return false;
    value32 = (u32)value;
    memcpy(place, prop->type == PROP_U32 ? (const void *)&value32 : &value, prop->size);
    return true;
}

/* The place of the text in the list, or -1. */
static int word_index(const char *const *words, const char *text)
{
    for (int i = 0; text && words[i]; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

static bool read_word(const void *dtb, int node, const struct prop *prop, void *place)
{
    int value = word_index(prop->words, dtb_string(dtb, node, prop->name));

    if (value < 0)
        return false;
    memcpy(place, &value, prop->size);
    return true;
}

static bool read_string(const void *dtb, int node, const struct prop *prop, char *place)
{
    const char *text = dtb_string(dtb, node, prop->name);

    return text && str_copy(place, prop->size, text);
}

static bool read_tags(const void *dtb, int node, const struct prop *prop, struct vm_config *cfg)
{
    int count = fdt_stringlist_count(dtb, node, prop->name);

    if (count < 0 || count > VM_TAGS_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        const char *tag = fdt_stringlist_get(dtb, node, prop->name, i, NULL);

        if (!tag || !str_copy(cfg->tags[i], sizeof(cfg->tags[i]), tag))
            return false;
    }
    cfg->tag_count = (u32)count;
    return true;
}

static bool read_pins(const void *dtb, int node, const struct prop *prop, struct cpu_mask *pins)
{
    int len = 0;
    const fdt32_t *cells = fdt_getprop(dtb, node, prop->name, &len);

    if (!cells || len == 0 || len % (int)sizeof(*cells) != 0)
        return false;
    for (size_t i = 0; i < (size_t)len / sizeof(*cells); i++) {
        u32 cpu = fdt32_ld(&cells[i]);

        if (cpu >= PCPUS_MAX)
            return false;
        cpu_mask_add(pins, cpu);
    }
    return true;
}

static bool read_flag(const void *dtb, int node, const struct prop *prop, bool *place)
{
    int len = 0;

    *place = fdt_getprop(dtb, node, prop->name, &len) && len == 0;
    return *place;
}

static bool read_unflag(const void *dtb, int node, const struct prop *prop, bool *place)
{
    bool is_set = read_flag(dtb, node, prop, &is_set);

    *place = !is_set;
    return is_set;
}

static bool read_mac(const void *dtb, int node, const struct prop *prop, u8 *place)
{
    const char *text = dtb_string(dtb, node, prop->name);

    return text && vm_mac_parse(text, place);
}

static bool read_uuid(const void *dtb, int node, const struct prop *prop, u8 *place)
{
    const char *text = dtb_string(dtb, node, prop->name);

    return text && vmm_uuid_parse(text, place) == 0;
}

/* out: the struct that the property's place is in. Return: false if the value does not fit. */
static bool read_prop(const void *dtb, int node, const struct prop *prop, void *out)
{
    void *place = (char *)out + prop->offset;

    switch (prop->type) {
    case PROP_STRING:
        return read_string(dtb, node, prop, place);
    case PROP_U32:
    case PROP_U64:
        return read_number(dtb, node, prop, place);
    case PROP_WORD:
        return read_word(dtb, node, prop, place);
    case PROP_FLAG:
        return read_flag(dtb, node, prop, place);
    case PROP_UNFLAG:
        return read_unflag(dtb, node, prop, place);
    case PROP_MAC:
        return read_mac(dtb, node, prop, place);
    case PROP_UUID:
        return read_uuid(dtb, node, prop, place);
    case PROP_PINS:
        return read_pins(dtb, node, prop, place);
    case PROP_TAGS:
        break;
    }
    return read_tags(dtb, node, prop, out);
}

/* Return: 0; -EINVAL if a value does not fit: all such are told. */
static int read_props(const void *dtb, int node, const char *path, const struct prop *props,
                      size_t count, void *out, const struct dtb_report *report)
{
    int rc = 0;

    for (size_t i = 0; i < count; i++) {
        if (!dtb_has(dtb, node, props[i].name) || read_prop(dtb, node, &props[i], out))
            continue;
        dtb_tell(report, path, props[i].name, props[i].wrong);
        rc = -EINVAL;
    }
    return rc;
}

static bool has_prop(const struct prop *props, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(props[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool vm_knows(const char *name, bool is_node)
{
    if (is_node)
        return strcmp(name, VM_FDT_NICS) == 0 || strcmp(name, VM_FDT_DISKS) == 0;
    return has_prop(vm_fdt_props, vm_fdt_prop_count, name) || cloud_init_fdt_knows(name);
}

static bool nic_knows(const char *name, bool is_node)
{
    return !is_node && has_prop(vm_fdt_nic_props, vm_fdt_nic_prop_count, name);
}

static bool disk_knows(const char *name, bool is_node)
{
    return !is_node && has_prop(vm_fdt_disk_props, vm_fdt_disk_prop_count, name);
}

/* A list of a VM's parts: the children of a node, in their order. */
struct part_list {
    const char *node;
    const struct prop *props;
    size_t prop_count;
    bool (*knows)(const char *name, bool is_node);
    char *items;          /* the id is the first member of each */
    size_t size, id_size; /* of one */
    u32 *count;
    u32 max;
    const void *defaults; /* of one */
    const char *too_many, *bad_name;
};

static int read_list(const void *dtb, int vm, const char *path, const struct part_list *list,
                     const struct dtb_report *report)
{
    int parent = fdt_subnode_offset(dtb, vm, list->node);
    char where[PATH_BYTES];
    int node;
    int rc = 0;

    if (parent < 0)
        return 0;
    fdt_for_each_subnode(node, dtb, parent)
    {
        const char *name = fdt_get_name(dtb, node, NULL);
        char *item = list->items + *list->count * list->size;

        if (*list->count == list->max) {
            dtb_tell(report, path, list->node, list->too_many);
            return -EINVAL;
        }
        ++*list->count;
        memcpy(item, list->defaults, list->size);
        ksnprintf(where, sizeof(where), "%s/%s/%s", path, list->node, name ? name : "");
        if (!name || !str_copy(item, list->id_size, name)) {
            dtb_tell(report, where, NULL, list->bad_name);
            rc = -EINVAL;
        }
        if (read_props(dtb, node, where, list->props, list->prop_count, item, report))
            rc = -EINVAL;
        dtb_tell_unknown(dtb, node, where, list->knows, report);
    }
    return rc;
}

_Static_assert(offsetof(struct vm_nic, id) == 0 && offsetof(struct vm_disk, id) == 0,
               "read_list puts the name there");

static int read_nics(const void *dtb, int node, const char *path, struct vm_config *cfg,
                     const struct dtb_report *report)
{
    struct vm_nic defaults;

    vm_nic_default(&defaults);
    return read_list(dtb, node, path,
                     &(struct part_list){
                         .node = VM_FDT_NICS,
                         .props = vm_fdt_nic_props,
                         .prop_count = vm_fdt_nic_prop_count,
                         .knows = nic_knows,
                         .items = (char *)cfg->nics,
                         .size = sizeof(defaults),
                         .id_size = sizeof(defaults.id),
                         .count = &cfg->nic_count,
                         .max = VM_NICS_MAX,
                         .defaults = &defaults,
                         .too_many = "a VM has at most 8 network cards",
                         .bad_name = "its name is no card's: at most 31 bytes",
                     },
                     report);
}

static int read_disks(const void *dtb, int node, const char *path, struct vm_config *cfg,
                      const struct dtb_report *report)
{
    struct vm_disk defaults;

    vm_disk_default(&defaults);
    return read_list(dtb, node, path,
                     &(struct part_list){
                         .node = VM_FDT_DISKS,
                         .props = vm_fdt_disk_props,
                         .prop_count = vm_fdt_disk_prop_count,
                         .knows = disk_knows,
                         .items = (char *)cfg->disks,
                         .size = sizeof(defaults),
                         .id_size = sizeof(defaults.id),
                         .count = &cfg->disk_count,
                         .max = VM_DISKS_MAX,
                         .defaults = &defaults,
                         .too_many = "a VM has at most 8 disks",
                         .bad_name = "its name is no disk's: at most 31 bytes",
                     },
                     report);
}

int vm_fdt_read(const void *dtb, int node, const char *path, struct vm_config *out,
                const struct dtb_report *report)
{
    const char *name = fdt_get_name(dtb, node, NULL);
    int rc = 0;

    vm_config_default(out);
    if (!name || !vm_name_is_valid(name) || !str_copy(out->name, sizeof(out->name), name)) {
        dtb_tell(report, path, NULL,
                 "its name is no VM's: 1 to 63 of a-z, 0-9 and '-', not '-' first");
        rc = -EINVAL;
    }
    if (read_props(dtb, node, path, vm_fdt_props, vm_fdt_prop_count, out, report))
        rc = -EINVAL;
    if (read_nics(dtb, node, path, out, report))
        rc = -EINVAL;
    if (read_disks(dtb, node, path, out, report))
        rc = -EINVAL;
    if (out->start_delay_ms > VM_START_DELAY_MAX_MS) {
        dtb_tell(report, path, "start-delay-ms", "it is more than an hour");
        rc = -EINVAL;
    }
    dtb_tell_unknown(dtb, node, path, vm_knows, report);
    return rc ? rc : cloud_init_fdt_read(dtb, node, path, out, report);
}

const char *vm_fdt_property(const char *pointer)
{
    for (size_t i = 0; pointer && i < vm_fdt_prop_count; i++) {
        if (vm_fdt_props[i].pointer && strcmp(vm_fdt_props[i].pointer, pointer) == 0)
            return vm_fdt_props[i].name;
    }
    if (pointer && strcmp(pointer, "/nics") == 0)
        return VM_FDT_NICS;
    if (pointer && strcmp(pointer, "/disks") == 0)
        return VM_FDT_DISKS;
    if (pointer && strcmp(pointer, "/cloud_init") == 0)
        return "user-data";
    return NULL;
}

static bool image_knows(const char *name, bool is_node)
{
    return !is_node &&
           (strcmp(name, "file") == 0 || strcmp(name, "kind") == 0 || strcmp(name, "sha256") == 0);
}

int image_fdt_read(const void *dtb, int node, const char *path, struct image_fdt *out,
                   const struct dtb_report *report)
{
    int rc = 0;

    *out = (struct image_fdt){.kind = IMAGE_RAW};
    if (dtb_has(dtb, node, "kind")) {
        int kind = word_index(kinds, dtb_string(dtb, node, "kind"));

        out->kind = kind < 0 ? IMAGE_RAW : (enum image_kind)kind;
        if (kind < 0) {
            dtb_tell(report, path, "kind", "it is none of raw, iso, kernel, initrd");
            rc = -EINVAL;
        } else if (out->kind == IMAGE_QCOW2) {
            dtb_tell(report, path, "kind",
                     "a qcow2 file has to be uploaded, or made raw by qemu-img convert -O raw");
            rc = -EINVAL;
        }
    }
    if (dtb_has(dtb, node, "sha256")) {
        out->has_sha256 = dtb_sha256(dtb, node, "sha256", out->sha256);
        if (!out->has_sha256) {
            dtb_tell(report, path, "sha256", "it is no text of 64 digits 0-9 and a-f");
            rc = -EINVAL;
        }
    }
    dtb_tell_unknown(dtb, node, path, image_knows, report);
    return rc;
}
