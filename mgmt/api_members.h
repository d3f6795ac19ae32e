/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of small JSON bodies, read one by one; each mistake is answered with its pointer. */
#ifndef SOCLE_MGMT_API_MEMBERS_H
#define SOCLE_MGMT_API_MEMBERS_H

#include "mgmt/api.h"

/* Answers that a value, or a key, will not do. Return: -EINVAL. */
int api_bad_member(struct req *req, const struct json_node *node, const char *slug,
                   const char *detail, const char *hint);
int api_unknown_member(struct req *req, const struct json_node *key);

/* Return: 0; -EINVAL after answering. */
int api_read_text(struct req *req, const struct json_doc *doc, const struct json_node *node,
                  char *dst, size_t size) must_check;
int api_read_number(struct req *req, const struct json_doc *doc, const struct json_node *node,
                    u64 max, u64 *out) must_check;
int api_read_flag(struct req *req, const struct json_doc *doc, const struct json_node *node,
                  bool *out) must_check;

#endif
