/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts for cloud-init, shared by counting who holds them. */
#include "core/vmm/cloud_init.h"

#include "core/lib/string.h"
#include "mm/kheap.h"

const char *const cloud_init_names[] = {
    [CLOUD_USER_DATA] = "user_data",
    [CLOUD_META_DATA] = "meta_data",
    [CLOUD_NETWORK_CONFIG] = "network_config",
};

struct cloud_init *cloud_init_new(const u32 bytes[CLOUD_INIT_PARTS])
{
    struct cloud_init *cloud;
    u32 at[CLOUD_INIT_PARTS];
    u32 total = 0;

    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++) {
        at[i] = total;
        total += bytes[i];
    }
    cloud = kmalloc(sizeof(*cloud) + total);
    if (!cloud)
        return NULL;
    cloud->holders = 1;
    memcpy(cloud->bytes, bytes, sizeof(cloud->bytes));
    memcpy(cloud->at, at, sizeof(at));
    return cloud;
}

/* Only the count changes, and only here: what everybody else sees is const. */
static struct cloud_init *counted(const struct cloud_init *cloud)
{
    return (struct cloud_init *)(uintptr_t)cloud;
}

const struct cloud_init *cloud_init_hold(const struct cloud_init *cloud)
{
    if (cloud)
        counted(cloud)->holders++;
    return cloud;
}

void cloud_init_release(const struct cloud_init *cloud)
{
    if (cloud && --counted(cloud)->holders == 0)
        kfree(counted(cloud));
}

const char *cloud_init_text(const struct cloud_init *cloud, enum cloud_init_part part, u32 *bytes)
{
    *bytes = cloud ? cloud->bytes[part] : 0;
    return *bytes ? cloud->text + cloud->at[part] : "";
}

bool cloud_init_is_same(const struct cloud_init *a, const struct cloud_init *b)
{
    for (enum cloud_init_part i = 0; i < CLOUD_INIT_PARTS; i++) {
        u32 a_bytes, b_bytes;
        const char *a_text = cloud_init_text(a, i, &a_bytes);
        const char *b_text = cloud_init_text(b, i, &b_bytes);

        if (a_bytes != b_bytes || memcmp(a_text, b_text, a_bytes) != 0)
            return false;
    }
    return true;
}
