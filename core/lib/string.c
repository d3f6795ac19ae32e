/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's memory and string functions; plain loops where speed does not matter. */
#include "core/lib/string.h"

/* Eight bytes a step, then the rest: fast on hardware and cheap where steps are counted. */
void *memcpy(void *restrict dst, const void *restrict src, size_t bytes)
{
    void *d = dst;
    size_t words = bytes / 8, rest = bytes % 8;

    __asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(rest)::"memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t bytes)
{
    u8 *d = dst;
    const u8 *s = src;

    if (d <= s || d >= s + bytes)
        return memcpy(dst, src, bytes);
    while (bytes-- > 0)
        d[bytes] = s[bytes];
    return dst;
}

void *memset(void *dst, int value, size_t bytes)
{
    void *d = dst;
    u64 pattern = (u8)value * 0x0101010101010101ull;
    size_t words = bytes / 8, rest = bytes % 8;

    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
    return dst;
}

/* Equal words are passed over at once; the first other one is looked at byte by byte. */
int memcmp(const void *a, const void *b, size_t bytes)
{
    const u8 *x = a, *y = b;
    size_t i = 0;

    for (u64 p, q; bytes - i >= sizeof(p); i += sizeof(p)) {
        __builtin_memcpy(&p, x + i, sizeof(p));
        __builtin_memcpy(&q, y + i, sizeof(q));
        if (p != q)
            break;
    }
    for (; i < bytes; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *s, int c, size_t bytes)
{
    for (u64 p = (u64)s; bytes > 0; p++, bytes--) {
        if (*(const u8 *)p == (u8)c)
            return (void *)p;
    }
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n] != '\0')
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        if (a[i] != b[i])
            return (u8)a[i] < (u8)b[i] ? -1 : 1;
        if (a[i] == '\0')
            return 0;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
    for (u64 p = (u64)s + strlen(s);; p--) {
        if (*(const char *)p == (char)c)
            return (char *)p;
        if (p == (u64)s)
            return NULL;
    }
}

char *strstr(const char *haystack, const char *needle)
{
    size_t n = strlen(needle);

    for (u64 p = (u64)haystack; *(const char *)p != '\0' || n == 0; p++) {
        if (strncmp((const char *)p, needle, n) == 0)
            return (char *)p;
    }
    return NULL;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    unsigned long value = 0;
    u64 p = (u64)s;

    for (int d = digit_value(*(const char *)p); d < base; d = digit_value(*(const char *)p)) {
        value = value * (unsigned long)base + (unsigned long)d;
        p++;
    }
    if (end != NULL)
        *end = (char *)p;
    return value;
}
