/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, numbers and times as text; text made safe. */
#include "tools/socle/text.h"

#include <stdio.h>
#include <string.h>

#define FRACTION_DIGITS_MAX 6u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The unit's shift, or -1. */
static int unit_shift(const char *unit)
{
    static const char letters[] = "kmgtp";
    char letter = unit[0] >= 'A' && unit[0] <= 'Z' ? (char)(unit[0] - 'A' + 'a') : unit[0];
    const char *found;

    if (!letter || strcmp(unit, "B") == 0)
        return 0;
    found = strchr(letters, letter);
    if (!found ||
        (strcmp(unit + 1, "") != 0 && strcmp(unit + 1, "B") != 0 && strcmp(unit + 1, "iB") != 0))
        return -1;
    return (int)(found - letters + 1) * 10;
}

bool text_parse_size(const char *text, u64 *bytes)
{
    u64 whole = 0, fraction = 0, scale = 1;
    size_t digits = 0;
    int shift;

    if (!is_digit(text[0]))
        return false;
    for (; is_digit(*text); text++) {
        if (whole > (UINT64_MAX - 9) / 10)
            return false;
        whole = whole * 10 + (u64)(*text - '0');
    }
    if (*text == '.') {
        for (text++; is_digit(*text) && digits < FRACTION_DIGITS_MAX; text++, digits++, scale *= 10)
            fraction = fraction * 10 + (u64)(*text - '0');
        if (!digits)
            return false;
    }
    shift = unit_shift(text);
    if (shift < 0 || (shift && whole >> (63 - shift)) || (!shift && digits))
        return false;
    *bytes = (whole << shift) + (u64)(((unsigned __int128)fraction << shift) / scale);
    return true;
}

bool text_parse_number(const char *text, u64 max, u64 *value)
{
    u64 number = 0;

    if (!is_digit(text[0]))
        return false;
    for (; is_digit(*text); text++) {
        u64 digit = (u64)(*text - '0');

        if (digit > max || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return *text == '\0';
}

bool text_parse_server(const char *text, char host[TEXT_HOST_MAX], u64 *port)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
    const char *from = text + (text[0] == '[');
    const char *behind;
    size_t len;

    if (text[0] == '[' && !end)
        return false;
    if (!end || (text[0] != '[' && strchr(end + 1, ':'))) /* an IPv6 address has more than one */
        end = text + strlen(text);
    behind = end + (*end == ']');
    len = (size_t)(end - from);
    *port = 0;
    if (!len || len >= TEXT_HOST_MAX)
        return false;
    if (*behind && (*behind != ':' || !text_parse_number(behind + 1, 65535, port) || !*port))
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    return true;
}

void text_size(char out[TEXT_NUMBER_MAX], u64 bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    u64 rest = 0;

    while (bytes >= 1024) {
        rest = bytes % 1024;
        bytes /= 1024;
        unit++;
    }
    if (unit == 0 || (bytes >= 100 || rest == 0))
        snprintf(out, TEXT_NUMBER_MAX, "%u %s", (unsigned int)bytes, units[unit]);
    else
        snprintf(out, TEXT_NUMBER_MAX, "%u.%u %s", (unsigned int)bytes,
                 (unsigned int)(rest * 10 / 1024), units[unit]);
}

void text_duration(char out[TEXT_NUMBER_MAX], u64 ns)
{
    u64 s = ns / NS_PER_S;

    if (ns < NS_PER_US)
        snprintf(out, TEXT_NUMBER_MAX, "%u ns", (unsigned int)ns);
    else if (ns < NS_PER_MS)
        snprintf(out, TEXT_NUMBER_MAX, "%.1f \u00b5s", (double)ns / 1e3);
    else if (ns < NS_PER_S)
        snprintf(out, TEXT_NUMBER_MAX, "%.1f ms", (double)ns / 1e6);
    else if (s < 60)
        snprintf(out, TEXT_NUMBER_MAX, "%u s", (unsigned int)s);
    else if (s < 3600)
        snprintf(out, TEXT_NUMBER_MAX, "%u min %u s", (unsigned int)(s / 60),
                 (unsigned int)(s % 60));
    else if (s < 86400)
        snprintf(out, TEXT_NUMBER_MAX, "%u h %u min", (unsigned int)(s / 3600),
                 (unsigned int)(s / 60 % 60));
    else
        snprintf(out, TEXT_NUMBER_MAX, "%u d %u h", (unsigned int)(s / 86400),
                 (unsigned int)(s / 3600 % 24));
}

void text_make_safe(char *text)
{
    for (u8 *c = (u8 *)text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        } else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
            *c = ' ';
            *++c = ' ';
        }
    }
}

size_t text_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((u8)*text & 0xc0) != 0x80;
    return width;
}
