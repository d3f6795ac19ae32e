/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts come in, sizes go out. */
#include "mgmt/api/cloud_init_json.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

static const char *const size_names[] = {
    [CLOUD_USER_DATA] = "user_data_bytes",
    [CLOUD_META_DATA] = "meta_data_bytes",
    [CLOUD_NETWORK_CONFIG] = "network_config_bytes",
};

/* What the object has for each text, or NULL. Return: 0; -EINVAL. */
static int find_members(const struct json_doc *doc, const struct json_node *object,
                        const struct json_node **values, struct vm_json_error *err)
{
    if (object->type != JSON_OBJECT)
        return vm_json_refuse(doc, object, "bad_value", "This value must be an object.",
                              "Use {\"user_data\": \"#cloud-config\\n…\"}.", err);
    for (const struct json_node *key = json_first(doc, object); key; key = json_next(doc, key)) {
        u32 i = 0;

        while (i < CLOUD_INIT_PARTS && !json_key_is(doc, key, cloud_init_names[i]) &&
               !json_key_is(doc, key, size_names[i]))
            i++;
        if (i == CLOUD_INIT_PARTS)
            return vm_json_refuse(doc, key, "unknown_field",
                                  "There is no such field in this version.",
                                  "Use user_data, meta_data and network_config.", err);
        if (json_key_is(doc, key, cloud_init_names[i]))
            values[i] = json_first(doc, key);
    }
    return 0;
}

/* Room for what the text says at most, with an end. */
static u32 room_of(const struct json_node *value)
{
    if (value->type != JSON_STRING)
        return 1;
    return MIN(value->end - value->start, CLOUD_INIT_TEXT_MAX) + 1;
}

static int read_text(const struct json_doc *doc, const struct json_node *value,
                     struct cloud_init *cloud, enum cloud_init_part part, struct vm_json_error *err)
{
    char *text = cloud->text + cloud->at[part];
    int rc = 0;

    text[0] = '\0';
    if (value->type != JSON_NULL)
        rc = json_get_string(doc, value, text, cloud->bytes[part]);
    if (rc == -ERANGE)
        return vm_json_refuse(doc, value, "bad_value", "This text is too long.",
                              "Use at most 65536 bytes.", err);
    if (rc)
        return vm_json_refuse(doc, value, "bad_value",
                              "This value must be a string, without the character zero.",
                              "Put the file's text in double quotes.", err);
    cloud->bytes[part] = (u32)strlen(text);
    return 0;
}

static int fill(const struct json_doc *doc, const struct json_node *const *values,
                const struct cloud_init *old, struct cloud_init *cloud, struct vm_json_error *err)
{
    int rc = 0;

    for (enum cloud_init_part i = 0; rc == 0 && i < CLOUD_INIT_PARTS; i++) {
        u32 bytes;
        const char *text = cloud_init_text(old, i, &bytes);

        if (values[i])
            rc = read_text(doc, values[i], cloud, i, err);
        else
            memcpy(cloud->text + cloud->at[i], text, bytes);
    }
    return rc;
}

static bool is_empty(const struct cloud_init *cloud)
{
    return cloud->bytes[CLOUD_USER_DATA] + cloud->bytes[CLOUD_META_DATA] +
               cloud->bytes[CLOUD_NETWORK_CONFIG] ==
           0;
}

int cloud_init_json_read(const struct json_doc *doc, const struct json_node *object,
                         const struct cloud_init **cloud, struct vm_json_error *err)
{
    const struct json_node *values[CLOUD_INIT_PARTS] = {NULL};
    u32 room[CLOUD_INIT_PARTS];
    struct cloud_init *fresh;
    int rc = find_members(doc, object, values, err);

    if (rc)
        return rc;
    for (enum cloud_init_part i = 0; i < CLOUD_INIT_PARTS; i++) {
        (void)cloud_init_text(*cloud, i, &room[i]);
        if (values[i])
            room[i] = room_of(values[i]);
    }
    fresh = cloud_init_new(room);
    if (!fresh) {
        (void)vm_json_refuse(doc, object, "no_memory", "The hypervisor is out of memory.",
                             "Stop a VM or delete an image.", err);
        return -ENOMEM;
    }
    rc = fill(doc, values, *cloud, fresh, err);
    if (rc) {
        cloud_init_release(fresh);
        return rc;
    }
    if (is_empty(fresh)) {
        cloud_init_release(fresh);
        fresh = NULL;
    }
    cloud_init_release(*cloud);
    *cloud = fresh;
    return 0;
}

void cloud_init_json_write(struct json_writer *w, const struct cloud_init *cloud)
{
    json_key(w, "cloud_init");
    if (!cloud) {
        json_null(w);
        return;
    }
    json_object_begin(w);
    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++)
        json_put_u64(w, size_names[i], cloud->bytes[i]);
    json_object_end(w);
}
