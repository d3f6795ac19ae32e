/* SPDX-License-Identifier: BSD-2-Clause */
/* The internet checksum. Spec: RFC 1071. */
#include "drivers/net/inet.h"

#include "core/lib/string.h"

/* The 16-bit sum in network order, as a number. */
static u16 fold(u64 sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return __builtin_bswap16((u16)sum);
}

/* 64-bit words in memory order: their one's complement sum folds to that of 16-bit ones. */
u16 inet_sum(const u8 *at, u32 bytes)
{
    u64 word, sum = 0;

    while (bytes >= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum += word;
        sum += sum < word;
        at += sizeof(word);
        bytes -= (u32)sizeof(word);
    }
    word = 0;
    memcpy(&word, at, bytes);
    sum += word;
    return fold(sum + (sum < word));
}
