/* SPDX-License-Identifier: BSD-2-Clause */
/* Which routes are for tokens with vm_tags. */
#include "mgmt/auth/scope.h"

#include "core/lib/string.h"

#define VM_PATH API "/vms/{vm}"
#define API     "/api/v1"

static const struct {
    enum http_verb verb;
    enum reach reach;
    const char *path;
} rows[] = {
    {VERB_GET, REACH_VM, VM_PATH},
    {VERB_POST, REACH_VM, VM_PATH "/start"},
    {VERB_POST, REACH_VM, VM_PATH "/shutdown"},
    {VERB_POST, REACH_VM, VM_PATH "/poweroff"},
    {VERB_POST, REACH_VM, VM_PATH "/reset"},
    {VERB_POST, REACH_VM, VM_PATH "/pause"},
    {VERB_POST, REACH_VM, VM_PATH "/resume"},
    {VERB_POST, REACH_VM, VM_PATH "/nmi"},
    {VERB_GET, REACH_VM, VM_PATH "/consoles"},
    {VERB_GET, REACH_VM, VM_PATH "/consoles/{id}/log"},
    {VERB_POST, REACH_VM, VM_PATH "/consoles/{id}/input"},
    {VERB_GET, REACH_VM, VM_PATH "/consoles/{id}/ws"},
    {VERB_GET, REACH_VM, VM_PATH "/events"},
    {VERB_GET, REACH_VM, VM_PATH "/exits"},
    {VERB_GET, REACH_VM, VM_PATH "/metrics"},
    {VERB_GET, REACH_OPEN, API "/vms"},
    {VERB_GET, REACH_OPEN, API "/tasks"},
    {VERB_GET, REACH_OPEN, API "/tasks/{t}"},
    {VERB_DELETE, REACH_OPEN, API "/tasks/{t}"},
    {VERB_GET, REACH_OPEN, API "/images"},
    {VERB_GET, REACH_OPEN, API "/images/{i}"},
    {VERB_GET, REACH_OPEN, API "/volumes"},
    {VERB_GET, REACH_OPEN, API "/volumes/{v}"},
    {VERB_GET, REACH_OPEN, API "/networks"},
    {VERB_GET, REACH_OPEN, API "/networks/{n}"},
    {VERB_DELETE, REACH_OPEN, API "/sessions"},
};

enum reach scope_reach(enum http_verb verb, const char *path)
{
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].verb == verb && strcmp(rows[i].path, path) == 0)
            return rows[i].reach;
    }
    return REACH_HOST;
}

bool scope_has(const struct scope *scope, const struct vm_config *cfg)
{
    for (u32 i = 0; i < scope->count; i++) {
        for (u32 n = 0; n < cfg->tag_count; n++) {
            if (strcmp(scope->tags[i], cfg->tags[n]) == 0)
                return true;
        }
    }
    return scope->count == 0;
}

bool scope_add(struct scope *scope, const char *tag)
{
    for (const char *c = tag; *c; c++) {
        if ((u8)*c < ' ' || *c == 0x7f)
            return false;
    }
    return tag[0] != '\0' && scope->count < SCOPE_TAGS_MAX &&
           str_copy(scope->tags[scope->count++], VM_TAG_MAX + 1, tag);
}
