/* SPDX-License-Identifier: BSD-2-Clause */
/* The proof that a server speaks WebSocket: SHA-1 of the client's key and a constant, in base64. */
#include <mbedtls/sha1.h>

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/http/ws.h"

#define KEY_LEN    24u
#define SHA1_BYTES 20u

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool key_is_valid(const char *key)
{
    if (strlen(key) != KEY_LEN || strcmp(key + KEY_LEN - 2, "==") != 0)
        return false;
    for (u32 i = 0; i < KEY_LEN - 2; i++) {
        if (!strchr(digits, key[i]))
            return false;
    }
    return true;
}

/* 20 bytes: six groups of three, and one of two. */
static void base64(const u8 src[SHA1_BYTES], char dst[WS_ACCEPT_LEN + 1])
{
    for (u32 i = 0; i < SHA1_BYTES; i += 3) {
        u32 third = i + 2 < SHA1_BYTES ? src[i + 2] : 0;
        u32 group = (u32)src[i] << 16 | (u32)src[i + 1] << 8 | third;

        for (u32 k = 0; k < 4; k++)
            *dst++ = digits[group >> (18 - 6 * k) & 63];
    }
    dst[-1] = '=';
    *dst = '\0';
}

int ws_accept(const char *key, char accept[WS_ACCEPT_LEN + 1])
{
    char text[KEY_LEN + sizeof(guid)];
    u8 digest[SHA1_BYTES];

    if (!key_is_valid(key))
        return -EINVAL;
    memcpy(text, key, KEY_LEN);
    memcpy(text + KEY_LEN, guid, sizeof(guid));
    if (mbedtls_sha1((const u8 *)text, KEY_LEN + sizeof(guid) - 1, digest) != 0)
        return -EINVAL;
    base64(digest, accept);
    return 0;
}
