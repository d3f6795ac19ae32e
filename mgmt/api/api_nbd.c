/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes exported by NBD, for tools that copy disks. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/api/body.h"
#include "mgmt/nbd/nbd_exports.h"
#include "mgmt/net/netif.h"
#include "mgmt/http/server.h"

static void in_use(struct req *req, const char *detail, const char *hint)
{
    api_error(req, &(struct problem){.slug = "in_use", .detail = detail, .hint = hint});
}

static int read_port(struct body_reader *r, const struct json_node *node)
{
    struct nbd_export *wanted = r->out;
    u64 port;

    if (body_number(r, node, UINT16_MAX, &port))
        return -EINVAL;
    wanted->port = (u16)port;
    return port ? 0 : body_bad(r, node, "There is no port 0.", "Use 10809, or leave it out.");
}

static int read_read_only(struct body_reader *r, const struct json_node *node)
{
    struct nbd_export *wanted = r->out;

    return body_flag(r, node, &wanted->is_read_only);
}

static int read_tls(struct body_reader *r, const struct json_node *node)
{
    struct nbd_export *wanted = r->out;

    if (body_flag(r, node, &wanted->needs_tls))
        return -EINVAL;
    if (!wanted->needs_tls || server_has_tls())
        return 0;
    return body_refuse(r, node, "semantic", "This host has no TLS.", "socle.dtb turns it off.");
}

/* Return: 0; -EINVAL after answering. */
static int read_wanted(struct req *req, const struct volume *volume, struct nbd_export *wanted)
{
    static const struct body_member members[] = {
        {"port", read_port},
        {"read_only", read_read_only},
        {"tls", read_tls},
    };
    struct body_reader reader = {.req = req, .out = wanted};
    u32 seen;

    *wanted = (struct nbd_export){
        .port = NBD_PORT,
        .is_read_only = volume->is_read_only,
        .needs_tls = server_has_tls(),
        .who = req->who,
    };
    return req->body_len ? body_read(&reader, members, ARRAY_SIZE(members), &seen) : 0;
}

static void answer_error(struct req *req, int rc)
{
    switch (rc) {
    case -EEXIST:
        api_error(req, &(struct problem){.slug = "exists",
                                         .detail = "This volume is exported; its uri was shown "
                                                   "when that began.",
                                         .hint = "End the export first."});
        break;
    case -EBUSY:
        in_use(req, "A running VM, or another request, uses this volume.",
               "Make a snapshot and export that, or power the VM off first.");
        break;
    case -EPERM:
        api_error(req, &(struct problem){.slug = "state",
                                         .detail = "This volume can only be read.",
                                         .hint = "Say {\"read_only\": true}."});
        break;
    case -EOPNOTSUPP:
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = "This volume is on an NBD server already.",
                                         .hint = "Connect to that server instead."});
        break;
    case -ENOSPC:
        in_use(req, "16 volumes are exported, the most possible.", "End one of them.");
        break;
    default:
        api_error(req, &(struct problem){.slug = "busy",
                                         .detail = "The host cannot export a volume now.",
                                         .hint = "Try again; the log may say more.",
                                         .retry_after_s = 1});
    }
}

static void write_uri(struct json_writer *w, const struct nbd_export *export, const char *name)
{
    char uri[sizeof("nbds://:65535/") + 48 + NBD_EXPORT_NAME];

    ksnprintf(uri, sizeof(uri), "%s://%s:%u/%s", export->needs_tls ? "nbds" : "nbd",
              netif_address_text(), export->port, name);
    json_put_string(w, "uri", uri);
    mem_wipe(uri, sizeof(uri));
}

void api_volume_nbd_put(struct req *req)
{
    struct volume *volume = api_find_volume(req);
    char name[NBD_EXPORT_NAME + 1];
    struct nbd_export wanted;
    struct json_writer *w;
    int rc;

    if (!volume || read_wanted(req, volume, &wanted))
        return;
    if (!nbd_exports_can_have(wanted.port)) {
        in_use(req, "The exports are at another port, or something else has this one.",
               "Name no port, or that of the other exports.");
        return;
    }
    rc = nbd_export_make(volume, &wanted, name);
    if (rc) {
        answer_error(req, rc);
        return;
    }
    w = reply_json(req, 200);
    json_object_begin(w);
    write_uri(w, &wanted, name);
    json_put_string(w, "export", name);
    json_put_u64(w, "port", wanted.port);
    json_put_bool(w, "read_only", wanted.is_read_only);
    json_put_bool(w, "tls", wanted.needs_tls);
    json_object_end(w);
    mem_wipe(name, sizeof(name));
}

void api_volume_nbd_delete(struct req *req)
{
    struct volume *volume = api_find_volume(req);

    if (!volume)
        return;
    if (nbd_export_end(volume) == 0)
        reply_empty(req, 204);
    else
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "export",
                                         .name = volume->name,
                                         .detail = "This volume is not exported.",
                                         .hint = "Export it first."});
}
