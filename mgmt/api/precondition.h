/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that depend on what a resource is now (RFC 9110, 13), in one place for all routes.
 *
 * The tag of a resource is what GET of its path would answer with: a handler's own number
 * (reply.etag), else the digest of its JSON up to the counters (json_counters_follow). Answers
 * without either have none: lists, metrics, streams.
 */
#ifndef SOCLE_MGMT_PRECONDITION_H
#define SOCLE_MGMT_PRECONDITION_H

#include "core/lib/compiler.h"
#include "mgmt/api/api.h"

/*
 * If-Match and If-None-Match of a request that would change something. What has no GET of its own
 * (an action, a VM's disk) has the tag of what it belongs to, which only If-Match asks for.
 * Context: before the handler, nothing answered. Return: false after answering 412 with the tag
 * there is.
 */
bool precondition_holds(struct req *req) must_check;

/* Gives the answer its ETag; one of GET to a client that has it already becomes 304. */
void precondition_tag_reply(struct req *req);

#endif
