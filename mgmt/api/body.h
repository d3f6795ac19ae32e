/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects in the JSON body of a request, member by member: who reads each is in a table, and what
 * is wrong is answered with its pointer. Context of all: management task.
 */
#ifndef SOCLE_MGMT_BODY_H
#define SOCLE_MGMT_BODY_H

#include "core/lib/compiler.h"
#include "mgmt/api/api.h"

struct body_reader {
    struct req *req;
    const struct json_doc *doc;
    void *out;  /* what is being filled in */
    void *item; /* and the part of it that is being read, for lists */
};

/* A member of an object, and who reads its value; NULL: it is let pass. Return of read: 0, -EINVAL
 * after answering. */
struct body_member {
    const char *name;
    int (*read)(struct body_reader *r, const struct json_node *value);
};

/* Answers; node: what it is about. Return: -EINVAL. */
int body_refuse(const struct body_reader *r, const struct json_node *node, const char *slug,
                const char *detail, const char *hint) must_check;

/* The same, bad_value. */
int body_bad(const struct body_reader *r, const struct json_node *node, const char *detail,
             const char *hint) must_check;

/* Members that are a name, a whole number or a truth value. Return: 0; -EINVAL after answering. */
int body_text(struct body_reader *r, const struct json_node *node, char *dst,
              size_t size) must_check;
int body_number(struct body_reader *r, const struct json_node *node, u64 max, u64 *out) must_check;
int body_u32(struct body_reader *r, const struct json_node *node, u32 *out) must_check;
int body_flag(struct body_reader *r, const struct json_node *node, bool *out) must_check;

/*
 * Reads an object of which all members must be known, at most 32. *seen: a bit for each that is
 * there. Return: 0; -EINVAL after answering.
 */
int body_object(struct body_reader *r, const struct json_node *node,
                const struct body_member *members, size_t count, u32 *seen) must_check;

/* The same for the whole body, into r->out. r: only req and out need be set. */
int body_read(struct body_reader *r, const struct body_member *members, size_t count,
              u32 *seen) must_check;

/* The same where a request may do without a body, which has no member then. */
int body_read_if_any(struct body_reader *r, const struct body_member *members, size_t count,
                     u32 *seen) must_check;

/* A member that is one of some words, "a, b". *out: its place among them. Return: 0; -EINVAL after
 * answering. */
int body_word(struct body_reader *r, const struct json_node *node, const char *allowed,
              u32 *out) must_check;

/* A member that is a SHA-256: 64 hexadecimal digits, small or capital. Return: 0; -EINVAL after
 * answering. */
int body_sha256(struct body_reader *r, const struct json_node *node,
                u8 out[SHA256_BYTES]) must_check;

#endif
