/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cloud-init is to find in a guest: three texts, in one allocation outside of struct
 * vm_config, which most VMs do without. It does not change once it is made and is shared by those
 * who hold it; a struct vm_config that is not just looked at holds its own (vm_config_fini).
 * Context: management task.
 */
#ifndef SOCLE_VMM_CLOUD_INIT_H
#define SOCLE_VMM_CLOUD_INIT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define CLOUD_INIT_TEXT_MAX (64u * 1024u)

enum cloud_init_part { CLOUD_USER_DATA, CLOUD_META_DATA, CLOUD_NETWORK_CONFIG, CLOUD_INIT_PARTS };

struct cloud_init {
    u32 holders;
    u32 bytes[CLOUD_INIT_PARTS]; /* 0: it is not given */
    u32 at[CLOUD_INIT_PARTS];    /* where it begins in text */
    char text[];                 /* UTF-8 or whatever else, without a NUL */
};

/* Their names: members in the API's JSON. */
extern const char *const cloud_init_names[CLOUD_INIT_PARTS];

/*
 * Makes one with room for texts of these sizes, held once; the caller fills it in, and may make
 * `bytes` smaller, before anybody else sees it. Return: NULL if there is no memory.
 */
struct cloud_init *cloud_init_new(const u32 bytes[CLOUD_INIT_PARTS]) must_check;

/* NULL is allowed for both; the last to release it frees it. */
const struct cloud_init *cloud_init_hold(const struct cloud_init *cloud);
void cloud_init_release(const struct cloud_init *cloud);

/* The text, `bytes` long and not terminated. cloud: may be NULL, which has none. */
const char *cloud_init_text(const struct cloud_init *cloud, enum cloud_init_part part, u32 *bytes);

/* True if both say the same; each may be NULL. */
bool cloud_init_is_same(const struct cloud_init *a, const struct cloud_init *b);

#endif
