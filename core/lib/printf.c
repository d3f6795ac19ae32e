/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded formatted output. */
#include "core/lib/printf.h"

#include "core/lib/string.h"

struct output {
    char *buf;
    size_t size;
    size_t length; /* of the full text, however much fits */
};

struct spec {
    bool left, zero, space;
    bool has_precision;
    size_t width, precision;
    unsigned bytes; /* of the argument */
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->buf[out->length] = c;
    out->length++;
}

static void put_repeated(struct output *out, char c, size_t n)
{
    while (n-- > 0)
        put(out, c);
}

static void put_padded(struct output *out, const struct spec *s, const char *text, size_t n)
{
    size_t pad = s->width > n ? s->width - n : 0;

    if (!s->left)
        put_repeated(out, ' ', pad);
    for (size_t i = 0; i < n; i++)
        put(out, text[i]);
    if (s->left)
        put_repeated(out, ' ', pad);
}

static void put_number(struct output *out, const struct spec *s, u64 value, unsigned base,
                       bool upper, char sign)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[68];
    size_t at = sizeof text, minimum = s->has_precision ? s->precision : 1;

    while (value != 0 || minimum > 0) {
        if (at <= 2)
            break;
        text[--at] = digits[value % base];
        value /= base;
        if (minimum > 0)
            minimum--;
    }
    if (s->zero && !s->left && !s->has_precision) {
        size_t used = sizeof text - at + (sign != '\0' ? 1 : 0);

        if (sign != '\0')
            put(out, sign);
        put_repeated(out, '0', s->width > used ? s->width - used : 0);
        sign = '\0';
        for (; at < sizeof text; at++)
            put(out, text[at]);
        return;
    }
    if (sign != '\0')
        text[--at] = sign;
    put_padded(out, s, text + at, sizeof text - at);
}

static const char *parse_size(const char *p, size_t *value, va_list *args, bool *negative)
{
    *value = 0;
    *negative = false;
    if (*p == '*') {
        int n = va_arg(*args, int);

        *negative = n < 0;
        *value = (size_t)(n < 0 ? -n : n);
        return p + 1;
    }
    for (; *p >= '0' && *p <= '9'; p++)
        *value = *value * 10 + (size_t)(*p - '0');
    return p;
}

static const char *parse_spec(const char *p, struct spec *s, va_list *args)
{
    bool negative;

    *s = (struct spec){.bytes = 4};
    for (;; p++) {
        if (*p == '-')
            s->left = true;
        else if (*p == '0')
            s->zero = true;
        else if (*p == ' ')
            s->space = true;
        else
            break;
    }
    p = parse_size(p, &s->width, args, &negative);
    s->left |= negative;
    if (*p == '.') {
        p = parse_size(p + 1, &s->precision, args, &negative);
        s->has_precision = !negative;
    }
    for (; *p == 'l' || *p == 'z' || *p == 'h'; p++)
        s->bytes = *p == 'h' ? s->bytes / 2 : 8;
    return p;
}

static void put_signed(struct output *out, const struct spec *s, va_list *args)
{
    s64 v = s->bytes == 8 ? va_arg(*args, s64) : va_arg(*args, int);
    char sign = s->space ? ' ' : '\0';

    put_number(out, s, v < 0 ? 0 - (u64)v : (u64)v, 10, false, v < 0 ? '-' : sign);
}

static void put_unsigned(struct output *out, const struct spec *s, char kind, va_list *args)
{
    u64 v = s->bytes == 8 ? va_arg(*args, u64) : va_arg(*args, unsigned);

    if (s->bytes == 2)
        v = (u16)v;
    else if (s->bytes == 1)
        v = (u8)v;
    put_number(out, s, v, kind == 'u' ? 10 : 16, kind == 'X', '\0');
}

static void put_string(struct output *out, const struct spec *s, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_padded(out, s, text, s->has_precision ? strnlen(text, s->precision) : strlen(text));
}

static void put_argument(struct output *out, const struct spec *s, char kind, va_list *args)
{
    char c;

    switch (kind) {
    case 'd':
    case 'i':
        put_signed(out, s, args);
        break;
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(out, s, kind, args);
        break;
    case 'p':
        put(out, '0');
        put(out, 'x');
        put_number(out, s, (u64)va_arg(*args, void *), 16, false, '\0');
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(out, s, &c, 1);
        break;
    case 's':
        put_string(out, s, va_arg(*args, const char *));
        break;
    default:
        put(out, kind);
    }
}

size_t kvsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct output out = {buf, size, 0};
    struct spec spec;
    va_list copy;

    va_copy(copy, args);
    for (const char *p = fmt; *p != '\0'; p++) {
        if (*p != '%') {
            put(&out, *p);
            continue;
        }
        p = parse_spec(p + 1, &spec, &copy);
        if (*p == '\0')
            break;
        put_argument(&out, &spec, *p, &copy);
    }
    va_end(copy);
    if (size > 0)
        buf[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}

size_t ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    size_t n;

    va_start(args, fmt);
    n = kvsnprintf(buf, size, fmt, args);
    va_end(args);
    return n;
}
