/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server from and to JSON. */
#include "mgmt/nbd/nbd_json.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "mgmt/nbd/nbd.h"

static struct nbd_server *server_of(const struct body_reader *r)
{
    return r->item;
}

static int read_host(struct body_reader *r, const struct json_node *node)
{
    struct nbd_server *server = server_of(r);

    if (json_get_string(r->doc, node, server->host, sizeof(server->host)) == 0 &&
        outgoing_host_is_valid(server->host))
        return 0;
    return body_bad(r, node, "This value must be a host's name or address.",
                    "Use \"store.example\", \"192.0.2.7\" or \"2001:db8::7\".");
}

static int read_port(struct body_reader *r, const struct json_node *node)
{
    u64 port = 0;
    int rc = body_number(r, node, 65535, &port);

    server_of(r)->port = (u16)port;
    if (rc == 0 && port == 0)
        rc = body_bad(r, node, "There is no port 0.", "NBD's own is 10809.");
    return rc;
}

static int read_ca(struct body_reader *r, const struct json_node *node)
{
    struct nbd_server *server = server_of(r);

    if (json_get_string(r->doc, node, server->ca, sizeof(server->ca)) == 0)
        return 0;
    return body_bad(r, node, "This value must be a CA's certificate in PEM, below 4 KiB.",
                    "Send what is in the file, with its line breaks as \\n.");
}

static int read_pin(struct body_reader *r, const struct json_node *node)
{
    struct nbd_server *server = server_of(r);

    server->has_pin = true;
    return body_sha256(r, node, server->pin);
}

static int read_tls(struct body_reader *r, const struct json_node *node)
{
    static const struct body_member members[] = {{"ca", read_ca}, {"certificate_sha256", read_pin}};
    u32 seen;
    int rc;

    if (node->type == JSON_NULL)
        return 0;
    server_of(r)->has_tls = true;
    rc = body_object(r, node, members, ARRAY_SIZE(members), &seen);
    if (rc == 0 && seen != 1 && seen != 2)
        rc = body_bad(r, node, "TLS needs to know whom to trust, by one of the two ways.",
                      "Use {\"ca\": \"-----BEGIN …\"} or {\"certificate_sha256\": \"…\"}.");
    return rc;
}

int nbd_json_read(struct body_reader *r, const struct json_node *node, struct nbd_server *server)
{
    static const struct body_member members[] = {
        {"host", read_host}, {"port", read_port}, {"tls", read_tls}};
    u32 seen;
    int rc;

    server->port = NBD_PORT;
    r->item = server;
    rc = body_object(r, node, members, ARRAY_SIZE(members), &seen);
    if (rc == 0 && !(seen & 1u))
        rc = body_bad(r, node, "This value must say where the server is.",
                      "Use {\"host\": \"store.example\", \"port\": 10809}.");
    return rc;
}

static void write_pin(struct json_writer *w, const u8 pin[SHA256_BYTES])
{
    char text[2 * SHA256_BYTES + 1];

    hex_write(text, pin, SHA256_BYTES);
    json_put_string(w, "certificate_sha256", text);
}

void nbd_json_write(struct json_writer *w, const struct nbd_server *server)
{
    json_object_begin(w);
    json_put_string(w, "host", server->host);
    json_put_u64(w, "port", server->port);
    json_key(w, "tls");
    if (server->has_tls) {
        json_object_begin(w);
        if (server->has_pin)
            write_pin(w, server->pin);
        else
            json_put_string(w, "ca", server->ca);
        json_object_end(w);
    } else {
        json_null(w);
    }
    json_object_end(w);
}
