/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's events: where they come from. Context of all: management task. */
#ifndef SOCLE_MGMT_API_EVENTS_H
#define SOCLE_MGMT_API_EVENTS_H

#include "mgmt/api/api.h"
#include "mgmt/api/job.h"

/* From now on what happens to VMs is kept. Context: boot, before there are any. */
void api_events_start(void);

/* A task has begun, come on or ended. */
void api_events_task(const struct job *job);

/* An image has come (is_new) or gone without a request that says so. */
void api_events_image(const char *name, bool is_new);

/* An answer is ready: if its request has changed something, that is an event. */
void api_events_note(const struct req *req);

#endif
