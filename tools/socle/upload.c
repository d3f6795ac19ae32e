/* SPDX-License-Identifier: BSD-2-Clause */
/* The upload of a file, with its SHA-256 made on the way. */
#include "tools/socle/upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/lib/sha256.h"
#include "tools/socle/progress.h"

#define GUESS_BYTES  0x8006u
#define BZIMAGE_SIGN 0x202u  /* Spec: Linux boot protocol, "header" */
#define ISO_SIGN     0x8001u /* Spec: ECMA-119, standard identifier in sector 16 */

static bool has(const char *data, size_t len, size_t at, const char *sign, size_t sign_len)
{
    return len >= at + sign_len && memcmp(data + at, sign, sign_len) == 0;
}

const char *upload_guess(const char *file, bool *is_elf)
{
    static char data[GUESS_BYTES];
    FILE *f = fopen(file, "rb");
    size_t len = f ? fread(data, 1, sizeof(data), f) : 0;

    *is_elf = false;
    if (!f)
        return NULL;
    fclose(f);
    *is_elf = has(data, len, 0, "\177ELF", 4);
    if (*is_elf || has(data, len, BZIMAGE_SIGN, "HdrS", 4))
        return "kernel";
    if (has(data, len, 0, "QFI\373", 4))
        return "qcow2";
    if (has(data, len, ISO_SIGN, "CD001", 5))
        return "iso";
    if (has(data, len, 0, "\037\213", 2) || has(data, len, 0, "070701", 6) ||
        has(data, len, 0, "\3757zXZ", 6) || has(data, len, 0, "\050\265\057\375", 4))
        return "initrd";
    return "raw";
}

struct upload {
    FILE *file;
    struct sha256 sha;
    struct progress progress;
};

static long give(void *context, char *data, size_t room)
{
    struct upload *u = context;
    size_t len = fread(data, 1, room, u->file);

    if (len == 0 && ferror(u->file))
        return -1;
    sha256_update(&u->sha, data, len);
    progress_add(&u->progress, len);
    return (long)len;
}

static enum outcome check(struct upload *u, const struct http_reply *reply, const char *name,
                          json_t **answer)
{
    u8 digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    json_t *image;
    bool is_same;

    if (reply->status != 200 && reply->status != 201)
        return api_problem(reply);
    sha256_final(&u->sha, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    image = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    is_same = strcmp(member_text(image, "sha256"), hex) == 0;
    if (answer)
        *answer = image;
    else
        json_decref(image);
    return is_same ? DONE : say(REFUSED, "the image %s on the host is not what was sent.", name);
}

static enum outcome send_file(struct cli *cli, struct upload *u, u64 bytes, const char *name,
                              const char *kind, json_t **answer)
{
    char *path = api_path("/images/", name, "?kind=", kind, NULL);
    struct http_reply reply;
    enum outcome outcome;

    sha256_init(&u->sha);
    progress_begin(&u->progress, name, bytes);
    outcome = http_do(cli->http,
                      &(struct http_request){
                          .method = "PUT",
                          .path = path,
                          .content_type = "application/octet-stream",
                          .source = give,
                          .source_bytes = bytes,
                          .context = u,
                      },
                      &reply);
    progress_end(&u->progress);
    if (outcome == DONE)
        outcome = check(u, &reply, name, answer);
    http_release(&reply);
    free(path);
    return outcome;
}

enum outcome upload_file(struct cli *cli, const char *file, const char *name, const char *kind,
                         json_t **answer)
{
    struct upload u = {.file = fopen(file, "rb")};
    enum outcome outcome;
    struct stat facts;

    if (answer)
        *answer = NULL;
    if (!u.file)
        return say(MISUSED, "%s: %s", file, strerror(errno));
    if (fstat(fileno(u.file), &facts) || !S_ISREG(facts.st_mode))
        outcome = say(MISUSED, "%s is not a file.", file);
    else
        outcome = send_file(cli, &u, (u64)facts.st_size, name, kind, answer);
    fclose(u.file);
    return outcome;
}
