/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes: listed, made, made larger, deleted. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/volumes.h"
#include "drivers/block/volume_ram.h"
#include "mgmt/api.h"
#include "mgmt/api_members.h"

#define VOLUME_TEXT_MAX 4096u /* with a few VMs it is attached to */
#define USERS_MAX       32u   /* of them, named */

static void write_users(struct json_writer *w, const struct volume *volume)
{
    static struct vmm_info vm; /* large; one thread */
    u32 id, left = USERS_MAX;
    char name[VM_NAME_MAX + 1] = "";

    json_key(w, "attached_to");
    json_array_begin(w);
    while (left > 0 && vmm_next(name, &id) && vmm_get(id, &vm) == 0) {
        (void)str_copy(name, sizeof(name), vm.cfg.name);
        if (!vmm_uses_volume(id, volume))
            continue;
        json_string(w, name);
        left--;
    }
    json_array_end(w);
}

static void write_volume(struct json_writer *w, struct volume *volume)
{
    const char *parent = volumes_parent(volume);
    struct volume_spec spec;

    volumes_get_spec(volume, &spec);
    json_object_begin(w);
    json_put_string(w, "name", spec.name);
    if (spec.disk[0]) {
        json_put_string(w, "disk", spec.disk);
        json_put_u64(w, "partition", spec.partition);
        json_put_bool(w, "boot_disk", spec.allow_boot);
    } else {
        json_put_string(w, "pool", spec.pool);
    }
    json_put_u64(w, "size_bytes", spec.size_bytes);
    json_put_u64(w, "used_bytes", volume->ops->used_bytes(volume));
    json_put_u64(w, "block_bytes", volume->block_bytes);
    json_key(w, "parent");
    if (parent)
        json_string(w, parent);
    else
        json_null(w);
    json_put_bool(w, "read_only", volume->is_read_only);
    json_put_bool(w, "persistent", !volume_is_ram(volume));
    write_users(w, volume);
    json_object_end(w);
}

void api_volumes_get(struct req *req)
{
    struct volume *volume = NULL;
    struct json_writer *w = reply_json(req, 200);
    const char *after = query_get(req, "after");
    char name[VOLUME_NAME_MAX + 1] = "";

    if (after)
        (void)str_copy(name, sizeof(name), after);
    json_object_begin(w);
    json_key(w, "items");
    json_array_begin(w);
    while ((volume = volumes_next(volume)) != NULL && w->size - w->len > VOLUME_TEXT_MAX) {
        if (strcmp(volume->name, name) > 0)
            write_volume(w, volume);
    }
    json_array_end(w);
    json_object_end(w);
}

struct volume *api_find_volume(struct req *req)
{
    struct volume *volume = volumes_find(req->match.params[0]);

    if (!volume)
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "volume",
                                         .name = req->match.params[0],
                                         .detail = "There is no volume of that name.",
                                         .hint = "GET /api/v1/volumes lists those there are."});
    return volume;
}

void api_volume_get(struct req *req)
{
    struct volume *volume = api_find_volume(req);

    if (volume)
        write_volume(reply_json(req, 200), volume);
}

/* -- making
 * -------------------------------------------------------------------------------------------------------
 */

static int read_from(struct req *req, const struct json_doc *doc, const struct json_node *node,
                     struct volume_spec *spec)
{
    const struct json_node *key = node->type == JSON_OBJECT ? json_first(doc, node) : NULL;

    if (!key || json_next(doc, key))
        return api_bad_member(req, node, "bad_value",
                              "This value must say what the volume holds at first.",
                              "Use {\"image\": \"name\"}, {\"volume\": …} or {\"snapshot\": …}.");
    if (json_key_is(doc, key, "image"))
        return api_read_text(req, doc, json_first(doc, key), spec->image, sizeof(spec->image));
    if (json_key_is(doc, key, "volume"))
        return api_read_text(req, doc, json_first(doc, key), spec->volume, sizeof(spec->volume));
    if (json_key_is(doc, key, "snapshot"))
        return api_read_text(req, doc, json_first(doc, key), spec->snapshot,
                             sizeof(spec->snapshot));
    return api_unknown_member(req, key);
}

static int read_member(struct req *req, const struct json_doc *doc, const struct json_node *key,
                       struct volume_spec *spec)
{
    static const char *const reported[] = {"name",   "used_bytes", "block_bytes",
                                           "parent", "persistent", "attached_to"};
    const struct json_node *value = json_first(doc, key);
    u64 number = 0;
    int rc;

    for (u32 i = 0; i < ARRAY_SIZE(reported); i++) {
        if (json_key_is(doc, key, reported[i]))
            return 0; /* what GET gave can be PUT back */
    }
    if (json_key_is(doc, key, "pool"))
        return api_read_text(req, doc, value, spec->pool, sizeof(spec->pool));
    if (json_key_is(doc, key, "size_bytes"))
        return api_read_number(req, doc, value, UINT64_MAX, &spec->size_bytes);
    if (json_key_is(doc, key, "from"))
        return read_from(req, doc, value, spec);
    if (json_key_is(doc, key, "disk"))
        return api_read_text(req, doc, value, spec->disk, sizeof(spec->disk));
    if (json_key_is(doc, key, "boot_disk"))
        return api_read_flag(req, doc, value, &spec->allow_boot);
    if (json_key_is(doc, key, "read_only"))
        return api_read_flag(req, doc, value, &spec->is_read_only);
    if (!json_key_is(doc, key, "partition"))
        return api_unknown_member(req, key);
    rc = api_read_number(req, doc, value, UINT32_MAX, &number);
    spec->partition = (u32)number;
    return rc;
}

/* Return: 0, or -EINVAL after answering. */
static int read_spec(struct req *req, struct volume_spec *spec)
{
    const struct json_doc *doc = api_json_body(req);
    const struct json_node *root = doc ? json_root(doc) : NULL;

    *spec = (struct volume_spec){0};
    if (!doc)
        return -EINVAL;
    if (root->type != JSON_OBJECT)
        return api_bad_member(req, root, "bad_value", "This value must be an object.",
                              "Use {\"size_bytes\": 1073741824}.");
    for (const struct json_node *key = json_first(doc, root); key; key = json_next(doc, key)) {
        if (read_member(req, doc, key, spec))
            return -EINVAL;
    }
    if (!str_copy(spec->name, sizeof(spec->name), req->match.params[0]))
        spec->name[0] = '\0'; /* refused as a name */
    return 0;
}

static void answer_error(struct req *req, const struct vmm_error *err)
{
    api_error(req, &(struct problem){.slug = err->slug,
                                     .pointer = err->pointer,
                                     .detail = err->text,
                                     .hint = err->hint});
}

/* The same again changes nothing and is no error. */
void api_volume_put(struct req *req)
{
    struct volume_spec spec;
    struct volume *volume;
    struct vmm_error err;
    int rc;

    if (read_spec(req, &spec))
        return;
    rc = volumes_create(&spec, &volume, &err);
    if (rc == 0)
        write_volume(reply_json(req, 201), volume);
    else if (rc == -EEXIST && volume && volumes_is_same(volume, &spec))
        write_volume(reply_json(req, 200), volume);
    else
        answer_error(req, &err);
}

void api_volume_patch(struct req *req)
{
    struct volume *volume = api_find_volume(req);
    const struct json_doc *doc = volume ? api_json_body(req) : NULL;
    const struct json_node *root = doc ? json_root(doc) : NULL;
    const struct json_node *key = doc && root->type == JSON_OBJECT ? json_first(doc, root) : NULL;
    struct vmm_error err;
    u64 size;

    if (!doc)
        return;
    if (!key || json_next(doc, key)) {
        (void)api_bad_member(req, root, "bad_value",
                             "This value must say how large the volume is to be.",
                             "Use {\"size_bytes\": 2147483648}.");
        return;
    }
    if (!json_key_is(doc, key, "size_bytes")) {
        (void)api_unknown_member(req, key);
        return;
    }
    if (api_read_number(req, doc, json_first(doc, key), UINT64_MAX, &size))
        return;
    if (volumes_grow(volume, size, &err))
        answer_error(req, &err);
    else
        write_volume(reply_json(req, 200), volume);
}

void api_volume_delete(struct req *req)
{
    struct volume *volume = api_find_volume(req);
    struct vmm_error err;

    if (!volume)
        return;
    if (volumes_delete(volume, &err))
        answer_error(req, &err);
    else
        reply_empty(req, 204);
}
