/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of NBD: the fixed newstyle handshake with an export by name, the heads of
 * commands, and replies, simple or structured, out of a stream of bytes, in fixed memory.
 *
 * nbd_client_feed() takes bytes until something has happened. After every event but
 * NBD_CLIENT_MORE, what is in `out` has to be sent before the next call. The server is as hostile
 * as any network peer: each length is bounded, and a reply counts only for a command that its owner
 * says is under way, for as many bytes as that asked for. Pure: no lock, no time.
 *
 * Spec: NBD protocol, "Fixed newstyle negotiation", "Transmission phase", "Structured reply chunk
 * message".
 */
#ifndef SOCLE_MGMT_NBD_CLIENT_H
#define SOCLE_MGMT_NBD_CLIENT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/nbd/nbd.h"
#include "mgmt/nbd/nbd_wire.h"

#define NBD_CLIENT_REPLIES_MAX 64u         /* answers to options, of a connection */
#define NBD_CLIENT_REPLY_MAX   (64u * KiB) /* an answer's text, or an error's, which is skipped */
#define NBD_CLIENT_OUT_MAX     (NBD_OPTION_HEAD_BYTES * 3 + 4 + 4 + NBD_NAME_MAX + 4)

/* What the server says of the export. */
struct nbd_export_facts {
    u64 bytes;
    u32 block_min; /* requests are multiples of it; 1 if the server does not say */
    u32 block_max; /* bytes of a read or a write */
    bool is_read_only;
    bool can_flush;
    bool can_trim;
    bool can_write_zeroes;
};

/* Whose commands the replies are for. */
struct nbd_client_ops {
    /* A reply to this command begins. Return: 0, and how many bytes it reads (0: it is no read);
     * -ENOENT: there is no such command under way. */
    int (*find)(void *arg, u64 cookie, u64 *offset, u32 *bytes);
    /* Bytes of the read, `at` from its beginning on; data: NULL: zeroes. All lies within it. */
    void (*take)(void *arg, u64 cookie, u32 at, const u8 *data, u32 bytes);
    /* It has an error, the server's number for it, never 0. */
    void (*fail)(void *arg, u64 cookie, u32 error);
    /* Nothing more comes for it. */
    void (*done)(void *arg, u64 cookie);
    void *arg;
};

enum nbd_client_event {
    NBD_CLIENT_MORE,     /* all bytes taken */
    NBD_CLIENT_SEND,     /* there is something to send */
    NBD_CLIENT_STARTTLS, /* TLS is to begin, then nbd_client_secured() */
    NBD_CLIENT_BEGIN,    /* `facts` are known: commands may be sent */
    NBD_CLIENT_BAD,      /* `error` says why; nothing more may be fed */
};

enum nbd_client_state {
    NBD_CLIENT_GREETING,
    NBD_CLIENT_OPTION,      /* the head of an answer to one */
    NBD_CLIENT_OPTION_DATA, /* what it says */
    NBD_CLIENT_REPLY,       /* the head of a reply */
    NBD_CLIENT_CHUNK,       /* of a structured one */
    NBD_CLIENT_DATA,        /* of a read */
    NBD_CLIENT_ERROR,       /* what an error chunk says */
};

struct nbd_client {
    struct nbd_export_facts facts;
    const char *error; /* a half sentence: "has no such export" */
    u8 out[NBD_CLIENT_OUT_MAX];
    u32 out_len;

    /* Private. */
    enum nbd_client_state state;
    const char *name; /* borrowed */
    u32 option;       /* that an answer is expected to */
    bool wants_tls;
    bool is_structured;
    bool knows_size;
    u32 replies;
    u32 reply; /* kind of the answer */
    u32 in_len;
    u32 want; /* bytes that are collected or passed on */
    u32 skip; /* bytes behind them that nobody looks at */
    /* The command whose reply is coming in. */
    u64 cookie;
    u64 offset;
    u32 bytes; /* that it reads */
    u32 at;    /* where in them its data go next */
    bool is_last;
    u8 in[32];
};

/* wants_tls: nothing is said, not even the name, before TLS. name: the export's, at most
 * NBD_NAME_MAX bytes; borrowed. */
void nbd_client_init(struct nbd_client *c, const char *name, bool wants_tls);

/* TLS's handshake is done: goes on with what is in `out`. */
void nbd_client_secured(struct nbd_client *c);

/* Return: what happened; *used bytes of data are done with. */
enum nbd_client_event nbd_client_feed(struct nbd_client *c, const struct nbd_client_ops *ops,
                                      const u8 *data, size_t len, size_t *used);

/* The head of a command; the data of a write follow it. */
void nbd_client_command(u8 out[NBD_REQUEST_BYTES], const struct nbd_command *command);

#endif
