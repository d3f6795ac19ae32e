/* SPDX-License-Identifier: BSD-2-Clause */
/* VM definitions between JSON and plain data. */
#ifndef SOCLE_MGMT_VM_JSON_H
#define SOCLE_MGMT_VM_JSON_H

#include "core/lib/compiler.h"
#include "core/vmm/vmm.h"
#include "mgmt/json/json.h"

/* Which value is wrong and why; all text is static or in the struct. */
struct vm_json_error {
    const char *slug; /* "unknown_field", "bad_value", "no_memory" */
    const char *detail;
    const char *hint;
    const char *allowed; /* or NULL */
    char pointer[160];
    char got[64];
};

/*
 * Overwrites the members of *cfg that the document has, as a JSON merge patch (RFC 7396) does: null
 * gives a member its default. Members the API
 * only reports (state, etag …) are taken and ignored, so that what GET gave can be PUT back.
 * *cfg is the caller's to be given to vm_config_fini, also after an error. Return: 0; -EINVAL with
 * *err filled: not an object, unknown member, wrong type, too long; or no memory.
 */
int vm_json_read(const struct json_doc *doc, struct vm_config *cfg,
                 struct vm_json_error *err) must_check;

/* One disk of them; members that the document has not get their defaults. Return: likewise. */
int vm_json_read_disk(const struct json_doc *doc, struct vm_disk *disk,
                      struct vm_json_error *err) must_check;

/* Fills *err with what is wrong with a node. Return: -EINVAL. */
int vm_json_refuse(const struct json_doc *doc, const struct json_node *node, const char *slug,
                   const char *detail, const char *hint, struct vm_json_error *err);

void vm_json_write(struct json_writer *w, const struct vmm_info *info, u64 now_ns);

/* The same without the object's braces, for who has a member to add. */
void vm_json_write_members(struct json_writer *w, const struct vmm_info *info, u64 now_ns);

/* One disk of a definition. */
void vm_json_write_disk(struct json_writer *w, const struct vm_disk *disk);

#endif
