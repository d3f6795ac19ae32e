/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: listed, made, mounted, unmounted. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "mgmt/api.h"
#include "mgmt/body.h"
#include "mgmt/api_list.h"

#define POOL_TEXT_MAX 1024u

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
    json_counters_follow(w);
    json_put_u64(w, "size_bytes", info.usage.total_bytes);
    json_put_u64(w, "free_bytes", info.usage.free_bytes);
    json_put_u64(w, "data_bytes", info.usage.data_bytes);
    json_put_u64(w, "metadata_bytes", info.usage.node_bytes + info.usage.fixed_bytes);
    json_put_u64(w, "objects", info.usage.objects);
    json_object_end(w);
}

static bool next_pool(struct req *req, struct json_writer *w)
{
    char *name = req->state.name;
    struct vmm_pool *pool = pools_next(NULL);

    while (pool && strcmp(pools_name(pool), name) <= 0)
        pool = pools_next(pool);
    if (!pool)
        return false;
    (void)str_copy(name, sizeof(req->state.name), pools_name(pool));
    write_pool(w, pool);
    return true;
}

void api_pools_get(struct req *req)
{
    static const struct api_list pools = {next_pool, POOL_TEXT_MAX, LIST_ALL};

    reply_list(req, &pools);
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

static struct pool_spec *spec_of(const struct body_reader *r)
{
    return r->out;
}

static int read_disk(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->disk, sizeof(spec_of(r)->disk));
}

static int read_partition(struct body_reader *r, const struct json_node *node)
{
    u64 number = 0;
    int rc = body_number(r, node, UINT32_MAX, &number);

    spec_of(r)->partition = (u32)number;
    return rc;
}

static int read_format(struct body_reader *r, const struct json_node *node)
{
    return body_flag(r, node, &spec_of(r)->format);
}

static int read_erase(struct body_reader *r, const struct json_node *node)
{
    return body_flag(r, node, &spec_of(r)->erase);
}

/* What GET gave can be PUT back. Return: 0, or -EINVAL after answering. */
static int read_spec(struct req *req, struct pool_spec *spec)
{
    static const struct body_member members[] = {
        {"disk", read_disk},      {"partition", read_partition},
        {"format", read_format},  {"erase", read_erase},
        {"name", NULL},           {"state", NULL},
        {"reason", NULL},         {"size_bytes", NULL},
        {"free_bytes", NULL},     {"data_bytes", NULL},
        {"metadata_bytes", NULL}, {"objects", NULL},
    };
    struct body_reader r = {.req = req, .out = spec};
    u32 seen;

    *spec = (struct pool_spec){0};
    if (!str_copy(spec->name, sizeof(spec->name), req->match.params[0]))
        spec->name[0] = '\0'; /* refused as a name */
    return body_read(&r, members, ARRAY_SIZE(members), &seen);
}

/* Formatting and mounting go on after the answer, and say so by the state. */
static void reply_pool(struct req *req, struct vmm_pool *pool)
{
    struct pool_info info;

    pools_get_info(pool, &info);
    write_pool(reply_json(req, info.state == POOL_ONLINE ? 200 : 202), pool);
}

/* What would be done; nothing is. */
static void reply_dry_run(struct req *req, const struct pool_spec *spec)
{
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_put_string(w, "name", spec->name);
    json_put_string(w, "disk", spec->disk);
    json_put_u64(w, "partition", spec->partition);
    json_put_bool(w, "format", spec->format);
    json_put_bool(w, "erase", spec->erase);
    json_object_end(w);
}

void api_pool_put(struct req *req)
{
    struct pool_spec spec;
    struct vmm_pool *pool;
    struct vmm_error err;
    bool dry_run;

    if (query_bool(req, "dry_run", &dry_run) || read_spec(req, &spec))
        return;
    if (dry_run) {
        if (pools_check(&spec, &err))
            api_plain_error(req, &err);
        else
            reply_dry_run(req, &spec);
        return;
    }
    if (pools_put(&spec, &pool, &err))
        api_plain_error(req, &err);
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
        api_plain_error(req, &err);
    else
        reply_pool(req, pool);
}
