/* SPDX-License-Identifier: BSD-2-Clause */
/* Which names there are of each kind. */
#include "mgmt/api/api_similar.h"

#include "core/lib/string.h"
#include "core/vmm/image.h"
#include "core/vmm/pools.h"
#include "core/vmm/vmm.h"
#include "core/vmm/volumes.h"
#include "drivers/net/network.h"
#include "mgmt/api/similar.h"

static void offer_vms(struct similar *similar, const char *wanted)
{
    static struct vmm_info info; /* large; one thread answers */
    char name[VM_NAME_MAX + 1] = "";
    u32 id;

    while (vmm_next(name, &id) && vmm_get(id, &info) == 0) {
        (void)str_copy(name, sizeof(name), info.cfg.name);
        similar_offer(similar, wanted, name);
    }
}

static void offer_volumes(struct similar *similar, const char *wanted)
{
    for (struct volume *v = volumes_next(NULL); v; v = volumes_next(v))
        similar_offer(similar, wanted, v->name);
}

static void offer_images(struct similar *similar, const char *wanted)
{
    struct image_info info;

    for (struct image *img = image_next(NULL); img; img = image_next(img)) {
        image_get_info(img, &info);
        similar_offer(similar, wanted, info.name);
    }
}

static void offer_pools(struct similar *similar, const char *wanted)
{
    for (struct vmm_pool *pool = pools_next(NULL); pool; pool = pools_next(pool))
        similar_offer(similar, wanted, pools_name(pool));
}

static void offer_networks(struct similar *similar, const char *wanted)
{
    static struct network_info info; /* large; one thread answers */

    info.cfg.name[0] = '\0';
    while (network_next(info.cfg.name, &info))
        similar_offer(similar, wanted, info.cfg.name);
}

static const struct {
    const char *kind;
    void (*offer)(struct similar *similar, const char *wanted);
} kinds[] = {
    {"vm", offer_vms},     {"volume", offer_volumes},   {"image", offer_images},
    {"pool", offer_pools}, {"network", offer_networks},
};

const char *api_similar(const char *kind, const char *name)
{
    static char text[SIMILAR_COUNT * (SIMILAR_NAME_MAX + 3)];
    struct similar similar = {0};

    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].offer(&similar, name);
    }
    return similar_text(&similar, text, sizeof(text))[0] ? text : NULL;
}
