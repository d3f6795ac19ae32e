/* SPDX-License-Identifier: BSD-2-Clause */
/* The PEM reader: lines, labels, base64. */
#include "mgmt/tls/pem.h"

#include "core/lib/base64.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"

static const char begin[] = "-----BEGIN ";
static const char end[] = "-----END ";
static const char dashes[] = "-----";

/* Return: what follows the prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strnlen(text, len) == len && memcmp(text, prefix, len) == 0 ? text + len : NULL;
}

static const char *next_line(const char *text)
{
    while (*text && *text != '\n')
        text++;
    return *text ? text + 1 : text;
}

/* The line that begins a block, from its label on; NULL: there is none. */
static const char *find_begin(const char *text)
{
    for (; *text; text = next_line(text)) {
        const char *label = behind(text, begin);

        if (label)
            return label;
    }
    return NULL;
}

/* Return: what follows the label's dashes; NULL: it is none. */
static const char *read_label(const char *text, char label[PEM_LABEL_MAX + 1])
{
    size_t len = 0;

    while (text[len] >= ' ' && text[len] <= '~' && !behind(text + len, dashes)) {
        if (len == PEM_LABEL_MAX)
            return NULL;
        label[len] = text[len];
        len++;
    }
    label[len] = '\0';
    return len ? behind(text + len, dashes) : NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Characters come in fours; the last four may end in one or two '='. */
struct decoder {
    u32 group;
    u32 digits; /* of the group, '=' included */
    u32 padding;
    bool is_over; /* nothing may follow */
    u8 *dst;
    size_t size;
    size_t bytes;
};

static int end_group(struct decoder *d)
{
    u32 count = 3 - d->padding;

    if (d->size - d->bytes < count)
        return -ENOSPC;
    for (u32 i = 0; i < count; i++)
        d->dst[d->bytes++] = (u8)(d->group >> (16 - 8 * i));
    d->is_over = d->padding != 0;
    d->group = 0;
    d->digits = 0;
    d->padding = 0;
    return 0;
}

static int decode(struct decoder *d, char c)
{
    int digit = c == '=' ? 0 : base64_digit(c);

    if (digit < 0 || d->is_over || (c != '=' && d->padding) || (c == '=' && d->digits < 2))
        return -EINVAL;
    d->padding += c == '=';
    d->group = d->group << 6 | (u32)digit;
    return ++d->digits == 4 ? end_group(d) : 0;
}

/* "Proc-Type: 4,ENCRYPTED", before the data (RFC 1421). */
static bool is_header(const char *line)
{
    while (*line && !is_space(*line) && *line != ':')
        line++;
    return *line == ':';
}

/* Return: 0 with *text at the dashes of the end; as pem_next. */
static int read_data(const char **text, struct decoder *d)
{
    int rc = 0;

    if (is_header(*text))
        return -EPERM;
    for (; **text && **text != '-' && rc == 0; ++*text)
        rc = is_space(**text) ? 0 : decode(d, **text);
    if (rc)
        return rc;
    return d->digits == 0 && d->bytes ? 0 : -EINVAL;
}

int pem_next(const char **text, struct pem_block *block, u8 *dst, size_t size)
{
    struct decoder decoder = {.dst = dst, .size = size};
    char last_label[PEM_LABEL_MAX + 1];
    const char *at = find_begin(*text);
    int rc;

    if (!at)
        return -ENOENT;
    at = read_label(at, block->label);
    if (!at)
        return -EINVAL;
    while (is_space(*at))
        at++;
    rc = read_data(&at, &decoder);
    if (rc)
        return rc;
    at = behind(at, end);
    at = at ? read_label(at, last_label) : NULL;
    if (!at || strcmp(block->label, last_label) != 0)
        return -EINVAL;
    *text = at;
    block->bytes = decoder.bytes;
    return 0;
}
