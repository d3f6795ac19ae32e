/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images that the host fetches itself, by URL, each as a task of kind image.pull. Context of all:
 * management task.
 */
#ifndef SOCLE_MGMT_IMAGE_PULL_H
#define SOCLE_MGMT_IMAGE_PULL_H

#include "core/lib/sha256.h"
#include "core/vmm/image.h"
#include "core/vmm/pools.h"
#include "mgmt/api/api.h"
#include "mgmt/api/job.h"
#include "mgmt/net/outgoing.h"
#include "mgmt/http/url.h"

#define PULLS_MAX     8u /* begun and not ended */
#define PULLS_AT_ONCE 3u /* the others wait in the queue */

/* What is to be fetched. */
struct pull_spec {
    char name[IMAGE_NAME_MAX + 1];
    enum image_kind kind;
    char pool[POOL_NAME_MAX + 1]; /* "": the first that works, or the host's memory */
    struct url url;
    bool has_sha256;
    u8 sha256[SHA256_BYTES]; /* of the whole file */
    bool has_pin;
    u8 pin[SHA256_BYTES]; /* of the server's certificate */
    char *ca;             /* PEM, from kmalloc; or NULL */
};

/* Begins one, or puts it into the queue. It owns spec->ca from here on. Return: its task; NULL: as
 * many as possible are under way, and spec->ca is still the caller's. */
struct job *image_pull(const struct pull_spec *spec) must_check;

/* True if an image of that name is being fetched, or waits for it. */
bool image_pull_has(const char *name);

/* Begins those in the queue, ends those whose server has gone quiet. Called in every turn of the
 * agent. Return: true if there is work, and the agent is not to sleep. */
bool image_pull_poll(u64 now_ns) must_check;

#endif
