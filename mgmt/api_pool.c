/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: listed, made, mounted, unmounted. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "mgmt/api.h"
#include "mgmt/api_members.h"

static void write_pool(struct json_writer *w, struct vmm_pool *pool)
{
    struct pool_info info;

    pools_get_info(pool, &info);
    json_object_begin(w);
    json_put_string(w, "name", info.name);
    json_put_string(w, "disk", info.disk);
    json_put_u64(w, "partition", info.partition);
    json_put_string(w, "state", pool_state_name(info.state));
    if (info.reason)
        json_put_string(w, "reason", info.reason);
    json_put_u64(w, "size_bytes", info.usage.total_bytes);
    json_put_u64(w, "free_bytes", info.usage.free_bytes);
    json_put_u64(w, "data_bytes", info.usage.data_bytes);
    json_put_u64(w, "metadata_bytes", info.usage.node_bytes + info.usage.fixed_bytes);
    json_put_u64(w, "objects", info.usage.objects);
    json_object_end(w);
}

void api_pools_get(struct req *req)
{
    struct json_writer *w = reply_json(req, 200);
    struct vmm_pool *pool = NULL;

    json_object_begin(w);
    json_key(w, "items");
    json_array_begin(w);
    while ((pool = pools_next(pool)) != NULL)
        write_pool(w, pool);
    json_array_end(w);
    json_object_end(w);
}

/* Return: NULL after answering 404. */
static struct vmm_pool *find_pool(struct req *req)
{
    struct vmm_pool *pool = pools_find(req->match.params[0]);

    if (!pool)
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "pool",
                                         .name = req->match.params[0],
                                         .detail = "There is no pool of that name.",
                                         .hint = "GET /api/v1/pools lists those there are."});
    return pool;
}

void api_pool_get(struct req *req)
{
    struct vmm_pool *pool = find_pool(req);

    if (pool)
        write_pool(reply_json(req, 200), pool);
}

static int read_member(struct req *req, const struct json_doc *doc, const struct json_node *key,
                       struct pool_spec *spec)
{
    static const char *const reported[] = {"name",           "state",      "reason",
                                           "size_bytes",     "free_bytes", "data_bytes",
                                           "metadata_bytes", "objects"};
    const struct json_node *value = json_first(doc, key);
    u64 number = 0;
    int rc;

    for (u32 i = 0; i < ARRAY_SIZE(reported); i++) {
        if (json_key_is(doc, key, reported[i]))
            return 0; /* what GET gave can be PUT back */
    }
    if (json_key_is(doc, key, "disk"))
        return api_read_text(req, doc, value, spec->disk, sizeof(spec->disk));
    if (json_key_is(doc, key, "format"))
        return api_read_flag(req, doc, value, &spec->format);
    if (json_key_is(doc, key, "erase"))
        return api_read_flag(req, doc, value, &spec->erase);
    if (!json_key_is(doc, key, "partition"))
        return api_unknown_member(req, key);
    rc = api_read_number(req, doc, value, UINT32_MAX, &number);
    spec->partition = (u32)number;
    return rc;
}

/* Return: 0, or -EINVAL after answering. */
static int read_spec(struct req *req, struct pool_spec *spec)
{
    const struct json_doc *doc = api_json_body(req);
    const struct json_node *root = doc ? json_root(doc) : NULL;

    *spec = (struct pool_spec){0};
    if (!doc)
        return -EINVAL;
    if (root->type != JSON_OBJECT)
        return api_bad_member(req, root, "bad_value", "This value must be an object.",
                              "Use {\"disk\": \"nvme0n1\", \"partition\": 2}.");
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

/* Formatting and mounting go on after the answer, and say so by the state. */
static void reply_pool(struct req *req, struct vmm_pool *pool)
{
    struct pool_info info;

    pools_get_info(pool, &info);
    write_pool(reply_json(req, info.state == POOL_ONLINE ? 200 : 202), pool);
}

void api_pool_put(struct req *req)
{
    struct pool_spec spec;
    struct vmm_pool *pool;
    struct vmm_error err;

    if (read_spec(req, &spec))
        return;
    if (pools_put(&spec, &pool, &err))
        answer_error(req, &err);
    else
        reply_pool(req, pool);
}

void api_pool_delete(struct req *req)
{
    struct vmm_pool *pool = find_pool(req);
    struct vmm_error err;

    if (!pool)
        return;
    if (pools_delete(pool, &err))
        answer_error(req, &err);
    else
        reply_pool(req, pool);
}
