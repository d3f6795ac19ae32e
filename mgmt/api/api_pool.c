/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: listed, made, mounted, unmounted. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/vmm/vmm_error.h"
#include "mgmt/api/api.h"
#include "mgmt/api/body.h"
#include "mgmt/api/api_list.h"
#include "mgmt/nbd/nbd_json.h"
#include "mgmt/nbd/nbd_pool.h"

#define POOL_TEXT_MAX (6u * 1024) /* of a server's, with its CA */

static void write_remote(struct json_writer *w, struct vmm_pool *pool)
{
    struct pool_info info;

    pools_get_info(pool, &info);
    json_object_begin(w);
    json_put_string(w, "name", info.name);
    json_key(w, "nbd");
    nbd_json_write(w, nbd_pool_server(pool));
    json_counters_follow(w);
    json_put_string(w, "state", info.state == POOL_ONLINE ? "online" : "connecting");
    if (info.reason)
        json_put_string(w, "reason", info.reason);
    json_object_end(w);
}

static void write_pool(struct json_writer *w, struct vmm_pool *pool)
{
    struct pool_info info;

    if (nbd_pool_server(pool)) {
        write_remote(w, pool);
        return;
    }
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
    static const struct api_list pools = {next_pool, POOL_TEXT_MAX, LIST_ALL, false};

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

/* On a disk, or on a server. */
struct wanted {
    struct pool_spec spec;
    bool is_nbd;
    struct nbd_server server;
};

static struct pool_spec *spec_of(const struct body_reader *r)
{
    return &((struct wanted *)r->out)->spec;
}

static int read_nbd(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;

    wanted->is_nbd = true;
    return nbd_json_read(r, node, &wanted->server);
}

static int read_disk(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->disk, sizeof(spec_of(r)->disk));
}

static int read_partition(struct body_reader *r, const struct json_node *node)
{
    return body_u32(r, node, &spec_of(r)->partition);
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
static int read_spec(struct req *req, struct wanted *wanted)
{
    static const struct body_member members[] = {
        {"nbd", read_nbd},       {"disk", read_disk},   {"partition", read_partition},
        {"format", read_format}, {"erase", read_erase}, {"name", NULL},
        {"state", NULL},         {"reason", NULL},      {"size_bytes", NULL},
        {"free_bytes", NULL},    {"data_bytes", NULL},  {"metadata_bytes", NULL},
        {"objects", NULL},
    };
    struct pool_spec *spec = &wanted->spec;
    struct body_reader r = {.req = req, .out = wanted};
    u32 seen;

    memset(wanted, 0, sizeof(*wanted));
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
static void reply_dry_run(struct req *req, const struct wanted *wanted)
{
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_put_string(w, "name", wanted->spec.name);
    if (wanted->is_nbd) {
        json_key(w, "nbd");
        nbd_json_write(w, &wanted->server);
    } else {
        json_put_string(w, "disk", wanted->spec.disk);
        json_put_u64(w, "partition", wanted->spec.partition);
        json_put_bool(w, "format", wanted->spec.format);
        json_put_bool(w, "erase", wanted->spec.erase);
    }
    json_object_end(w);
}

/* Return: 0; -EINVAL with *err filled: it names a server and a disk. */
static int one_place(const struct wanted *wanted, struct vmm_error *err)
{
    const struct pool_spec *spec = &wanted->spec;

    if (!wanted->is_nbd ||
        (!spec->disk[0] && spec->partition == 0 && !spec->format && !spec->erase))
        return 0;
    vmm_error_set(err, "semantic", "/nbd", "Leave disk, partition, format and erase out.",
                  "A pool is on a server or on a disk of the host.");
    return -EINVAL;
}

static int check(const struct wanted *wanted, struct vmm_error *err)
{
    return wanted->is_nbd ? nbd_pool_check(wanted->spec.name, &wanted->server, err)
                          : pools_check(&wanted->spec, err);
}

static int put(const struct wanted *wanted, struct vmm_pool **pool, struct vmm_error *err)
{
    return wanted->is_nbd ? nbd_pool_put(wanted->spec.name, &wanted->server, pool, err)
                          : pools_put(&wanted->spec, pool, err);
}

void api_pool_put(struct req *req)
{
    static struct wanted wanted; /* large; one thread */
    struct vmm_pool *pool;
    struct vmm_error err;
    bool dry_run;
    int rc;

    if (query_bool(req, "dry_run", &dry_run) || read_spec(req, &wanted))
        return;
    rc = one_place(&wanted, &err);
    if (rc == 0)
        rc = dry_run ? check(&wanted, &err) : put(&wanted, &pool, &err);
    if (rc == 0 && dry_run) {
        reply_dry_run(req, &wanted);
        return;
    }
    nbd_pools_keep();
    if (rc)
        api_plain_error(req, &err);
    else
        reply_pool(req, pool);
}

/* It is gone at once: nothing has to be written. */
static void delete_remote(struct req *req, struct vmm_pool *pool)
{
    struct vmm_error err;

    if (pools_delete(pool, &err)) {
        api_plain_error(req, &err);
        return;
    }
    nbd_pools_keep();
    reply_empty(req, 204);
}

void api_pool_delete(struct req *req)
{
    struct vmm_pool *pool = find_pool(req);
    struct vmm_error err;

    if (!pool)
        return;
    if (nbd_pool_server(pool)) {
        delete_remote(req, pool);
        return;
    }
    if (pools_delete(pool, &err))
        api_plain_error(req, &err);
    else
        reply_pool(req, pool);
}
