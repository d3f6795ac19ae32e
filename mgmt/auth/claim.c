/* SPDX-License-Identifier: BSD-2-Clause */
/* Claim codes: made, cleaned of what people do to them, compared. */
#include "mgmt/auth/claim.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

#define GROUP 4u

int claim_make(struct claim *claim, int (*random)(void *dst, size_t bytes))
{
    static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* without I, L, O, U */
    u8 bytes[CLAIM_CODE_MIN];
    char *to = claim->shown;

    claim_end(claim);
    if (random(bytes, sizeof(bytes)) != 0)
        return -EIO;
    for (u32 i = 0; i < CLAIM_CODE_MIN; i++) {
        claim->code[i] = symbols[bytes[i] % 32];
        if (i != 0 && i % GROUP == 0)
            *to++ = '-';
        *to++ = claim->code[i];
    }
    mem_wipe(bytes, sizeof(bytes));
    return 0;
}

/* The code without separators, in capitals. Return: false if it cannot be one. */
static bool clean(const char *text, char code[CLAIM_CODE_MAX + 1])
{
    size_t len = 0;

    memset(code, 0, CLAIM_CODE_MAX + 1);
    for (; *text; text++) {
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;

        if (c == '-' || c == ' ')
            continue;
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z'))
            return false;
        if (len == CLAIM_CODE_MAX)
            return false;
        code[len++] = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    }
    return len >= CLAIM_CODE_MIN;
}

int claim_set(struct claim *claim, const char *code)
{
    claim_end(claim);
    if (clean(code, claim->code))
        return 0;
    claim_end(claim);
    return -EINVAL;
}

bool claim_matches(const struct claim *claim, const char *text)
{
    char code[CLAIM_CODE_MAX + 1];
    bool same;

    if (claim->code[0] == '\0' || !clean(text, code))
        return false;
    same = mem_same_secret(code, claim->code, sizeof(code));
    mem_wipe(code, sizeof(code));
    return same;
}

void claim_end(struct claim *claim)
{
    mem_wipe(claim, sizeof(*claim));
}
