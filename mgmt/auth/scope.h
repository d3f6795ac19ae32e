/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens for some VMs only: with vm_tags a token sees and works VMs that have one of these tags.
 *
 * It works them, it does not define them: who could write a definition could give a VM another
 * one's disk. Beside its VMs it may read what there is of images, volumes and networks, and its
 * tasks. All else is the host's and refused, also what has no row in the table: a new route is
 * closed to such a token until somebody has thought about it. Pure.
 */
#ifndef SOCLE_MGMT_SCOPE_H
#define SOCLE_MGMT_SCOPE_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"
#include "mgmt/http/http.h"

#define SCOPE_TAGS_MAX 4u

/* The VMs: those with one of the tags; count 0: all of them. */
struct scope {
    u32 count;
    char tags[SCOPE_TAGS_MAX][VM_TAG_MAX + 1];
};

enum reach {
    REACH_HOST, /* not with a scope */
    REACH_VM,   /* if {vm} is in the scope */
    REACH_OPEN, /* the handler leaves out what is not in it */
};

/* What a scope means for a route. */
enum reach scope_reach(enum http_verb verb, const char *path);

bool scope_has(const struct scope *scope, const struct vm_config *cfg);

/* 1 to VM_TAG_MAX bytes without control characters, of which there is room for one more. Return:
 * false if it was not added. */
bool scope_add(struct scope *scope, const char *tag) must_check;

#endif
