/* SPDX-License-Identifier: BSD-2-Clause */
/* The proof that a server speaks WebSocket: SHA-1 of the client's key and a constant, in base64. */
#include <mbedtls/sha1.h>

#include "core/lib/base64.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/http/ws.h"

#define KEY_LEN    24u
#define SHA1_BYTES 20u

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */

static bool key_is_valid(const char *key)
{
    if (strlen(key) != KEY_LEN || strcmp(key + KEY_LEN - 2, "==") != 0)
        return false;
    for (u32 i = 0; i < KEY_LEN - 2; i++) {
        if (base64_digit(key[i]) < 0)
            return false;
    }
    return true;
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
    base64_write(accept, digest, sizeof(digest));
    return 0;
}
