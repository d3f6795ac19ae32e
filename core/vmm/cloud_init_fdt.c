/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts for cloud-init as properties of a VM's node. */
#include "core/vmm/cloud_init_fdt.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"

static const char *const props[] = {
    [CLOUD_USER_DATA] = "user-data",
    [CLOUD_META_DATA] = "meta-data",
    [CLOUD_NETWORK_CONFIG] = "network-config",
};

bool cloud_init_fdt_knows(const char *name)
{
    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++) {
        if (strcmp(props[i], name) == 0)
            return true;
    }
    return false;
}

/* One text for cloud-init, as a file is (/incbin/) or with the NUL of a string. Return: false if it
 * is none. */
static bool cloud_text(const void *dtb, int node, const char *name, const char **text, u32 *bytes)
{
    int len = 0;

    *text = fdt_getprop(dtb, node, name, &len);
    if (!*text)
        len = 0;
    if (len > 0 && (*text)[len - 1] == '\0')
        len--;
    *bytes = (u32)len;
    return *bytes <= CLOUD_INIT_TEXT_MAX && (!*bytes || !memchr(*text, '\0', *bytes));
}

int cloud_init_fdt_read(const void *dtb, int node, const char *path, struct vm_config *cfg,
                        const struct dtb_report *report)
{
    const char *texts[CLOUD_INIT_PARTS];
    u32 bytes[CLOUD_INIT_PARTS];
    struct cloud_init *cloud;
    u32 total = 0;

    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++) {
        if (!cloud_text(dtb, node, props[i], &texts[i], &bytes[i])) {
            dtb_tell(report, path, props[i], "it is no text of at most 65536 bytes without a NUL");
            return -EINVAL;
        }
        total += bytes[i];
    }
    if (total == 0)
        return 0;
    cloud = cloud_init_new(bytes);
    if (!cloud) {
        dtb_tell(report, path, props[0], "the host has too little memory for it");
        return -ENOMEM;
    }
    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++) {
        if (bytes[i] > 0)
            memcpy(cloud->text + cloud->at[i], texts[i], bytes[i]);
    }
    cfg->cloud_init = cloud;
    return 0;
}

int cloud_init_fdt_write(const struct cloud_init *cloud, void *out)
{
    int rc = 0;

    for (enum cloud_init_part i = 0; i < CLOUD_INIT_PARTS && rc == 0; i++) {
        u32 bytes;
        const char *text = cloud_init_text(cloud, i, &bytes);

        if (bytes > 0)
            rc = fdt_property(out, props[i], text, (int)bytes);
    }
    return rc;
}
