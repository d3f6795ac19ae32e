/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of objects: {"items":[…],"next":"name"}, a plain array, or a line each (Accept:
 * application/x-ndjson),
 * streamed an object at a time so that their length costs no memory. Query parameters of all:
 * fields, filter, limit, after.
 */
#ifndef SOCLE_MGMT_API_LIST_H
#define SOCLE_MGMT_API_LIST_H

#include "core/lib/compiler.h"
#include "mgmt/api/api.h"

#define LIST_ALL UINT64_MAX

/* What is listed. */
struct api_list {
    /* Writes the object that follows state.name, and puts its own name there. Return: false: none
     * does. */
    bool (*next)(struct req *req, struct json_writer *w);
    size_t text_max; /* of one object */
    u64 limit;       /* if none is asked for */
    bool is_array;   /* short ones of a VM: [...], without `next` */
};

/* Answers with the list, or 400. It uses req.state but for .id, which is the list's own. */
void reply_list(struct req *req, const struct api_list *list);

#endif
