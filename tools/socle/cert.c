/* SPDX-License-Identifier: BSD-2-Clause */
/* PEM to DER, and in the DER the way to the key. Spec: RFC 7468, ITU-T X.690 "Length octets", RFC
 * 5280 (4.1). */
#include "tools/socle/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/base64.h"
#include "core/lib/hex.h"
#include "core/lib/sha256.h"

#define PEM_BYTES_MAX   65536u
#define DER_SEQUENCE    0x30
#define DER_VERSION     0xa0 /* [0], there from version 2 on */
#define FIELDS_TILL_KEY 5u   /* serial number, signature, issuer, validity, subject */

struct span {
    const u8 *at, *end;
};

/* The bytes of the first block. Return: their number, 0 if there are none or not only base64. */
static size_t decode_pem(const char *pem, u8 *out)
{
    const char *c = strstr(pem, "-----BEGIN CERTIFICATE-----");
    const char *end = c ? strstr(c + 27, "-----END") : NULL;
    u32 value = 0, bits = 0;
    size_t len = 0;

    if (!end)
        return 0;
    for (c += 27; c < end; c++) {
        int digit = base64_digit(*c);

        if (*c == '\n' || *c == '\r' || *c == '=')
            continue;
        if (digit < 0)
            return 0;
        value = (value << 6 | (u32)digit) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[len++] = (u8)(value >> bits);
        }
    }
    return len;
}

/* Takes one element off `from`; `whole` is it with its head, `inside` without. Return: its tag, -1
 * if it is broken. */
static int take(struct span *from, struct span *whole, struct span *inside)
{
    const u8 *at = from->at;
    size_t len;
    int tag;

    if (from->end - at < 2)
        return -1;
    tag = *at++;
    len = *at++;
    if (len > 0x80) {
        size_t digits = len - 0x80;

        if (digits > 3 || (size_t)(from->end - at) < digits)
            return -1;
        for (len = 0; digits; digits--)
            len = len << 8 | *at++;
    } else if (len == 0x80) {
        return -1;
    }
    if ((size_t)(from->end - at) < len)
        return -1;
    *whole = (struct span){from->at, at + len};
    *inside = (struct span){at, at + len};
    from->at = at + len;
    return tag;
}

static bool find_key(struct span der, struct span *key)
{
    struct span whole, certificate, fields, inside;

    if (take(&der, &whole, &certificate) != DER_SEQUENCE ||
        take(&certificate, &whole, &fields) != DER_SEQUENCE)
        return false;
    if (fields.at < fields.end && *fields.at == DER_VERSION && take(&fields, &whole, &inside) < 0)
        return false;
    for (u32 i = 0; i < FIELDS_TILL_KEY; i++) {
        if (take(&fields, &whole, &inside) < 0)
            return false;
    }
    return take(&fields, key, &inside) == DER_SEQUENCE;
}

bool cert_identify(const char *pem, struct cert_id *id)
{
    u8 *der, hash[SHA256_BYTES];
    struct span key;
    size_t len;
    bool ok;

    if (strnlen(pem, PEM_BYTES_MAX) == PEM_BYTES_MAX)
        return false;
    der = malloc(PEM_BYTES_MAX);
    len = der ? decode_pem(pem, der) : 0;
    ok = find_key((struct span){der, der + len}, &key);
    if (ok) {
        sha256_of(der, len, hash);
        hex_write(id->fingerprint, hash, sizeof(hash));
        sha256_of(key.at, (size_t)(key.end - key.at), hash);
        base64_write(id->pin + sprintf(id->pin, "sha256//"), hash, sizeof(hash));
    }
    free(der);
    return ok;
}
