/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of a remote volume share: nbd_remote.c (requests and their life),
 * nbd_remote_command.c (what the server is asked) and nbd_remote_link.c (the connection and its
 * bytes). Private to them.
 */
#ifndef SOCLE_MGMT_NBD_REMOTE_IMPL_H
#define SOCLE_MGMT_NBD_REMOTE_IMPL_H

#include "core/x86/spinlock.h"
#include "mgmt/nbd/nbd_client.h"
#include "mgmt/nbd/nbd_remote.h"

#define NBD_COMMANDS_MAX 64u        /* under way at the server */
#define NBD_PIECE_MAX    (1u * MiB) /* of a read or a write in one command */
#define NBD_RANGE_MAX    (1u << 30) /* of a discard or zeroes */
#define NBD_SILENCE_NS   (30 * NS_PER_S)

enum nbd_remote_state { NBD_REMOTE_FREE, NBD_REMOTE_WAITS, NBD_REMOTE_SENT };

/* A request, or the piece of it that the server has. */
struct nbd_remote_command {
    enum nbd_remote_state state;
    struct volume_req *req; /* NULL: nobody waits for its reply any more */
    u64 cookie;             /* grows: the smallest is the oldest */
    bool is_read;
    bool is_flush;
    u64 place;   /* of the piece, in bytes of the export */
    u64 at;      /* bytes of the request that are done */
    u32 bytes;   /* of the piece */
    u32 covered; /* of it, by what a read has brought */
    int status;
    u64 written; /* a flush's: the writes it covers */
};

struct nbd_remote {
    struct volume volume; /* first */
    struct list link;     /* of all */
    const struct nbd_server *server;
    void (*on_end)(void);
    char export[NBD_NAME_MAX + 1];

    struct spinlock lock;
    struct list submitted; /* lock */

    struct outgoing *o; /* NULL: there is no connection */
    struct nbd_client client;
    bool is_online;
    char reason[OUTGOING_WHY_MAX + 1];
    u64 down_ns;  /* since when; 0: not */
    u64 retry_ns; /* when to connect again */
    u32 failures;

    struct nbd_remote_command commands[NBD_COMMANDS_MAX];
    struct nbd_remote_command *sending; /* NULL, or the one of which a part has been sent */
    u32 sent;                           /* bytes of it: head and data */
    u8 head[NBD_REQUEST_BYTES];
    u64 last_cookie;
    u64 written;   /* writes done */
    u64 flushed;   /* those of them that are safe */
    bool has_lost; /* some may be lost: the next flush fails */
};

/* The piece that a command sends next, checked against what the server takes. Return: false: it is
 * over, without the server. */
bool nbd_remote_prepare(struct nbd_remote *r, struct nbd_remote_command *command) must_check;

/* Calls done(); the command is free. */
void nbd_remote_finish(struct nbd_remote_command *command, int status);

/* The connection is gone: commands will be sent again. */
void nbd_remote_lost(struct nbd_remote *r);

/* What the server has answered. */
extern const struct nbd_client_ops nbd_remote_replies;

/* Begins to connect; ends the connection, with the reason, a sentence. */
void nbd_remote_connect(struct nbd_remote *r);
void nbd_remote_drop(struct nbd_remote *r, const char *why);

/* Sends commands while there is room. */
void nbd_remote_pump(struct nbd_remote *r);

/* The memory of a request at a byte of it, and how many follow in one piece. */
u8 *nbd_remote_memory(const struct volume_req *req, u64 at, u32 *bytes);

#endif
