/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of NBD, the network block device protocol: the fixed newstyle handshake and the
 * commands, out of a stream of bytes, in fixed memory.
 *
 * nbd_feed() takes bytes until something has happened. After every event but NBD_EVENT_MORE, what
 * is in `out` has to be sent before the next call. The bytes that a write carries are not for
 * nbd_feed(): whoever carries the command out takes them from the stream first.
 *
 * What a client may see is the business of whoever is asked by nbd_ops: a client has to name an
 * export, and there is no list of them. Pure: no lock, no time.
 *
 * Spec: NBD protocol, "Fixed newstyle negotiation", "Transmission phase", "Structured reply chunk
 * message".
 */
#ifndef SOCLE_MGMT_NBD_H
#define SOCLE_MGMT_NBD_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define NBD_PORT        10809u
#define NBD_OPTION_MAX  512u        /* bytes of an option that are looked at */
#define NBD_OPTION_SKIP (64u * KiB) /* larger ones end the connection */
#define NBD_OPTIONS_MAX 64u         /* of a connection */
#define NBD_NAME_MAX    255u
#define NBD_OUT_MAX     256u
#define NBD_PAYLOAD_MAX (32u * MiB) /* of a read or a write */
#define NBD_DF_MAX      (64u * KiB) /* of a read that must come in one piece */
#define NBD_SIMPLE_HEAD 16u
#define NBD_DATA_HEAD   28u
#define NBD_ERROR_REPLY 26u

/* Errors as clients are told. */
enum nbd_error {
    NBD_OK = 0,
    NBD_EPERM = 1,
    NBD_EIO = 5,
    NBD_ENOMEM = 12,
    NBD_EINVAL = 22,
    NBD_ENOSPC = 28,
    NBD_EOVERFLOW = 75,
    NBD_ENOTSUP = 95,
};

enum nbd_command_type {
    NBD_CMD_READ = 0,
    NBD_CMD_WRITE = 1,
    NBD_CMD_DISC = 2,
    NBD_CMD_FLUSH = 3,
    NBD_CMD_TRIM = 4,
    NBD_CMD_WRITE_ZEROES = 6,
};

#define NBD_CMD_FLAG_FUA     0x01u
#define NBD_CMD_FLAG_NO_HOLE 0x02u
#define NBD_CMD_FLAG_DF      0x04u

/* What is known of an export. */
struct nbd_disk {
    u64 bytes;
    u32 block_bytes; /* requests are whole blocks */
    bool is_read_only;
    bool can_trim;
    bool can_write_zeroes;
};

struct nbd_command {
    u16 flags;
    u16 type; /* enum nbd_command_type, or anything */
    u64 cookie;
    u64 offset;
    u32 length;
};

struct nbd_ops {
    /* The export of that name. Return: 0 and *out; -ENOENT; -EPERM: not without TLS. */
    int (*find)(void *arg, const char *name, struct nbd_disk *out);
    void *arg;
};

/* What a client without TLS may do. */
enum nbd_tls {
    NBD_TLS_NONE,     /* all: there is no TLS */
    NBD_TLS_OPTIONAL, /* what find() lets it */
    NBD_TLS_REQUIRED, /* nothing but begin with it */
};

enum nbd_event {
    NBD_EVENT_MORE,     /* all bytes taken, nothing happened */
    NBD_EVENT_SEND,     /* there is an answer */
    NBD_EVENT_STARTTLS, /* an answer; then the client begins a TLS handshake: nbd_secured() */
    NBD_EVENT_BEGIN,    /* an answer; commands for `disk` follow, which find() gave last */
    NBD_EVENT_COMMAND,  /* `command` is to be carried out */
    NBD_EVENT_END,      /* maybe an answer; the client has ended it */
    NBD_EVENT_BAD,      /* no sense can be made of it; nothing more may be fed */
};

enum nbd_state { NBD_CLIENT_FLAGS, NBD_OPTION_HEAD, NBD_OPTION_DATA, NBD_COMMANDS };

struct nbd {
    struct nbd_disk disk;
    struct nbd_command command;
    bool is_structured; /* how reads are answered */
    u8 out[NBD_OUT_MAX];
    u32 out_len;

    /* Private. */
    enum nbd_state state;
    enum nbd_tls tls;
    bool no_zeroes;
    u32 options;
    u32 option;
    u32 option_len;
    u32 skip; /* of an option too large */
    u32 in_len;
    u8 in[NBD_OPTION_MAX];
};

/* Begins with the greeting in `out`. */
void nbd_init(struct nbd *nbd, enum nbd_tls tls);

/* The TLS handshake is done: all that was agreed before is forgotten. */
void nbd_secured(struct nbd *nbd);

/* Return: what happened; *used bytes of data are done with. */
enum nbd_event nbd_feed(struct nbd *nbd, const struct nbd_ops *ops, const u8 *data, size_t len,
                        size_t *used);

/* True once commands are exchanged. */
bool nbd_has_begun(const struct nbd *nbd);

/* True in the middle of an option or a command. */
bool nbd_is_within(const struct nbd *nbd);

/* Whether a command can be carried out on the disk. */
enum nbd_error nbd_check(const struct nbd_command *command, const struct nbd_disk *disk);

/* Heads of answers; the data of a read follow them. Return: bytes. */
u32 nbd_simple_reply(u8 out[NBD_SIMPLE_HEAD], const struct nbd_command *command,
                     enum nbd_error error);
u32 nbd_data_chunk(u8 out[NBD_DATA_HEAD], const struct nbd_command *command, u64 offset, u32 bytes,
                   bool is_last);
u32 nbd_error_chunk(u8 out[NBD_ERROR_REPLY], const struct nbd_command *command,
                    enum nbd_error error);

#endif
