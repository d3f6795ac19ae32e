/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of WebSocket (RFC 6455): frames from a stream of bytes, in fixed memory, and
 * the heads of frames to be sent.
 *
 * ws_feed() takes bytes until something has happened. Messages are never collected: their bytes
 * come in pieces as they arrive, so a frame's size costs nothing; frames above WS_FRAME_MAX are
 * refused all the same. The text of text messages is not checked to be UTF-8: it is taken as bytes.
 *
 * Spec: RFC 6455 5 "Data Framing", 7.4 "Status Codes".
 */
#ifndef SOCLE_MGMT_WS_H
#define SOCLE_MGMT_WS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define WS_FRAME_MAX   (64u * 1024u)
#define WS_CONTROL_MAX 125u
#define WS_PIECE_MAX   512u
#define WS_HEAD_MAX    4u /* of a frame to be sent */
#define WS_ACCEPT_LEN  28u

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
};

/* Why a connection ends. */
enum ws_close {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_NO_CODE = 1005, /* never sent */
    WS_CLOSE_TOO_BIG = 1009,
};

enum ws_event {
    WS_EVENT_MORE, /* all bytes taken, nothing happened */
    WS_EVENT_DATA, /* piece and piece_len: the next bytes of a message */
    WS_EVENT_PING, /* piece: what the pong is to repeat */
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* close_code; nothing more may be fed */
    WS_EVENT_BAD,   /* close_code says why; nothing more may be fed */
};

struct ws_stream {
    /* Valid until the next call. */
    u8 piece[WS_PIECE_MAX];
    u32 piece_len;
    u16 close_code;

    /* Private. */
    u8 head[14];
    u32 head_len;
    bool in_payload;
    bool in_message; /* a data frame without FIN came, and not its end yet */
    u64 left;        /* of the frame's payload */
    u32 mask_at;
};

void ws_init(struct ws_stream *ws);

/* Return: what happened; *used bytes of data are done with. */
enum ws_event ws_feed(struct ws_stream *ws, const u8 *data, size_t len, size_t *used);

/* Writes the head of an unmasked frame that is a whole message. Return: its bytes, 2 or 4. */
u32 ws_frame_head(u8 head[WS_HEAD_MAX], enum ws_opcode opcode, u16 payload_len);

/* The Sec-WebSocket-Accept of a Sec-WebSocket-Key. Return: 0, -EINVAL (the key is not the base64
 * text of 16 bytes). */
int ws_accept(const char *key, char accept[WS_ACCEPT_LEN + 1]) must_check;

#endif
