/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate by which clients know the host: shown, replaced, and the self-made one again. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api.h"
#include "mgmt/body.h"
#include "mgmt/host_tls.h"
#include "mgmt/tls.h"
#include "mgmt/tls_facts.h"
#include "mm/kheap.h"

/* Return: false after answering. */
static bool has_tls(struct req *req)
{
    if (req->peer.has_tls)
        return true;
    api_error(req, &(struct problem){
                       .slug = "state",
                       .state = "off",
                       .detail = "TLS is off, so there is no certificate.",
                       .hint = "Turn it on in socle.dtb, and restart the host.",
                   });
    return false;
}

static void put_names(struct json_writer *w)
{
    char name[TLS_NAME_MAX + 1];

    json_key(w, "names");
    json_array_begin(w);
    for (u32 i = 0; tls_facts_name(i, name); i++)
        json_string(w, name);
    json_array_end(w);
}

static void put_tls(struct json_writer *w)
{
    const char *warning = tls_facts_warning();
    struct tls_facts facts;

    tls_facts_get(&facts);
    json_object_begin(w);
    json_put_string(w, "source", tls_is_own() ? "own" : "self_made");
    json_put_string(w, "subject", facts.subject);
    json_put_string(w, "issuer", facts.issuer);
    put_names(w);
    json_put_string(w, "key", facts.key);
    json_put_string(w, "valid_from", facts.valid_from);
    json_put_string(w, "valid_until", facts.valid_until);
    json_put_string(w, "sha256", tls_fingerprint());
    json_put_string(w, "key_pin", tls_key_pin());
    json_put_u64(w, "certificates", facts.certificates);
    json_put_bool(w, "survives_reboot", host_tls_is_kept());
    if (warning)
        json_put_string(w, "warning", warning);
    json_counters_follow(w);
    json_object_end(w);
}

void api_host_tls_get(struct req *req)
{
    if (has_tls(req))
        put_tls(reply_json(req, 200));
}

static int read_text(struct body_reader *r, const struct json_node *node, char *dst, size_t size)
{
    int rc = json_get_string(r->doc, node, dst, size);

    if (rc == -ERANGE)
        return body_refuse(r, node, "semantic", "This is too long.",
                           "Send the PEM blocks only: of certificates 16 KiB, of a key 8 KiB.");
    if (rc)
        return body_bad(r, node, "This value must be a text in PEM.",
                        "Send what is in the file, with its line breaks as \\n.");
    return 0;
}

static int read_certificate(struct body_reader *r, const struct json_node *node)
{
    struct tls_pem *pem = r->out;

    return read_text(r, node, pem->certificate, sizeof(pem->certificate));
}

static int read_key(struct body_reader *r, const struct json_node *node)
{
    struct tls_pem *pem = r->out;

    return read_text(r, node, pem->key, sizeof(pem->key));
}

static void answer_no_memory(struct req *req)
{
    api_error(req, &(struct problem){.slug = "no_memory",
                                     .detail = "There is no room for another certificate.",
                                     .hint = "Try again when fewer clients connect, or delete an "
                                             "image or a VM."});
}

static void put(struct req *req, struct tls_pem *pem)
{
    static const struct body_member members[] = {{"certificate", read_certificate},
                                                 {"key", read_key}};
    struct body_reader r = {.req = req, .out = pem};
    struct tls_refusal why;
    u32 seen;
    int rc;

    if (body_read(&r, members, ARRAY_SIZE(members), &seen))
        return;
    rc = host_tls_put(pem, &why);
    if (rc == 0)
        put_tls(reply_json(req, 200));
    else if (rc == -EINVAL)
        api_error(req, &(struct problem){.slug = "semantic",
                                         .pointer = why.pointer,
                                         .detail = why.detail,
                                         .hint = why.hint});
    else
        answer_no_memory(req);
}

void api_host_tls_put(struct req *req)
{
    struct tls_pem *pem;

    if (!has_tls(req))
        return;
    pem = kzalloc(sizeof(*pem));
    if (!pem) {
        answer_no_memory(req);
        return;
    }
    put(req, pem);
    mem_wipe(pem, sizeof(*pem));
    kfree(pem);
    req->reply.close = true; /* and the key goes with the connection's buffers */
}

void api_host_tls_delete(struct req *req)
{
    int rc;

    if (!has_tls(req))
        return;
    rc = host_tls_drop();
    if (rc == 0)
        put_tls(reply_json(req, 200));
    else if (rc == -ENOENT)
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "certificate",
                                         .detail = "The self-made certificate is in force.",
                                         .hint = "PUT /api/v1/host/tls takes another one."});
    else
        api_error(req, &(struct problem){.slug = "busy",
                                         .detail = "A pool that may have the certificate does not "
                                                   "work: it would be back after a reboot.",
                                         .retry_after_s = 5,
                                         .hint = "GET /api/v1/pools says what is wrong."});
}
