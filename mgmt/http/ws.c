/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSocket frames. */
#include "mgmt/http/ws.h"

#include "core/lib/string.h"

#define HEAD_MIN    2u
#define MASK_BYTES  4u
#define FIN         0x80u
#define RSV         0x70u
#define OPCODE      0x0fu
#define MASK        0x80u
#define LENGTH      0x7fu
#define LENGTH_16   126u /* the next two bytes are the length */
#define LENGTH_64   127u /* the next eight are */
#define CODES_BEGIN 3000u
#define CODES_END   5000u

void ws_init(struct ws_stream *ws)
{
    memset(ws, 0, sizeof(*ws));
}

static u8 opcode_of(const struct ws_stream *ws)
{
    return ws->head[0] & OPCODE;
}

static bool is_control(u8 opcode)
{
    return opcode >= WS_CLOSE;
}

static enum ws_event refuse(struct ws_stream *ws, u16 code)
{
    ws->close_code = code;
    return WS_EVENT_BAD;
}

/* Bytes of the frame's head, as far as is known. */
static u32 head_bytes(const struct ws_stream *ws)
{
    u8 length = ws->head[1] & LENGTH;

    if (ws->head_len < HEAD_MIN)
        return HEAD_MIN;
    return HEAD_MIN + MASK_BYTES + (length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0);
}

/* What the first two bytes must be. */
static bool head_is_sound(const struct ws_stream *ws)
{
    u8 opcode = opcode_of(ws), length = ws->head[1] & LENGTH;
    bool ends = ws->head[0] & FIN;

    if ((ws->head[0] & RSV) || !(ws->head[1] & MASK))
        return false;
    if (is_control(opcode))
        return opcode <= WS_PONG && ends && length <= WS_CONTROL_MAX;
    if (opcode == WS_CONTINUATION)
        return ws->in_message;
    return opcode <= WS_BINARY && !ws->in_message;
}

/* Reads the length; a long form for a short length is refused. */
static bool take_length(struct ws_stream *ws)
{
    u8 length = ws->head[1] & LENGTH;
    u32 bytes = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;

    ws->left = bytes ? 0 : length;
    for (u32 i = 0; i < bytes; i++)
        ws->left = ws->left << 8 | ws->head[HEAD_MIN + i];
    if (length == LENGTH_16)
        return ws->left >= LENGTH_16;
    return length != LENGTH_64 || ws->left > 0xffff;
}

/* The head is complete. Return: WS_EVENT_MORE, or WS_EVENT_BAD. */
static enum ws_event begin_payload(struct ws_stream *ws)
{
    if (!take_length(ws))
        return refuse(ws, WS_CLOSE_PROTOCOL);
    if (ws->left > WS_FRAME_MAX)
        return refuse(ws, WS_CLOSE_TOO_BIG);
    if (!is_control(opcode_of(ws)))
        ws->in_message = !(ws->head[0] & FIN);
    ws->in_payload = true;
    ws->mask_at = 0;
    ws->piece_len = 0;
    return WS_EVENT_MORE;
}

/* Collects the head. Return: bytes used; *event: WS_EVENT_BAD if it makes no sense. */
static size_t feed_head(struct ws_stream *ws, const u8 *data, size_t len, enum ws_event *event)
{
    size_t used = 0;

    while (used < len && !ws->in_payload && *event != WS_EVENT_BAD) {
        ws->head[ws->head_len++] = data[used++];
        if (ws->head_len == HEAD_MIN && !head_is_sound(ws))
            *event = refuse(ws, WS_CLOSE_PROTOCOL);
        else if (ws->head_len == head_bytes(ws))
            *event = begin_payload(ws);
    }
    return used;
}

/* Unmasks what there is room for behind piece_len. Return: bytes used. */
static size_t feed_payload(struct ws_stream *ws, const u8 *data, size_t len)
{
    const u8 *mask = ws->head + ws->head_len - MASK_BYTES;
    size_t bytes = MIN(MIN((u64)len, ws->left), (u64)(WS_PIECE_MAX - ws->piece_len));

    for (size_t i = 0; i < bytes; i++)
        ws->piece[ws->piece_len++] = data[i] ^ mask[ws->mask_at++ % MASK_BYTES];
    ws->left -= bytes;
    return bytes;
}

/* Codes a peer may send. */
static bool code_is_valid(u16 code)
{
    return (code >= WS_CLOSE_NORMAL && code <= 1003) || (code >= 1007 && code <= 1011) ||
           (code >= CODES_BEGIN && code < CODES_END);
}

static enum ws_event take_close(struct ws_stream *ws)
{
    u16 code = (u16)(ws->piece[0] << 8 | ws->piece[1]);

    if (ws->piece_len == 0)
        ws->close_code = WS_CLOSE_NO_CODE;
    else if (ws->piece_len == 1 || !code_is_valid(code))
        return refuse(ws, WS_CLOSE_PROTOCOL);
    else
        ws->close_code = code;
    return WS_EVENT_CLOSE;
}

/* What the payload so far is worth. */
static enum ws_event take_payload(struct ws_stream *ws)
{
    u8 opcode = opcode_of(ws);

    if (is_control(opcode) && ws->left > 0)
        return WS_EVENT_MORE;
    if (ws->left == 0) {
        ws->in_payload = false;
        ws->head_len = 0;
    }
    switch (opcode) {
    case WS_CLOSE:
        return take_close(ws);
    case WS_PING:
        return WS_EVENT_PING;
    case WS_PONG:
        return WS_EVENT_PONG;
    default:
        return ws->piece_len ? WS_EVENT_DATA : WS_EVENT_MORE;
    }
}

enum ws_event ws_feed(struct ws_stream *ws, const u8 *data, size_t len, size_t *used)
{
    enum ws_event event = WS_EVENT_MORE;

    *used = 0;
    if (ws->in_payload && !is_control(opcode_of(ws)))
        ws->piece_len = 0; /* the last piece has been seen */
    while (event == WS_EVENT_MORE && *used < len) {
        if (!ws->in_payload)
            *used += feed_head(ws, data + *used, len - *used, &event);
        if (ws->in_payload && event == WS_EVENT_MORE) {
            *used += feed_payload(ws, data + *used, len - *used);
            event = take_payload(ws);
        }
    }
    return event;
}

u32 ws_frame_head(u8 head[WS_HEAD_MAX], enum ws_opcode opcode, u16 payload_len)
{
    head[0] = (u8)(FIN | opcode);
    if (payload_len < LENGTH_16) {
        head[1] = (u8)payload_len;
        return 2;
    }
    head[1] = LENGTH_16;
    head[2] = (u8)(payload_len >> 8);
    head[3] = (u8)payload_len;
    return 4;
}
