/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/nbd/nbd_client.c mgmt/nbd/nbd_client_reply.c core/lib/str.c */
/* Any bytes as a server of NBD, whole and byte by byte: both give the same events and data, nothing
 * lies outside of what was asked for, and without TLS where it is wanted nothing is reached. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/nbd/nbd_client.h"

#define BYTES 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t hash;
    unsigned events[NBD_CLIENT_BAD + 1];
    unsigned fails, dones;
};

static struct nbd_client client;
static struct outcome outcome;
static uint8_t memory[BYTES];

/* Even cookies are reads. */
static int find(void *arg, u64 cookie, u64 *offset, u32 *bytes)
{
    (void)arg;
    if (cookie > 3)
        return -ENOENT;
    *offset = cookie * 4096;
    *bytes = cookie % 2 == 0 ? BYTES : 0;
    return 0;
}

static void take(void *arg, u64 cookie, u32 at, const u8 *data, u32 bytes)
{
    (void)arg;
    if (cookie > 3 || cookie % 2 != 0 || at > BYTES || bytes > BYTES - at || bytes == 0)
        abort();
    if (data)
        memcpy(memory + at, data, bytes);
    else
        memset(memory + at, 0, bytes);
}

static void fail(void *arg, u64 cookie, u32 error)
{
    (void)arg;
    if (cookie > 3 || error == 0)
        abort();
    outcome.fails++;
}

static void done(void *arg, u64 cookie)
{
    (void)arg;
    if (cookie > 3)
        abort();
    outcome.dones++;
    for (unsigned i = 0; i < BYTES; i++)
        outcome.hash = (outcome.hash ^ memory[i]) * 0x100000001b3ull;
}

/* The handshake of a server that behaves, for what comes after it. Return: bytes. */
static size_t put_handshake(u8 *out, bool is_structured)
{
    u8 *to = nbd_put(out, NBD_MAGIC_GREETING, 8);

    to = nbd_put(to, NBD_MAGIC_OPTION, 8);
    to = nbd_put(to, 3, 2);
    to = nbd_put(to, NBD_MAGIC_REPLY, 8);
    to = nbd_put(to, NBD_OPT_STRUCTURED_REPLY, 4);
    to = nbd_put(to, is_structured ? NBD_REP_ACK : NBD_REP_ERR_UNSUP, 4);
    to = nbd_put(to, 0, 4);
    to = nbd_put(to, NBD_MAGIC_REPLY, 8);
    to = nbd_put(to, NBD_OPT_GO, 4);
    to = nbd_put(to, NBD_REP_INFO, 4);
    to = nbd_put(to, 12, 4);
    to = nbd_put(to, NBD_INFO_EXPORT, 2);
    to = nbd_put(to, 1 * MiB, 8);
    to = nbd_put(to, NBD_FLAG_HAS_FLAGS, 2);
    to = nbd_put(to, NBD_MAGIC_REPLY, 8);
    to = nbd_put(to, NBD_OPT_GO, 4);
    to = nbd_put(to, NBD_REP_ACK, 4);
    to = nbd_put(to, 0, 4);
    return (size_t)(to - out);
}

static struct outcome feed(const uint8_t *data, size_t size, size_t step, bool wants_tls)
{
    static const struct nbd_client_ops ops = {
        .find = find, .take = take, .fail = fail, .done = done};
    bool is_over = false;

    memset(memory, 0, sizeof(memory));
    outcome = (struct outcome){0};
    nbd_client_init(&client, "export", wants_tls);
    for (size_t at = 0; at < size && !is_over;) {
        size_t bytes = size - at < step ? size - at : step, used = 0;
        enum nbd_client_event event = nbd_client_feed(&client, &ops, data + at, bytes, &used);

        if (used > bytes || used == 0 || client.out_len > NBD_CLIENT_OUT_MAX)
            abort();
        at += used;
        outcome.events[event] += event != NBD_CLIENT_MORE;
        is_over = event == NBD_CLIENT_BAD || event == NBD_CLIENT_STARTTLS;
        if (wants_tls && (event == NBD_CLIENT_BEGIN || outcome.dones > 0))
            abort();
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t all[256 + 16384];
    struct outcome whole, pieces;
    bool wants_tls;
    size_t front;

    if (size == 0 || size > 16384)
        return 0;
    wants_tls = data[0] % 4 == 1;
    front = data[0] % 4 < 2 ? 0 : put_handshake(all, data[0] % 4 == 3);
    memcpy(all + front, data + 1, size - 1);
    size += front - 1;
    whole = feed(all, size, size + 1, wants_tls);
    pieces = feed(all, size, 1, wants_tls);
    if (memcmp(&whole, &pieces, sizeof(whole)) != 0)
        abort();
    return 0;
}
