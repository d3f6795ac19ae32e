/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate by which clients know the host: shown, replaced, and the self-made one again. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/api/body.h"
#include "mgmt/tls/client_ca.h"
#include "mgmt/tls/host_tls.h"
#include "mgmt/tls/tls.h"
#include "mgmt/tls/tls_facts.h"
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

static void put_client_ca(struct json_writer *w)
{
    char subject[256];

    json_key(w, "client_ca");
    json_array_begin(w);
    for (u32 i = 0; tls_facts_authority(client_ca(), i, subject, sizeof(subject)); i++)
        json_string(w, subject);
    json_array_end(w);
    if (client_ca())
        json_put_bool(w, "client_ca_survives_reboot", client_ca_is_kept());
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
    put_client_ca(w);
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

/* The body of a PUT. */
struct wanted {
    struct tls_pem pem;
    char client_ca[TLS_PEM_CERTIFICATE_MAX + 1]; /* "": none */
};

static int read_certificate(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;

    return read_text(r, node, wanted->pem.certificate, sizeof(wanted->pem.certificate));
}

static int read_key(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;

    return read_text(r, node, wanted->pem.key, sizeof(wanted->pem.key));
}

static int read_client_ca(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;

    if (node->type == JSON_NULL)
        return 0;
    if (read_text(r, node, wanted->client_ca, sizeof(wanted->client_ca)))
        return -EINVAL;
    return wanted->client_ca[0] ? 0
                                : body_bad(r, node, "This is empty.",
                                           "Send PEM, or null to take the client CA away.");
}

static void answer_no_memory(struct req *req)
{
    api_error(req, &(struct problem){.slug = "no_memory",
                                     .detail = "There is no room for another certificate.",
                                     .hint = "Try again when fewer clients connect, or delete an "
                                             "image or a VM."});
}

static void answer_nothing(struct req *req)
{
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .detail = "There is nothing in the body.",
                                     .hint = "Send a certificate and its key, a client_ca, or "
                                             "all of them."});
}

/* Return: rc. */
static int answer(struct req *req, int rc, const struct tls_refusal *why)
{
    if (rc == -EINVAL)
        api_error(req, &(struct problem){.slug = "semantic",
                                         .pointer = why->pointer,
                                         .detail = why->detail,
                                         .hint = why->hint});
    else if (rc)
        answer_no_memory(req);
    return rc;
}

static void answer_pool(struct req *req)
{
    api_error(req, &(struct problem){.slug = "busy",
                                     .detail = "A pool that may have the certificate does not "
                                               "work: it would be back after a reboot.",
                                     .retry_after_s = 5,
                                     .hint = "GET /api/v1/pools says what is wrong."});
}

/* NULL takes it away. Return: false after answering. */
static bool put_authorities(struct req *req, struct tls_chain *authorities, const char *pem)
{
    static const struct tls_refusal none;
    int rc;

    if (authorities) {
        rc = client_ca_put(authorities, pem);
        if (rc)
            tls_chain_free(authorities);
        return answer(req, rc, &none) == 0;
    }
    rc = client_ca_drop();
    if (rc)
        answer_pool(req);
    return rc == 0;
}

/* All is read before anything changes. own, ca: what the body names. */
static void install(struct req *req, const struct wanted *wanted, bool own, bool ca)
{
    struct tls_chain *authorities = NULL;
    struct tls_refusal why;

    if (wanted->client_ca[0] &&
        answer(req, tls_chain_read_authorities(wanted->client_ca, &authorities, &why), &why))
        return;
    if (own && answer(req, host_tls_put(&wanted->pem, &why), &why)) {
        tls_chain_free(authorities);
        return;
    }
    if (!ca || put_authorities(req, authorities, wanted->client_ca))
        put_tls(reply_json(req, 200));
}

static void put(struct req *req, struct wanted *wanted)
{
    static const struct body_member members[] = {
        {"certificate", read_certificate}, {"key", read_key}, {"client_ca", read_client_ca}};
    struct body_reader r = {.req = req, .out = wanted};
    u32 seen;

    if (body_read(&r, members, ARRAY_SIZE(members), &seen))
        return;
    if (seen == 0)
        answer_nothing(req);
    else
        install(req, wanted, seen & (BIT(0) | BIT(1)), seen & BIT(2));
}

void api_host_tls_put(struct req *req)
{
    struct wanted *wanted;

    if (!has_tls(req))
        return;
    wanted = kzalloc(sizeof(*wanted));
    if (!wanted) {
        answer_no_memory(req);
        return;
    }
    put(req, wanted);
    mem_wipe(wanted, sizeof(*wanted));
    kfree(wanted);
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
        answer_pool(req);
}
