/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON in (RFC 8259, strictly) and out, in fixed memory.
 *
 * The text of a request is an object or array; a bare number or word is refused. The reader splits
 * with jsmn, then checks what jsmn lets pass: separators, numbers, escapes, UTF-8, duplicate keys,
 * depth. The writer escapes and never writes past its buffer. Nothing here allocates.
 */
#ifndef SOCLE_MGMT_JSON_H
#define SOCLE_MGMT_JSON_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* A network with 64 port forwards has about 600 values, of which a host's configuration may have
 * four beside 60 smaller ones; a VM definition 60. */
#define JSON_NODES_MAX 3328u
#define JSON_DEPTH_MAX 16u
#define JSON_TEXT_MAX  (512u * 1024u) /* most bodies end at CONN_BODY_MAX */

enum json_type { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_NULL };

/* Links are node numbers; 0 is none, for the root is nobody's child or sibling. */
struct json_node {
    u8 type; /* enum json_type */
    u8 depth;
    u16 parent;
    u16 first; /* first child; a key's only child is its value */
    u16 next;  /* next sibling */
    u32 start; /* of the text, without quotes */
    u32 end;
};

struct json_doc {
    const char *text; /* borrowed */
    u32 len;
    u32 count;
    const char *error; /* what is wrong, one sentence without the place */
    u32 error_offset;
    struct json_node nodes[JSON_NODES_MAX];
};

/* Return: 0; -EINVAL (no JSON), -E2BIG (too deep or too many values): doc->error and error_offset
 * are set. */
int json_parse(struct json_doc *doc, const char *text, size_t len) must_check;

/* Walking: root, children of an object (keys) or array (values), the value of a key. NULL: no more.
 */
const struct json_node *json_root(const struct json_doc *doc);
const struct json_node *json_first(const struct json_doc *doc, const struct json_node *node);
const struct json_node *json_next(const struct json_doc *doc, const struct json_node *node);

bool json_key_is(const struct json_doc *doc, const struct json_node *key, const char *name);

/* Return: 0; -EINVAL (another type, or a NUL inside); -ERANGE (longer than size-1 bytes). */
int json_get_string(const struct json_doc *doc, const struct json_node *node, char *dst,
                    size_t size) must_check;

/* Return: 0; -EINVAL (no number, or not a whole one); -ERANGE (negative or above 2^64-1). */
int json_get_u64(const struct json_doc *doc, const struct json_node *node, u64 *out) must_check;
int json_get_bool(const struct json_doc *doc, const struct json_node *node, bool *out) must_check;

/* Writes the node's JSON pointer (RFC 6901), cut if it does not fit. */
void json_pointer(const struct json_doc *doc, const struct json_node *node, char *dst, size_t size);

/* Writes the node's source text, cut to fit: for messages. */
void json_excerpt(const struct json_doc *doc, const struct json_node *node, char *dst, size_t size);

/* Output. A writer that ran out of room keeps `overflow` set and writes nothing more. */
struct json_writer {
    char *buf;
    size_t size;
    size_t len;
    bool overflow;
    bool need_comma;
    u8 depth;           /* objects and arrays that are open */
    size_t counters_at; /* 0: nobody said */
};

void json_write_init(struct json_writer *w, char *buf, size_t size);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_string(struct json_writer *w,
                 const char *value); /* bytes that are no UTF-8 become U+FFFD */
void json_u64(struct json_writer *w, u64 value);
void json_bool(struct json_writer *w, bool value);
void json_ipv4(struct json_writer *w, u32 ip); /* as text, of a number: 0xc0000201; null of 0 */
void json_null(struct json_writer *w);

/* Key and value in one. */
void json_put_string(struct json_writer *w, const char *key, const char *value);
void json_put_u64(struct json_writer *w, const char *key, u64 value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_ipv4(struct json_writer *w, const char *key, u32 ip);
void json_put_mac(struct json_writer *w, const char *key, const u8 mac[6]);

/* 0 to 1, in thousandths: 250 is 0.250. */
void json_put_ratio(struct json_writer *w, const char *key, u32 permille);

/* RFC 3339, UTC, with nanoseconds. */
void json_put_time(struct json_writer *w, const char *key, u64 unix_ns);

/*
 * What follows in this object are counters and the like, which are no part of what it is: its
 * entity tag is that of what is written before. Without effect in an object inside of another.
 */
void json_counters_follow(struct json_writer *w);

/* Bytes as they are: separators of a stream, text already in JSON. */
void json_raw(struct json_writer *w, const char *text);

#endif
