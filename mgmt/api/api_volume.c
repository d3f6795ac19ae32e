/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes: listed, made, made larger, deleted. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/volumes.h"
#include "drivers/block/volume_ram.h"
#include "mgmt/api/api.h"
#include "mgmt/auth/auth.h"
#include "mgmt/api/body.h"
#include "mgmt/api/api_list.h"
#include "mgmt/nbd/nbd_exports.h"
#include "mgmt/nbd/nbd_pool.h"
#include "mgmt/http/server.h"

#define VOLUME_TEXT_MAX 4096u /* with a few VMs it is attached to */
#define USERS_MAX       32u   /* of them, named */

/* Those that the request may know of. */
static void write_users(const struct req *req, struct json_writer *w, const struct volume *volume)
{
    static struct vmm_info vm; /* large; one thread */
    u32 id, left = USERS_MAX;
    char name[VM_NAME_MAX + 1] = "";

    json_key(w, "attached_to");
    json_array_begin(w);
    while (left > 0 && vmm_next(name, &id) && vmm_get(id, &vm) == 0) {
        (void)str_copy(name, sizeof(name), vm.cfg.name);
        if (!vmm_uses_volume(id, volume) || !auth_sees_vm(&req->who, id))
            continue;
        json_string(w, name);
        left--;
    }
    json_array_end(w);
}

static void write_export(struct json_writer *w, const struct volume *volume)
{
    const struct nbd_export *export = nbd_export_of(volume);

    json_key(w, "nbd");
    if (!export) {
        json_null(w);
        return;
    }
    json_object_begin(w);
    json_put_u64(w, "port", export->port);
    json_put_bool(w, "read_only", export->is_read_only);
    json_put_bool(w, "tls", export->needs_tls);
    json_put_u64(w, "clients", server_nbd_clients(export));
    json_object_end(w);
}

/* What is on a server may be out of reach. */
static void write_remote(struct json_writer *w, const struct volume *volume)
{
    const char *reason = nbd_remote_reason(volume);

    json_put_string(w, "export", nbd_remote_export(volume));
    json_put_string(w, "state", reason ? "connecting" : "online");
    if (reason)
        json_put_string(w, "reason", reason);
}

/* Whether it is there after a reboot: of what is on a server the name is kept in a datastore. */
static bool is_persistent(const struct volume *volume)
{
    return volume_is_remote(volume) ? pools_default() != NULL : !volume_is_ram(volume);
}

static void put_spec(struct json_writer *w, const struct volume_spec *spec)
{
    json_put_string(w, "name", spec->name);
    if (spec->disk[0]) {
        json_put_string(w, "disk", spec->disk);
        json_put_u64(w, "partition", spec->partition);
        json_put_bool(w, "boot_disk", spec->allow_boot);
    } else {
        json_put_string(w, "pool", spec->pool);
    }
    json_put_u64(w, "size_bytes", spec->size_bytes);
    json_put_bool(w, "read_only", spec->is_read_only);
}

/* What would be there; nothing is. */
static void reply_dry_run(struct req *req, const struct volume_spec *spec)
{
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    put_spec(w, spec);
    json_object_end(w);
}

static void write_volume(const struct req *req, struct json_writer *w, struct volume *volume)
{
    const char *parent = volumes_parent(volume);
    struct volume_spec spec;

    volumes_get_spec(volume, &spec);
    spec.is_read_only = volume->is_read_only;
    json_object_begin(w);
    put_spec(w, &spec);
    json_put_u64(w, "block_bytes", volume->block_bytes);
    json_key(w, "parent");
    if (parent)
        json_string(w, parent);
    else
        json_null(w);
    json_put_bool(w, "persistent", is_persistent(volume));
    json_counters_follow(w);
    if (volume_is_remote(volume))
        write_remote(w, volume);
    json_put_u64(w, "used_bytes", volume->ops->used_bytes(volume));
    write_users(req, w, volume);
    write_export(w, volume);
    json_object_end(w);
}

static bool next_volume(struct req *req, struct json_writer *w)
{
    char *name = req->state.name;
    struct volume *volume = volumes_next(volumes_find(name));

    while (volume && strcmp(volume->name, name) <= 0) /* the last one is gone */
        volume = volumes_next(volume);
    if (!volume)
        return false;
    (void)str_copy(name, sizeof(req->state.name), volume->name);
    write_volume(req, w, volume);
    return true;
}

void api_volumes_get(struct req *req)
{
    static const struct api_list volumes = {next_volume, VOLUME_TEXT_MAX, LIST_ALL, false};

    reply_list(req, &volumes);
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
        write_volume(req, reply_json(req, 200), volume);
}

/* -- making
 * -------------------------------------------------------------------------------------------------------
 */

static struct volume_spec *spec_of(const struct body_reader *r)
{
    return r->out;
}

static int read_image(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->image, sizeof(spec_of(r)->image));
}

static int read_volume(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->volume, sizeof(spec_of(r)->volume));
}

static int read_snapshot(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->snapshot, sizeof(spec_of(r)->snapshot));
}

static int read_from(struct body_reader *r, const struct json_node *node)
{
    static const struct body_member sources[] = {
        {"image", read_image},
        {"volume", read_volume},
        {"snapshot", read_snapshot},
    };
    const struct json_node *key = node->type == JSON_OBJECT ? json_first(r->doc, node) : NULL;
    u32 seen;

    if (key && !json_next(r->doc, key))
        return body_object(r, node, sources, ARRAY_SIZE(sources), &seen);
    return body_bad(r, node, "This value must say what the volume holds at first.",
                    "Use {\"image\": \"name\"}, {\"volume\": …} or {\"snapshot\": …}.");
}

static int read_pool(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->pool, sizeof(spec_of(r)->pool));
}

static int read_export(struct body_reader *r, const struct json_node *node)
{
    if (json_get_string(r->doc, node, spec_of(r)->export, sizeof(spec_of(r)->export)) == 0)
        return 0;
    return body_bad(r, node, "This value must be the name of an export.",
                    "Put it in double quotes; it has 255 bytes at most.");
}

static int read_size(struct body_reader *r, const struct json_node *node)
{
    return body_number(r, node, UINT64_MAX, &spec_of(r)->size_bytes);
}

static int read_disk(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->disk, sizeof(spec_of(r)->disk));
}

static int read_partition(struct body_reader *r, const struct json_node *node)
{
    return body_u32(r, node, &spec_of(r)->partition);
}

static int read_boot_disk(struct body_reader *r, const struct json_node *node)
{
    return body_flag(r, node, &spec_of(r)->allow_boot);
}

static int read_read_only(struct body_reader *r, const struct json_node *node)
{
    return body_flag(r, node, &spec_of(r)->is_read_only);
}

/* What GET gave can be PUT back. Return: 0, or -EINVAL after answering. */
static int read_spec(struct req *req, struct volume_spec *spec)
{
    static const struct body_member members[] = {
        {"pool", read_pool},
        {"export", read_export},
        {"size_bytes", read_size},
        {"from", read_from},
        {"disk", read_disk},
        {"partition", read_partition},
        {"boot_disk", read_boot_disk},
        {"read_only", read_read_only},
        {"name", NULL},
        {"used_bytes", NULL},
        {"block_bytes", NULL},
        {"parent", NULL},
        {"persistent", NULL},
        {"attached_to", NULL},
        {"nbd", NULL},
        {"state", NULL},
        {"reason", NULL},
    };
    struct body_reader r = {.req = req, .out = spec};
    u32 seen;

    *spec = (struct volume_spec){0};
    if (!str_copy(spec->name, sizeof(spec->name), req->match.params[0]))
        spec->name[0] = '\0'; /* refused as a name */
    return body_read(&r, members, ARRAY_SIZE(members), &seen);
}

/* The same again changes nothing and is no error. */
void api_volume_put(struct req *req)
{
    struct volume_spec spec;
    struct volume *volume;
    struct vmm_error err;
    bool dry_run;
    int rc;

    if (query_bool(req, "dry_run", &dry_run) || read_spec(req, &spec))
        return;
    if (dry_run) {
        if (volumes_check(&spec, &err))
            api_plain_error(req, &err);
        else
            reply_dry_run(req, &spec);
        return;
    }
    rc = volumes_create(&spec, &volume, &err);
    nbd_pools_keep();
    if (rc == 0)
        write_volume(req, reply_json(req, 201), volume);
    else if (rc == -EEXIST && volume && volumes_is_same(volume, &spec))
        write_volume(req, reply_json(req, 200), volume);
    else
        api_plain_error(req, &err);
}

static int read_growth(struct body_reader *r)
{
    static const struct body_member members[] = {{"size_bytes", read_size}};
    u32 seen;
    int rc = body_read(r, members, ARRAY_SIZE(members), &seen);

    if (rc == 0 && seen == 0)
        rc = body_bad(r, json_root(r->doc), "This value must say how large the volume is to be.",
                      "Use {\"size_bytes\": 2147483648}.");
    return rc;
}

void api_volume_patch(struct req *req)
{
    struct volume *volume = api_find_volume(req);
    struct volume_spec spec = {0};
    struct body_reader r = {.req = req, .out = &spec};
    u64 size_bytes;
    struct vmm_error err;
    bool dry_run;
    int rc;

    if (query_bool(req, "dry_run", &dry_run) || !volume || read_growth(&r))
        return;
    size_bytes = spec.size_bytes;
    rc = dry_run ? volumes_check_growth(volume, size_bytes, &err)
                 : volumes_grow(volume, size_bytes, &err);
    if (rc) {
        api_plain_error(req, &err);
    } else if (dry_run) {
        volumes_get_spec(volume, &spec);
        spec.size_bytes = size_bytes;
        reply_dry_run(req, &spec);
    } else {
        write_volume(req, reply_json(req, 200), volume);
    }
}

void api_volume_delete(struct req *req)
{
    struct volume *volume = api_find_volume(req);
    struct vmm_error err;

    if (!volume)
        return;
    if (volumes_delete(volume, &err)) {
        api_plain_error(req, &err);
        return;
    }
    nbd_pools_keep();
    reply_empty(req, 204);
}
