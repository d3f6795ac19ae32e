/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON writer. */
#include "core/lib/date.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/json/json.h"
#include "mgmt/json/utf8.h"

void json_write_init(struct json_writer *w, char *buf, size_t size)
{
    *w = (struct json_writer){.buf = buf, .size = size};
}

static void put(struct json_writer *w, const char *bytes, size_t len)
{
    if (w->overflow || len > w->size - w->len) {
        w->overflow = true;
        return;
    }
    memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

/* The comma before every value but the first of its object or array. */
static void separate(struct json_writer *w)
{
    if (w->need_comma)
        put(w, ",", 1);
    w->need_comma = true;
}

static void open_with(struct json_writer *w, const char *bracket)
{
    separate(w);
    put(w, bracket, 1);
    w->need_comma = false;
    w->depth++;
}

static void close_with(struct json_writer *w, const char *bracket)
{
    put(w, bracket, 1);
    w->need_comma = true;
    w->depth--;
}

void json_counters_follow(struct json_writer *w)
{
    if (w->depth == 1)
        w->counters_at = w->len;
}

void json_object_begin(struct json_writer *w)
{
    open_with(w, "{");
}

void json_object_end(struct json_writer *w)
{
    close_with(w, "}");
}

void json_array_begin(struct json_writer *w)
{
    open_with(w, "[");
}

void json_array_end(struct json_writer *w)
{
    close_with(w, "]");
}

/* One character of a string; s points at it and len bytes are left. Return: bytes taken. */
static size_t put_character(struct json_writer *w, const char *s, size_t len)
{
    static const char names[] = "btn_fr"; /* \b is 8 … \r is 13; 11 has no short form */
    size_t bytes = utf8_char_bytes(s, len);
    char escaped[8];
    u8 c = (u8)s[0];

    if (bytes == 0) {
        put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
        return 1;
    }
    if (c == '"' || c == '\\') {
        put(w, "\\", 1);
        put(w, s, 1);
    } else if (c >= 0x20) {
        put(w, s, bytes);
    } else if (c >= 8 && c <= 13 && c != 11) {
        put(w, "\\", 1);
        put(w, &names[c - 8], 1);
    } else {
        ksnprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)c);
        put(w, escaped, 6);
    }
    return bytes;
}

static void put_quoted(struct json_writer *w, const char *value)
{
    size_t len = strlen(value);

    put(w, "\"", 1);
    for (size_t i = 0; i < len;)
        i += put_character(w, value + i, len - i);
    put(w, "\"", 1);
}

void json_key(struct json_writer *w, const char *key)
{
    separate(w);
    put_quoted(w, key);
    put(w, ":", 1);
    w->need_comma = false;
}

void json_string(struct json_writer *w, const char *value)
{
    separate(w);
    put_quoted(w, value);
}

void json_u64(struct json_writer *w, u64 value)
{
    char text[24];
    size_t len = ksnprintf(text, sizeof(text), "%llu", (unsigned long long)value);

    separate(w);
    put(w, text, len);
}

void json_bool(struct json_writer *w, bool value)
{
    separate(w);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void json_ipv4(struct json_writer *w, u32 ip)
{
    char text[16];

    if (ip == 0) {
        json_null(w);
        return;
    }
    ksnprintf(text, sizeof(text), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xffu, ip >> 8 & 0xffu,
              ip & 0xffu);
    json_string(w, text);
}

void json_null(struct json_writer *w)
{
    separate(w);
    put(w, "null", 4);
}

void json_put_string(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_string(w, value);
}

void json_put_u64(struct json_writer *w, const char *key, u64 value)
{
    json_key(w, key);
    json_u64(w, value);
}

void json_put_ipv4(struct json_writer *w, const char *key, u32 ip)
{
    json_key(w, key);
    json_ipv4(w, ip);
}

void json_put_mac(struct json_writer *w, const char *key, const u8 mac[6])
{
    char text[18];

    ksnprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
              mac[4], mac[5]);
    json_put_string(w, key, text);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

void json_raw(struct json_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

void json_put_ratio(struct json_writer *w, const char *key, u32 permille)
{
    char text[16];

    ksnprintf(text, sizeof(text), "%u.%03u", permille / 1000, permille % 1000);
    json_key(w, key);
    separate(w);
    json_raw(w, text);
}

void json_put_time(struct json_writer *w, const char *key, u64 unix_ns)
{
    u64 seconds = unix_ns / NS_PER_S;
    u32 second_of_day = (u32)(seconds % 86400);
    struct date date = date_from_days(seconds / 86400);
    char text[48];

    ksnprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", date.year, date.month,
              date.day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60,
              (unsigned)(unix_ns % NS_PER_S));
    json_put_string(w, key, text);
}
