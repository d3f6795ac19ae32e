/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes: listed, made, made larger, deleted; the data of those in RAM written and read. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/volumes.h"
#include "drivers/block/volume_ram.h"
#include "mgmt/api.h"

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
    struct volume_spec spec;

    volumes_get_spec(volume, &spec);
    json_object_begin(w);
    json_put_string(w, "name", spec.name);
    if (spec.disk[0]) {
        json_put_string(w, "disk", spec.disk);
        json_put_u64(w, "partition", spec.partition);
        json_put_bool(w, "boot_disk", spec.allow_boot);
    } else {
        json_put_string(w, "pool", "ram");
    }
    json_put_u64(w, "size_bytes", spec.size_bytes);
    json_put_u64(w, "used_bytes", volume->ops->used_bytes(volume));
    json_put_u64(w, "block_bytes", volume->block_bytes);
    json_key(w, "parent");
    if (spec.image[0])
        json_string(w, spec.image);
    else
        json_null(w);
    json_put_bool(w, "read_only", volume->is_read_only);
    json_put_bool(w, "persistent", spec.disk[0] != '\0');
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

/* Return: NULL after answering 404. */
static struct volume *find_volume(struct req *req)
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
    struct volume *volume = find_volume(req);

    if (volume)
        write_volume(reply_json(req, 200), volume);
}

/* -- making
 * -------------------------------------------------------------------------------------------------------
 */

/* Return: -EINVAL, after answering. */
static int bad(struct req *req, const struct json_node *node, const char *slug, const char *detail,
               const char *hint)
{
    char pointer[160];

    json_pointer(api_json_body(req), node, pointer, sizeof(pointer));
    api_error(req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

static int unknown(struct req *req, const struct json_node *key)
{
    return bad(req, key, "unknown_field", "There is no such field in this version.",
               "Leave it out or correct its spelling.");
}

static int read_text(struct req *req, const struct json_doc *doc, const struct json_node *node,
                     char *dst, size_t size)
{
    if (json_get_string(doc, node, dst, size) == 0)
        return 0;
    return bad(req, node, "bad_value", "This value must be a name.",
               "Put it in double quotes; it has 63 characters at most.");
}

static int read_number(struct req *req, const struct json_doc *doc, const struct json_node *node,
                       u64 max, u64 *out)
{
    if (json_get_u64(doc, node, out) == 0 && *out <= max)
        return 0;
    return bad(req, node, "bad_value", "This value must be a whole number in range.",
               "Use digits only; units are part of the field's name.");
}

static int read_from(struct req *req, const struct json_doc *doc, const struct json_node *node,
                     struct volume_spec *spec)
{
    const struct json_node *key = node->type == JSON_OBJECT ? json_first(doc, node) : NULL;

    if (!key || json_next(doc, key))
        return bad(req, node, "bad_value", "This value must say what the volume holds at first.",
                   "Use {\"image\": \"name\"}.");
    if (!json_key_is(doc, key, "image"))
        return unknown(req, key);
    return read_text(req, doc, json_first(doc, key), spec->image, sizeof(spec->image));
}

static int read_flag(struct req *req, const struct json_doc *doc, const struct json_node *node,
                     bool *out)
{
    if (json_get_bool(doc, node, out) == 0)
        return 0;
    return bad(req, node, "bad_value", "This value must be true or false.",
               "Leave out the quotes.");
}

/* Only what is in RAM has a pool that needs no format. */
static int read_pool(struct req *req, const struct json_doc *doc, const struct json_node *node)
{
    char pool[16] = "";

    if (json_get_string(doc, node, pool, sizeof(pool)) == 0 && strcmp(pool, "ram") == 0)
        return 0;
    return bad(req, node, "semantic", "There is no such pool.",
               "Use \"ram\", or name a disk and a partition instead.");
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
        return read_pool(req, doc, value);
    if (json_key_is(doc, key, "size_bytes"))
        return read_number(req, doc, value, UINT64_MAX, &spec->size_bytes);
    if (json_key_is(doc, key, "from"))
        return read_from(req, doc, value, spec);
    if (json_key_is(doc, key, "disk"))
        return read_text(req, doc, value, spec->disk, sizeof(spec->disk));
    if (json_key_is(doc, key, "boot_disk"))
        return read_flag(req, doc, value, &spec->allow_boot);
    if (json_key_is(doc, key, "read_only"))
        return read_flag(req, doc, value, &spec->is_read_only);
    if (!json_key_is(doc, key, "partition"))
        return unknown(req, key);
    rc = read_number(req, doc, value, UINT32_MAX, &number);
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
        return bad(req, root, "bad_value", "This value must be an object.",
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
    else if (rc == -EEXIST && volumes_is_same(volume, &spec))
        write_volume(reply_json(req, 200), volume);
    else
        answer_error(req, &err);
}

void api_volume_patch(struct req *req)
{
    struct volume *volume = find_volume(req);
    const struct json_doc *doc = volume ? api_json_body(req) : NULL;
    const struct json_node *root = doc ? json_root(doc) : NULL;
    const struct json_node *key = doc && root->type == JSON_OBJECT ? json_first(doc, root) : NULL;
    struct vmm_error err;
    u64 size;

    if (!doc)
        return;
    if (!key || json_next(doc, key)) {
        (void)bad(req, root, "bad_value", "This value must say how large the volume is to be.",
                  "Use {\"size_bytes\": 2147483648}.");
        return;
    }
    if (!json_key_is(doc, key, "size_bytes")) {
        (void)unknown(req, key);
        return;
    }
    if (read_number(req, doc, json_first(doc, key), UINT64_MAX, &size))
        return;
    if (volumes_grow(volume, size, &err))
        answer_error(req, &err);
    else
        write_volume(reply_json(req, 200), volume);
}

static void in_use(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "in_use",
                       .detail = "A running VM, or another request, uses this volume.",
                       .hint = "Power the VM off first; attached_to of the volume names it."});
}

void api_volume_delete(struct req *req)
{
    struct volume *volume = find_volume(req);

    if (!volume)
        return;
    if (volumes_delete(volume))
        in_use(req);
    else
        reply_empty(req, 204);
}

/* -- data
 * ---------------------------------------------------------------------------------------------------------
 */

/* The volume, opened. Return: NULL after answering. */
static struct volume *open_data(struct req *req, bool for_writing)
{
    struct volume *volume = find_volume(req);
    int rc;

    if (!volume)
        return NULL;
    if (!volume_is_ram(volume)) {
        api_error(req, &(struct problem){
                           .slug = "semantic",
                           .detail = "The data of a volume on a disk cannot be moved this way.",
                           .hint = "Read and write it in a VM."});
        return NULL;
    }
    rc = volume_open(volume, for_writing);
    if (rc == -EPERM)
        api_error(req, &(struct problem){.slug = "state",
                                         .detail = "This volume can only be read.",
                                         .hint = "Make one without read_only."});
    else if (rc)
        in_use(req);
    return rc == 0 ? volume : NULL;
}

/* state.object: the volume, open; .offset: where the next bytes go. */
static void upload_write(struct req *req, const u8 *data, size_t len)
{
    struct volume *volume = req->state.object;
    int rc = volume_ram_write(volume, req->state.offset, data, len);

    req->state.offset += len;
    if (rc == -EINVAL)
        api_error(req, &(struct problem){.slug = "too_big",
                                         .detail = "The data do not fit into the volume.",
                                         .hint = "PATCH its size_bytes first.",
                                         .limit_bytes = volume_bytes(volume)});
    else if (rc)
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "The data do not fit into the host's memory.",
                                         .hint = "Stop a VM or delete an image."});
}

static void upload_abort(struct req *req)
{
    volume_close(req->state.object, true);
}

static void upload_end(struct req *req)
{
    volume_close(req->state.object, true);
    reply_empty(req, 204);
}

void api_volume_data_put(struct req *req)
{
    static const struct body_sink sink = {
        .write = upload_write, .end = upload_end, .abort = upload_abort};
    struct volume *volume = open_data(req, true);

    if (!volume)
        return;
    req->state.object = volume;
    req->state.offset = 0;
    req->sink = &sink;
}

/* state.object: the volume, open; .offset, .end: what is left to send. */
static enum produce data_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    size_t bytes = (size_t)MIN(state->end - state->offset, (u64)(w->size - w->len));

    if (volume_ram_read(state->object, state->offset, w->buf + w->len, bytes))
        return PRODUCE_DONE;
    w->len += bytes;
    state->offset += bytes;
    return state->offset == state->end ? PRODUCE_DONE : PRODUCE_MORE;
}

static void data_release(struct req *req)
{
    volume_close(req->state.object, false);
}

void api_volume_data_get(struct req *req)
{
    static const struct body_source source = {.produce = data_produce, .release = data_release};
    struct volume *volume = open_data(req, false);

    if (!volume)
        return;
    if (api_reply_range(req, volume_bytes(volume), &source))
        volume_close(volume, false);
    else
        req->state.object = volume;
}
