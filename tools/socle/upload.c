/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upload of a file, with its SHA-256 made on the way.
 *
 * When the connection breaks the host is asked how far it is, and the rest is sent over another one
 * (PATCH), until nothing has moved for ATTEMPTS_MAX attempts.
 */
#include "tools/socle/upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/lib/hex.h"
#include "core/lib/sha256.h"
#include "tools/socle/progress.h"
#include "tools/socle/text.h"

#define ANEW         UINT64_MAX /* an offset */
#define ATTEMPTS_MAX 7u         /* without a byte of progress: about half a minute */
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
    const char *name; /* of the image */
    const char *kind;
    u64 bytes;
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

/* SHA-256 of the file's first bytes goes into u->sha, and the rest is next to be read. */
static enum outcome rewind_to(struct upload *u, u64 offset, const char *name)
{
    char data[65536];

    sha256_init(&u->sha);
    rewind(u->file);
    for (u64 at = 0; at < offset;) {
        size_t want = offset - at < sizeof(data) ? (size_t)(offset - at) : sizeof(data);
        size_t len = fread(data, 1, want, u->file);

        if (len == 0)
            return say(MISUSED, "%s has become shorter while it was sent.", name);
        sha256_update(&u->sha, data, len);
        at += len;
    }
    progress_begin(&u->progress, name, u->bytes);
    u->progress.done_bytes = u->progress.from_bytes = offset;
    return DONE;
}

static bool is_same(struct upload *u, const json_t *image)
{
    u8 digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];

    sha256_final(&u->sha, digest);
    hex_write(hex, digest, sizeof(digest));
    return strcmp(member_text(image, "sha256"), hex) == 0;
}

static enum outcome check(struct upload *u, const struct http_reply *reply, json_t **answer)
{
    json_t *image;
    bool is_right;

    if (reply->status != 200 && reply->status != 201)
        return api_problem(reply);
    image = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    is_right = is_same(u, image);
    if (answer)
        *answer = image;
    else
        json_decref(image);
    return is_right ? DONE
                    : say(REFUSED, "the image %s on the host is not what was sent.", u->name);
}

/* Sends the file from `offset`, or anew. Return: what http_do does, and the host's
 * reply. */
static enum outcome send_from(struct cli *cli, struct upload *u, u64 offset,
                              struct http_reply *reply)
{
    bool is_new = offset == ANEW;
    char *path = is_new ? api_path("/images/", u->name, "?kind=", u->kind, NULL)
                        : api_path("/images/", u->name, NULL);
    enum outcome outcome = rewind_to(u, is_new ? 0 : offset, u->name);

    memset(reply, 0, sizeof(*reply));
    if (outcome == DONE) {
        outcome = http_do(cli->http,
                          &(struct http_request){
                              .method = is_new ? "PUT" : "PATCH",
                              .path = path,
                              .content_type = "application/octet-stream",
                              .source = give,
                              .source_bytes = is_new ? u->bytes : u->bytes - offset,
                              .context = u,
                              .can_resume = true,
                              .has_offset = !is_new,
                              .offset = offset,
                              .is_quiet = true,
                          },
                          reply);
        progress_end(&u->progress);
    }
    free(path);
    return outcome;
}

/* Asks how far the host is. Return: false: it cannot be reached. *offset: ANEW: nothing is there to
 * go on with. */
static bool ask_offset(struct cli *cli, struct upload *u, u64 *offset, bool *is_complete)
{
    char *path = api_path("/images/", u->name, NULL);
    struct http_reply reply;
    enum outcome outcome =
        http_do(cli->http, &(struct http_request){.method = "HEAD", .path = path, .is_quiet = true},
                &reply);

    *offset =
        outcome == DONE && reply.status == 200 && reply.has_offset ? reply.upload_offset : ANEW;
    *is_complete = *offset != ANEW && reply.is_complete;
    http_release(&reply);
    free(path);
    return outcome == DONE;
}

/* The image was complete before its answer got lost; or it is an older one of that name. */
static bool is_there(struct cli *cli, struct upload *u, json_t **answer)
{
    char *path = api_path("/images/", u->name, NULL);
    json_t *image = NULL;
    long status;
    bool is_right = api_try(cli, "GET", path, NULL, &image, &status) == DONE && status == 200 &&
                    rewind_to(u, u->bytes, u->name) == DONE && is_same(u, image);

    if (is_right && answer)
        *answer = json_incref(image);
    json_decref(image);
    free(path);
    return is_right;
}

/* Waits longer each time. Return: false after the last. */
static bool pause_before(const struct upload *u, u32 attempt)
{
    u32 seconds = 1u << (attempt < 4 ? attempt : 3);
    char done[TEXT_NUMBER_MAX];

    if (attempt >= ATTEMPTS_MAX)
        return false;
    text_size(done, u->progress.done_bytes);
    (void)say(DONE, "%s: the connection broke at about %s; going on in %u s.", u->name, done,
              seconds);
    sleep(seconds);
    return true;
}

static enum outcome send_file(struct cli *cli, struct upload *u, json_t **answer)
{
    struct http_reply reply;
    enum outcome outcome = send_from(cli, u, ANEW, &reply);
    bool is_complete = false;
    u64 offset, before = 0;
    u32 attempt = 0;

    if (reply.is_broken && u->progress.done_bytes == 0)
        return say(NOT_REACHED, "cannot reach %s: %s", cli->host.url, http_error(cli->http));
    while (reply.is_broken || (outcome == DONE && reply.status == 409 && reply.has_offset)) {
        bool has_moved = reply.is_broken && u->progress.done_bytes > before;

        attempt = has_moved ? 0 : attempt + 1;
        before = u->progress.done_bytes;
        http_release(&reply);
        do {
            if (!pause_before(u, attempt))
                return say(NOT_REACHED, "cannot reach %s; %s was not uploaded: %s", cli->host.url,
                           u->name, http_error(cli->http));
            attempt++;
        } while (!ask_offset(cli, u, &offset, &is_complete));
        if (is_complete && is_there(cli, u, answer))
            return DONE;
        if (is_complete || offset > u->bytes)
            offset = ANEW;
        outcome = send_from(cli, u, offset, &reply);
    }
    if (outcome == DONE)
        outcome = check(u, &reply, answer);
    http_release(&reply);
    return outcome;
}

enum outcome upload_file(struct cli *cli, const char *file, const char *name, const char *kind,
                         json_t **answer)
{
    struct upload u = {.file = fopen(file, "rb"), .name = name, .kind = kind};
    enum outcome outcome;
    struct stat facts;

    if (answer)
        *answer = NULL;
    if (!u.file)
        return say(MISUSED, "%s: %s", file, strerror(errno));
    if (fstat(fileno(u.file), &facts) || !S_ISREG(facts.st_mode))
        outcome = say(MISUSED, "%s is not a file.", file);
    else {
        u.bytes = (u64)facts.st_size;
        outcome = send_file(cli, &u, answer);
    }
    fclose(u.file);
    return outcome;
}
