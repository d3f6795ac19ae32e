/* SPDX-License-Identifier: BSD-2-Clause */
/* The names in a definition, one after the other, and whether there is what they name. */
#include "mgmt/api/vm_missing.h"

#include "core/lib/printf.h"
#include "core/vmm/image.h"
#include "core/vmm/vm_config.h"
#include "core/vmm/volumes.h"
#include "drivers/net/network.h"
#include "mgmt/api/api_similar.h"

enum { KERNEL, INITRD, DISK, NIC = DISK + VM_DISKS_MAX, END = NIC + VM_NICS_MAX };

struct named {
    const char *kind;
    const char *name; /* empty: nothing is named here */
    char pointer[24];
};

static void named_set(struct named *named, const char *kind, const char *name, const char *group,
                      u32 index, const char *member)
{
    named->kind = kind;
    named->name = name;
    if (index == UINT32_MAX)
        ksnprintf(named->pointer, sizeof(named->pointer), "/%s/%s", group, member);
    else
        ksnprintf(named->pointer, sizeof(named->pointer), "/%s/%u/%s", group, index, member);
}

static void named_at(const struct vm_config *cfg, u32 at, struct named *named)
{
    if (at == KERNEL)
        named_set(named, "image", cfg->kernel, "boot", UINT32_MAX, "kernel");
    else if (at == INITRD)
        named_set(named, "image", cfg->initrd, "boot", UINT32_MAX, "initrd");
    else if (at >= NIC)
        named_set(named, "network", at - NIC < cfg->nic_count ? cfg->nics[at - NIC].network : "",
                  "nics", at - NIC, "network");
    else if (at - DISK >= cfg->disk_count)
        named->name = "";
    else if (cfg->disks[at - DISK].image[0])
        named_set(named, "image", cfg->disks[at - DISK].image, "disks", at - DISK, "image");
    else
        named_set(named, "volume", cfg->disks[at - DISK].volume, "disks", at - DISK, "volume");
}

static bool is_there(const struct named *named)
{
    static struct network_info info; /* large; one thread answers */

    switch (named->kind[0]) {
    case 'i':
        return image_find(named->name) != NULL;
    case 'v':
        return volumes_find(named->name) != NULL;
    default:
        return network_get(named->name, &info) == 0;
    }
}

/* The next one from *at on. Return: false: there is none. */
static bool missing_next(const struct vm_config *cfg, u32 *at, struct named *named)
{
    while (*at < END) {
        named_at(cfg, (*at)++, named);
        if (named->name[0] && !is_there(named))
            return true;
    }
    return false;
}

bool vm_missing_answer(struct req *req, const struct vm_config *cfg)
{
    struct named named;
    char detail[120];
    u32 at = 0;

    if (!missing_next(cfg, &at, &named))
        return false;
    ksnprintf(detail, sizeof(detail), "There is no %s \"%s\".", named.kind, named.name);
    api_error(req, &(struct problem){
                       .slug = "semantic",
                       .pointer = named.pointer,
                       .kind = named.kind,
                       .name = named.name,
                       .similar = api_similar(named.kind, named.name),
                       .detail = detail,
                       .hint = "Make it first, or name one that is there.",
                   });
    return true;
}

void vm_missing_write(struct json_writer *w, const struct vm_config *cfg)
{
    struct named named;
    u32 at = 0;

    if (!missing_next(cfg, &at, &named))
        return;
    json_key(w, "missing");
    json_array_begin(w);
    do {
        json_object_begin(w);
        json_put_string(w, "kind", named.kind);
        json_put_string(w, "name", named.name);
        json_put_string(w, "pointer", named.pointer);
        api_put_words_if(w, "similar", api_similar(named.kind, named.name));
        json_object_end(w);
    } while (missing_next(cfg, &at, &named));
    json_array_end(w);
}
