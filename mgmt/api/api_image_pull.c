/* SPDX-License-Identifier: BSD-2-Clause */
/* POST /images: what the host is to fetch by URL. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/api_image.h"
#include "mgmt/api/api_tasks.h"
#include "mgmt/api/body.h"
#include "mgmt/api/image_pull.h"
#include "mgmt/tls/tls_client.h"
#include "mm/kheap.h"

static struct pull_spec *spec_of(const struct body_reader *r)
{
    return r->out;
}

static int read_name(struct body_reader *r, const struct json_node *node)
{
    int rc = body_text(r, node, spec_of(r)->name, sizeof(spec_of(r)->name));

    if (rc || image_name_is_valid(spec_of(r)->name))
        return rc;
    return body_bad(r, node, "This cannot be the name of an image.",
                    "Use 1 to 63 letters, digits and -_.+~, beginning with a letter or digit.");
}

static int read_url(struct body_reader *r, const struct json_node *node)
{
    static char text[URL_MAX + 1]; /* large; one thread answers */
    const char *why = "The URL is no text of at most 2047 characters.";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        url_parse(text, &spec_of(r)->url, &why) == 0)
        return 0;
    return body_bad(r, node, why, "Use a URL such as https://host/path/file.img.");
}

static int read_digest(struct body_reader *r, const struct json_node *node)
{
    spec_of(r)->has_sha256 = true;
    return body_sha256(r, node, spec_of(r)->sha256);
}

static int read_pin(struct body_reader *r, const struct json_node *node)
{
    spec_of(r)->has_pin = true;
    return body_sha256(r, node, spec_of(r)->pin);
}

static int read_kind(struct body_reader *r, const struct json_node *node)
{
    char text[16];

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        api_image_kind(text, &spec_of(r)->kind))
        return 0;
    return body_bad(r, node, "There is no such kind of image.",
                    "Use raw, qcow2, iso, kernel or initrd.");
}

static int read_pool(struct body_reader *r, const struct json_node *node)
{
    return body_text(r, node, spec_of(r)->pool, sizeof(spec_of(r)->pool));
}

static int read_ca(struct body_reader *r, const struct json_node *node)
{
    struct pull_spec *spec = spec_of(r);

    if (!spec->ca)
        spec->ca = kmalloc(TLS_CA_PEM_MAX + 1);
    if (!spec->ca)
        return body_refuse(r, node, "no_memory", "The host has no memory for this certificate.",
                           "Stop a VM or delete an image.");
    if (json_get_string(r->doc, node, spec->ca, TLS_CA_PEM_MAX + 1) == 0)
        return 0;
    return body_bad(r, node, "The CA's certificates must be a text of at most 16 KiB.",
                    "Give the CA's own certificate in PEM.");
}

static int refuse(struct req *req, const char *slug, const char *pointer, const char *detail,
                  const char *hint)
{
    api_error(req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

/* Nothing that could have been replaced on its way becomes an image. */
static int check_trust(struct req *req, const struct pull_spec *spec)
{
    struct outgoing_trust trust = {.ca = spec->ca};
    const char *why;

    memcpy(trust.pin, spec->pin, sizeof(trust.pin));
    if (spec->ca && spec->has_pin)
        return refuse(req, "bad_value", "/certificate_sha256",
                      "Either a CA or one certificate is trusted, not both.",
                      "Leave out \"ca\" or \"certificate_sha256\".");
    if (spec->ca && outgoing_check_trust(&trust, &why))
        return refuse(req, "bad_value", "/ca", why, "Give the CA's own certificate in PEM.");
    if (spec->url.is_https && !spec->ca && !spec->has_pin)
        return refuse(req, "semantic", "/url",
                      "The host has no list of certificate authorities, so nothing says which "
                      "server to trust.",
                      "Give the CA's certificate as \"ca\", or the server's SHA-256 as "
                      "\"certificate_sha256\".");
    if (!spec->url.is_https && !spec->has_sha256)
        return refuse(req, "semantic", "/sha256",
                      "What comes by http:// could have been replaced on its way.",
                      "Give the file's SHA-256 as \"sha256\", or use https://.");
    return 0;
}

static int check_name(struct req *req, const struct pull_spec *spec)
{
    if (!image_pull_has(spec->name) && !api_image_uploading(spec->name))
        return 0;
    return refuse(req, "in_use", "/name", "An image of that name is being uploaded or pulled.",
                  "Wait until it is there, or cancel its task.");
}

/* Return: 0; -EINVAL after answering. */
static int read_spec(struct req *req, struct pull_spec *spec)
{
    static const struct body_member members[] = {
        {"name", read_name},
        {"url", read_url},
        {"sha256", read_digest},
        {"kind", read_kind},
        {"pool", read_pool},
        {"ca", read_ca},
        {"certificate_sha256", read_pin},
    };
    struct body_reader r = {.req = req, .out = spec};
    u32 seen;
    int rc = body_read(&r, members, ARRAY_SIZE(members), &seen);

    if (rc == 0 && (seen & 3) != 3)
        rc = refuse(req, "bad_value", seen & 1 ? "/url" : "/name",
                    "Name and URL of the image must be given.",
                    "Use {\"name\": \"debian\", \"url\": \"https://…\", \"sha256\": \"…\"}.");
    if (rc == 0 && spec->pool[0] && strcmp(spec->pool, POOL_RAM) != 0 && !pools_find(spec->pool))
        rc = refuse(req, "bad_value", "/pool", "There is no pool of that name.",
                    "GET /api/v1/pools lists them.");
    if (rc == 0)
        rc = check_trust(req, spec);
    return rc ? rc : check_name(req, spec);
}

void api_images_post(struct req *req)
{
    static struct pull_spec spec; /* large; one thread answers */
    struct job *job = NULL;

    spec = (struct pull_spec){.kind = IMAGE_GUESSED};
    if (read_spec(req, &spec) == 0) {
        job = image_pull(&spec);
        if (job)
            api_task_answer(req, job);
        else
            api_error(req, &(struct problem){
                               .slug = "busy",
                               .detail = "As many images are being pulled as there can be.",
                               .hint = "Wait until a task of kind image.pull has ended.",
                               .retry_after_s = 10,
                           });
    }
    if (!job)
        kfree(spec.ca);
}
