/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VM definitions from JSON; vm_json_write.c is the other way.
 *
 * Reading is driven by tables, one row per member: name, type, place in struct vm_config. Ranges
 * are checked by core/vmm; here only types and lengths.
 */
#include "mgmt/api/vm_json.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/cloud_init_json.h"

enum field_type {
    FIELD_STRING,
    FIELD_U32,
    FIELD_U64,
    FIELD_BOOL,
    FIELD_ENUM, /* `allowed` lists the words, in the order of the values */
    FIELD_OBJECT,
    FIELD_UUID,
    FIELD_TAGS,
    FIELD_PINS,
    FIELD_SERIAL,
    FIELD_SERIAL_ID,
    FIELD_NICS,
    FIELD_DISKS,
    FIELD_MAC,
    FIELD_CLOUD_INIT,
    FIELD_REPORTED, /* in replies only */
};

struct field {
    const char *name;
    enum field_type type;
    u32 offset;
    u32 size;
    const struct field *members; /* FIELD_OBJECT: ends with an unnamed row */
    const char *allowed;
};

#define MEMBER(m) offsetof(struct vm_config, m), sizeof(((struct vm_config *)0)->m)

static const struct field cpu_fields[] = {
    {"count", FIELD_U32, MEMBER(cpu_count), NULL, NULL},
    {"weight", FIELD_U32, MEMBER(cpu_weight), NULL, NULL},
    {"limit_millicpu", FIELD_U32, MEMBER(cpu_limit_millicpu), NULL, NULL},
    {"pins", FIELD_PINS, MEMBER(pins), NULL, NULL},
    {"realtime", FIELD_BOOL, MEMBER(cpu_realtime), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field balloon_fields[] = {
    {"target_bytes", FIELD_U64, MEMBER(balloon_target_bytes), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field memory_fields[] = {
    {"size_bytes", FIELD_U64, MEMBER(memory_bytes), NULL, NULL},
    {"balloon", FIELD_OBJECT, 0, 0, balloon_fields, NULL},
    {"resident_bytes", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"large_page_bytes", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"page_table_bytes", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"overhead_bytes", FIELD_REPORTED, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field autostart_fields[] = {
    {"enabled", FIELD_BOOL, MEMBER(autostart), NULL, NULL},
    {"order", FIELD_U32, MEMBER(start_order), NULL, NULL},
    {"delay_ms", FIELD_U32, MEMBER(start_delay_ms), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field boot_fields[] = {
    {"firmware", FIELD_ENUM, MEMBER(firmware), NULL, "direct, pvh"},
    {"kernel", FIELD_STRING, MEMBER(kernel), NULL, NULL},
    {"initrd", FIELD_STRING, MEMBER(initrd), NULL, NULL},
    {"cmdline", FIELD_STRING, MEMBER(cmdline), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field serial_fields[] = {
    {"id", FIELD_SERIAL_ID, 0, 0, NULL, "0"},
    {"log_bytes", FIELD_U32, MEMBER(serial_log_bytes), NULL, NULL},
    {"host_log", FIELD_BOOL, MEMBER(console_log), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field virtio_console_fields[] = {
    {"enabled", FIELD_BOOL, MEMBER(has_virtio_console), NULL, NULL},
    {"log_bytes", FIELD_U32, MEMBER(virtio_log_bytes), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

#define NIC_MEMBER(m) offsetof(struct vm_nic, m), sizeof(((struct vm_nic *)0)->m)

static const struct field limit_fields[] = {
    {"ops_per_s", FIELD_U64, NIC_MEMBER(ops_per_s), NULL, NULL},
    {"bytes_per_s", FIELD_U64, NIC_MEMBER(bytes_per_s), NULL, NULL},
    {"burst_bytes", FIELD_U64, NIC_MEMBER(burst_bytes), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field nic_fields[] = {
    {"id", FIELD_STRING, NIC_MEMBER(id), NULL, NULL},
    {"network", FIELD_STRING, NIC_MEMBER(network), NULL, NULL},
    {"model", FIELD_ENUM, NIC_MEMBER(model), NULL, "virtio"},
    {"mac", FIELD_MAC, NIC_MEMBER(mac), NULL, NULL},
    {"limits", FIELD_OBJECT, 0, 0, limit_fields, NULL},
    {"isolated", FIELD_BOOL, NIC_MEMBER(is_isolated), NULL, NULL},
    {"check_mac", FIELD_BOOL, NIC_MEMBER(checks_mac), NULL, NULL},
    {"ip_seen", FIELD_REPORTED, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

#define DISK_MEMBER(m) offsetof(struct vm_disk, m), sizeof(((struct vm_disk *)0)->m)

static const struct field disk_limit_fields[] = {
    {"ops_per_s", FIELD_U64, DISK_MEMBER(ops_per_s), NULL, NULL},
    {"bytes_per_s", FIELD_U64, DISK_MEMBER(bytes_per_s), NULL, NULL},
    {"burst_bytes", FIELD_U64, DISK_MEMBER(burst_bytes), NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field disk_fields[] = {
    {"id", FIELD_STRING, DISK_MEMBER(id), NULL, NULL},
    {"volume", FIELD_STRING, DISK_MEMBER(volume), NULL, NULL},
    {"image", FIELD_STRING, DISK_MEMBER(image), NULL, NULL},
    {"bus", FIELD_ENUM, DISK_MEMBER(bus), NULL, "virtio"},
    {"read_only", FIELD_BOOL, DISK_MEMBER(is_read_only), NULL, NULL},
    {"discard", FIELD_BOOL, DISK_MEMBER(can_discard), NULL, NULL},
    {"serial", FIELD_STRING, DISK_MEMBER(serial), NULL, NULL},
    {"limits", FIELD_OBJECT, 0, 0, disk_limit_fields, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct field vm_fields[] = {
    {"name", FIELD_STRING, MEMBER(name), NULL, NULL},
    {"uuid", FIELD_UUID, MEMBER(uuid), NULL, NULL},
    {"description", FIELD_STRING, MEMBER(description), NULL, NULL},
    {"tags", FIELD_TAGS, MEMBER(tags), NULL, NULL},
    {"on_crash", FIELD_ENUM, MEMBER(on_crash), NULL, "stop, restart"},
    {"autostart", FIELD_OBJECT, 0, 0, autostart_fields, NULL},
    {"cpu", FIELD_OBJECT, 0, 0, cpu_fields, NULL},
    {"memory", FIELD_OBJECT, 0, 0, memory_fields, NULL},
    {"boot", FIELD_OBJECT, 0, 0, boot_fields, NULL},
    {"serial", FIELD_SERIAL, 0, 0, serial_fields, NULL},
    {"virtio_console", FIELD_OBJECT, 0, 0, virtio_console_fields, NULL},
    {"nics", FIELD_NICS, MEMBER(nics), NULL, NULL},
    {"disks", FIELD_DISKS, MEMBER(disks), NULL, NULL},
    {"cloud_init", FIELD_CLOUD_INIT, 0, 0, NULL, NULL},
    {"state", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"persistent", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"reason", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"created_at", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"uptime_ns", FIELD_REPORTED, 0, 0, NULL, NULL},
    {"missing", FIELD_REPORTED, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

struct reader {
    const struct json_doc *doc;
    struct vm_config *cfg;
    void *item; /* of a list, being read: its fields' places are in it; NULL: in cfg */
    const void *item_defaults;
    struct vm_json_error *err;
};

static void *place_of(const struct reader *r, const struct field *field)
{
    return (char *)(r->item ? r->item : (void *)r->cfg) + field->offset;
}

static void set_default(const struct reader *r, const void *defaults, const struct field *field)
{
    memcpy(place_of(r, field), (const char *)defaults + field->offset, field->size);
    if (field->type == FIELD_CLOUD_INIT)
        vm_config_fini(r->cfg);
    if (field->type == FIELD_TAGS)
        r->cfg->tag_count = 0;
    if (field->type == FIELD_NICS)
        r->cfg->nic_count = 0;
    if (field->type == FIELD_DISKS)
        r->cfg->disk_count = 0;
    for (const struct field *member = field->members; member && member->name; member++)
        set_default(r, defaults, member);
}

/* Removes a member: objects, with all theirs. */
static int read_null(struct reader *r, const struct field *field)
{
    static struct vm_config defaults; /* large; one thread reads */

    vm_config_default(&defaults);
    set_default(r, r->item ? r->item_defaults : (const void *)&defaults, field);
    return 0;
}

int vm_json_refuse(const struct json_doc *doc, const struct json_node *node, const char *slug,
                   const char *detail, const char *hint, struct vm_json_error *err)
{
    *err = (struct vm_json_error){.slug = slug, .detail = detail, .hint = hint};
    json_pointer(doc, node, err->pointer, sizeof(err->pointer));
    json_excerpt(doc, node, err->got, sizeof(err->got));
    return -EINVAL;
}

static int refuse(struct reader *r, const struct json_node *node, const char *slug,
                  const char *detail, const char *hint, const char *allowed)
{
    (void)vm_json_refuse(r->doc, node, slug, detail, hint, r->err);
    r->err->allowed = allowed;
    return -EINVAL;
}

static int bad_value(struct reader *r, const struct json_node *node, const char *detail,
                     const char *hint)
{
    return refuse(r, node, "bad_value", detail, hint, NULL);
}

static int read_string(struct reader *r, const struct json_node *node, char *dst, size_t size)
{
    int rc;

    memset(dst, 0, size); /* equal definitions are equal bytes */
    rc = json_get_string(r->doc, node, dst, size);
    if (rc == -ERANGE)
        return bad_value(r, node, "This text is too long.", "Shorten it.");
    if (rc)
        return bad_value(r, node, "This value must be a string.", "Put it in double quotes.");
    return 0;
}

static int read_number(struct reader *r, const struct json_node *node, void *dst, u32 size)
{
    u64 value;
    u32 value32;

    if (json_get_u64(r->doc, node, &value) || (size == sizeof(u32) && value > UINT32_MAX))
        return bad_value(r, node, "This value must be a whole number, not negative.",
                         "Use digits only; units are part of the field's name.");
    value32 = (u32)value;
    memcpy(dst, size == sizeof(u32) ? (const void *)&value32 : &value, size);
    return 0;
}

static int read_bool(struct reader *r, const struct json_node *node, bool *dst)
{
    if (json_get_bool(r->doc, node, dst))
        return bad_value(r, node, "This value must be true or false.", "Leave out the quotes.");
    return 0;
}

static int read_enum(struct reader *r, const struct json_node *node, const struct field *field)
{
    const char *word = field->allowed;
    char text[32];
    u32 value = 0;

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0) {
        for (; *word; value++) {
            size_t len = 0;

            while (word[len] && word[len] != ',')
                len++;
            if (strlen(text) == len && memcmp(text, word, len) == 0) {
                memcpy(place_of(r, field), &value, field->size);
                return 0;
            }
            word += len;
            while (*word == ',' || *word == ' ')
                word++;
        }
    }
    return refuse(r, node, "bad_value", "This value is not one of those allowed.",
                  "Use one of those allowed.", field->allowed);
}

static int read_uuid(struct reader *r, const struct json_node *node)
{
    char text[37];

    if (json_get_string(r->doc, node, text, sizeof(text)) || vmm_uuid_parse(text, r->cfg->uuid))
        return bad_value(r, node, "This is not a UUID.",
                         "Write it as 8-4-4-4-12 hexadecimal digits, or leave it out.");
    return 0;
}

static int read_tags(struct reader *r, const struct json_node *node)
{
    if (node->type != JSON_ARRAY)
        return bad_value(r, node, "This value must be an array of strings.", "Use [\"a\", \"b\"].");
    r->cfg->tag_count = 0;
    memset(r->cfg->tags, 0, sizeof(r->cfg->tags));
    for (const struct json_node *tag = json_first(r->doc, node); tag;
         tag = json_next(r->doc, tag)) {
        if (r->cfg->tag_count == VM_TAGS_MAX)
            return bad_value(r, tag, "There are too many tags.", "Use at most 8.");
        if (read_string(r, tag, r->cfg->tags[r->cfg->tag_count], VM_TAG_MAX + 1))
            return -EINVAL;
        r->cfg->tag_count++;
    }
    return 0;
}

static int read_pins(struct reader *r, const struct json_node *node)
{
    u64 cpu;

    if (node->type != JSON_ARRAY)
        return bad_value(r, node, "This value must be an array of CPU numbers.", "Use [1, 2].");
    r->cfg->pins = (struct cpu_mask){{0}};
    for (const struct json_node *pin = json_first(r->doc, node); pin;
         pin = json_next(r->doc, pin)) {
        if (json_get_u64(r->doc, pin, &cpu) || cpu >= PCPUS_MAX)
            return bad_value(r, pin, "This is no number of a CPU.",
                             "GET /api/v1/host says how many there are; the first is 0.");
        cpu_mask_add(&r->cfg->pins, (u32)cpu);
    }
    return 0;
}

static int read_object(struct reader *r, const struct json_node *node, const struct field *fields);

/* At most one port, number 0: that is all the board has. */
static int read_serial(struct reader *r, const struct json_node *node, const struct field *field)
{
    const struct json_node *port = node->type == JSON_ARRAY ? json_first(r->doc, node) : NULL;

    if (node->type != JSON_ARRAY || (port && json_next(r->doc, port)))
        return bad_value(r, node, "This value must be an array with one serial port.",
                         "Use [{\"id\": 0}].");
    (void)read_null(r, field); /* arrays are replaced, not merged */
    return port ? read_object(r, port, field->members) : 0;
}

static int read_serial_id(struct reader *r, const struct json_node *node)
{
    u64 id;

    if (json_get_u64(r->doc, node, &id) || id != 0)
        return refuse(r, node, "bad_value", "There is no serial port of that number.",
                      "Use port 0.", "0");
    return 0;
}

/* A list of objects of one kind. */
struct item_list {
    void *items;
    u32 *count;
    size_t size; /* of one */
    u32 max;
    const struct field *fields;
    const void *defaults; /* of one */
    const char *no_array, *example, *too_many;
};

/* Replaced as a whole, as merge patches do with arrays. */
static int read_list(struct reader *r, const struct json_node *node, const struct item_list *list)
{
    struct reader one = *r;
    int rc = 0;

    if (node->type != JSON_ARRAY)
        return bad_value(r, node, list->no_array, list->example);
    *list->count = 0;
    memset(list->items, 0, list->size * list->max);
    one.item_defaults = list->defaults;
    for (const struct json_node *item = json_first(r->doc, node); item && rc == 0;
         item = json_next(r->doc, item)) {
        if (*list->count == list->max)
            return bad_value(r, item, list->too_many, "Use at most 8.");
        one.item = (char *)list->items + list->size * (*list->count)++;
        memcpy(one.item, list->defaults, list->size);
        rc = read_object(&one, item, list->fields);
    }
    return rc;
}

static int read_nics(struct reader *r, const struct json_node *node)
{
    struct vm_nic defaults;

    vm_nic_default(&defaults);
    return read_list(r, node,
                     &(struct item_list){
                         .items = r->cfg->nics,
                         .count = &r->cfg->nic_count,
                         .size = sizeof(defaults),
                         .max = VM_NICS_MAX,
                         .fields = nic_fields,
                         .defaults = &defaults,
                         .no_array = "This value must be an array of network cards.",
                         .example = "Use [{\"id\": \"net0\"}].",
                         .too_many = "There are too many network cards.",
                     });
}

static int read_disks(struct reader *r, const struct json_node *node)
{
    struct vm_disk defaults;

    vm_disk_default(&defaults);
    return read_list(r, node,
                     &(struct item_list){
                         .items = r->cfg->disks,
                         .count = &r->cfg->disk_count,
                         .size = sizeof(defaults),
                         .max = VM_DISKS_MAX,
                         .fields = disk_fields,
                         .defaults = &defaults,
                         .no_array = "This value must be an array of disks.",
                         .example = "Use [{\"id\": \"root\", \"volume\": \"v1\"}].",
                         .too_many = "There are too many disks.",
                     });
}

static int read_mac(struct reader *r, const struct json_node *node, u8 *mac)
{
    char text[18];

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 && vm_mac_parse(text, mac))
        return 0;
    return bad_value(r, node, "This is no MAC address.",
                     "Write it as 02:00:00:12:34:56, or leave it out.");
}

static int read_field(struct reader *r, const struct json_node *node, const struct field *field)
{
    void *place = place_of(r, field);

    if (node->type == JSON_NULL)
        return read_null(r, field);
    switch (field->type) {
    case FIELD_STRING:
        return read_string(r, node, place, field->size);
    case FIELD_U32:
    case FIELD_U64:
        return read_number(r, node, place, field->size);
    case FIELD_BOOL:
        return read_bool(r, node, place);
    case FIELD_ENUM:
        return read_enum(r, node, field);
    case FIELD_OBJECT:
        return read_object(r, node, field->members);
    case FIELD_UUID:
        return read_uuid(r, node);
    case FIELD_TAGS:
        return read_tags(r, node);
    case FIELD_PINS:
        return read_pins(r, node);
    case FIELD_SERIAL:
        return read_serial(r, node, field);
    case FIELD_SERIAL_ID:
        return read_serial_id(r, node);
    case FIELD_NICS:
        return read_nics(r, node);
    case FIELD_DISKS:
        return read_disks(r, node);
    case FIELD_MAC:
        return read_mac(r, node, place);
    case FIELD_CLOUD_INIT:
        return cloud_init_json_read(r->doc, node, &r->cfg->cloud_init, r->err);
    case FIELD_REPORTED:
        break;
    }
    return 0;
}

static int read_object(struct reader *r, const struct json_node *node, const struct field *fields)
{
    if (node->type != JSON_OBJECT)
        return bad_value(r, node, "This value must be an object.", "Put its members in braces.");
    for (const struct json_node *key = json_first(r->doc, node); key;
         key = json_next(r->doc, key)) {
        const struct field *field = fields;

        while (field->name && !json_key_is(r->doc, key, field->name))
            field++;
        if (!field->name)
            return refuse(r, key, "unknown_field", "There is no such field in this version.",
                          "Leave it out or correct its spelling.", NULL);
        if (read_field(r, json_first(r->doc, key), field))
            return -EINVAL;
    }
    return 0;
}

int vm_json_read(const struct json_doc *doc, struct vm_config *cfg, struct vm_json_error *err)
{
    struct reader r = {.doc = doc, .cfg = cfg, .err = err};

    return read_object(&r, json_root(doc), vm_fields);
}

int vm_json_read_disk(const struct json_doc *doc, struct vm_disk *disk, struct vm_json_error *err)
{
    struct vm_disk defaults;
    struct reader r = {.doc = doc, .item = disk, .item_defaults = &defaults, .err = err};

    vm_disk_default(&defaults);
    memcpy(disk, &defaults, sizeof(defaults)); /* equal definitions are equal bytes */
    return read_object(&r, json_root(doc), disk_fields);
}
