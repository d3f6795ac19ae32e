/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/nbd/nbd.c mgmt/nbd/nbd_command.c core/lib/str.c */
/* Any bytes as a client of NBD, whole and byte by byte: both give the same events and answers, and
 * nobody gets to commands without the right name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/nbd/nbd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t hash; /* of answers and commands */
    unsigned events[NBD_EVENT_BAD + 1];
};

static struct nbd nbd;
static bool was_found;

static int find(void *arg, const char *name, struct nbd_disk *out)
{
    (void)arg;
    if (strlen(name) > NBD_NAME_MAX)
        abort();
    if (name[0] != 'x')
        return name[0] == 'y' ? -EPERM : -ENOENT;
    was_found = true;
    *out = (struct nbd_disk){.bytes = 1 * MiB, .block_bytes = 512, .can_trim = true};
    return 0;
}

static void take(struct outcome *out, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out->hash = (out->hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3ull;
}

static void on_command(struct outcome *out)
{
    const struct nbd_command *c = &nbd.command;

    take(out, &c->offset, sizeof(c->offset));
    take(out, &c->length, sizeof(c->length));
    if (!was_found)
        abort();
    if (nbd_check(c, &nbd.disk) == NBD_OK &&
        (c->offset > nbd.disk.bytes || c->length > nbd.disk.bytes - c->offset || c->length % 512))
        abort();
}

static struct outcome feed(const uint8_t *data, size_t size, size_t step, enum nbd_tls tls)
{
    static const struct nbd_ops ops = {.find = find};
    struct outcome out = {0};
    bool is_over = false;

    was_found = false;
    nbd_init(&nbd, tls);
    for (size_t at = 0; at < size && !is_over;) {
        size_t bytes = size - at < step ? size - at : step, used = 0;
        enum nbd_event event = nbd_feed(&nbd, &ops, data + at, bytes, &used);

        if (used > bytes || used == 0 || nbd.out_len > NBD_OUT_MAX)
            abort();
        at += used;
        take(&out, nbd.out, nbd.out_len);
        out.events[event] += event != NBD_EVENT_MORE;
        if (event == NBD_EVENT_COMMAND)
            on_command(&out);
        if (event == NBD_EVENT_STARTTLS)
            nbd_secured(&nbd);
        is_over = event == NBD_EVENT_BAD || event == NBD_EVENT_END;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;
    enum nbd_tls tls;

    if (size == 0)
        return 0;
    tls = data[0] % 3;
    whole = feed(data + 1, size - 1, size, tls);
    pieces = feed(data + 1, size - 1, 1, tls);
    if (memcmp(&whole, &pieces, sizeof(whole)) != 0)
        abort();
    return 0;
}
