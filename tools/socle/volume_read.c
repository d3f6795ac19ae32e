/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of a volume's data, the least recently used of which makes room. */
#include "tools/socle/volume_read.h"

#include <string.h>

#define PIECE_BYTES (1u << 20)
#define PIECES      8u /* a file's, its metadata's */
#define NO_PIECE    UINT64_MAX

struct piece {
    u64 number; /* its offset in PIECE_BYTES, or NO_PIECE */
    u64 used;   /* when, by the reader's count */
    char *data;
};

struct volume_reader {
    struct cli *cli;
    char *path;
    u64 bytes, clock;
    struct piece pieces[PIECES];
};

struct volume_reader *volume_reader_open(struct cli *cli, const char *volume, u64 bytes)
{
    struct volume_reader *reader = mem_resize(NULL, sizeof(*reader));

    *reader = (struct volume_reader){
        .cli = cli, .path = api_path("/volumes/", volume, "/data", NULL), .bytes = bytes};
    for (u32 i = 0; i < PIECES; i++)
        reader->pieces[i].number = NO_PIECE;
    return reader;
}

void volume_reader_close(struct volume_reader *reader)
{
    if (!reader)
        return;
    for (u32 i = 0; i < PIECES; i++)
        free(reader->pieces[i].data);
    free(reader->path);
    free(reader);
}

u64 volume_reader_bytes(const struct volume_reader *reader)
{
    return reader->bytes;
}

static u64 piece_len(const struct volume_reader *reader, u64 number)
{
    u64 left = reader->bytes - number * PIECE_BYTES;

    return left < PIECE_BYTES ? left : PIECE_BYTES;
}

static bool fetch(struct volume_reader *reader, struct piece *piece, u64 number)
{
    struct http_reply reply;
    struct http_request request = {
        .method = "GET",
        .path = reader->path,
        .range_at = number * PIECE_BYTES,
        .range_len = piece_len(reader, number),
    };
    bool is_read = http_do(reader->cli->http, &request, &reply) == DONE;

    piece->number = NO_PIECE;
    if (is_read && reply.status != 206 && reply.status != 200) {
        (void)api_problem(&reply);
        is_read = false;
    } else if (is_read && reply.body.len != request.range_len) {
        (void)say(REFUSED, "the host sent another part of the volume than it was asked for.");
        is_read = false;
    }
    if (is_read) {
        free(piece->data);
        piece->data = reply.body.data;
        reply.body.data = NULL;
        piece->number = number;
    }
    http_release(&reply);
    return is_read;
}

/* Return: NULL after telling why it cannot be read. */
static const struct piece *find(struct volume_reader *reader, u64 number)
{
    struct piece *oldest = &reader->pieces[0];

    for (u32 i = 0; i < PIECES; i++) {
        struct piece *piece = &reader->pieces[i];

        if (piece->number == number) {
            piece->used = ++reader->clock;
            return piece;
        }
        if (piece->used < oldest->used)
            oldest = piece;
    }
    if (!fetch(reader, oldest, number))
        return NULL;
    oldest->used = ++reader->clock;
    return oldest;
}

bool volume_read(struct volume_reader *reader, u64 offset, void *dst, size_t bytes)
{
    char *to = dst;

    if (offset > reader->bytes || bytes > reader->bytes - offset)
        return false;
    while (bytes > 0) {
        const struct piece *piece = find(reader, offset / PIECE_BYTES);
        size_t at = (size_t)(offset % PIECE_BYTES), len;

        if (!piece)
            return false;
        len = PIECE_BYTES - at < bytes ? PIECE_BYTES - at : bytes;
        memcpy(to, piece->data + at, len);
        to += len;
        offset += len;
        bytes -= len;
    }
    return true;
}
