/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three files in a file system of their own, in RAM from the VM's start to its stop: at most 236
 * KiB for a VM that has texts for cloud-init, nothing for others.
 */
#include "core/vmm/seed.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/iso9660.h"
#include "core/vmm/vmm.h"
#include "drivers/block/volume_ram.h"
#include "mm/kheap.h"

/* What cloud-init looks for. */
#define SEED_LABEL "cidata"

#define META_DEFAULT_MAX (sizeof("instance-id: \nlocal-hostname: \n") + 36u + VM_NAME_MAX)

static const void *span(const void *cookie, u64 offset, size_t *bytes)
{
    const struct volume_base *base = cookie;
    const char *image = (const char *)(base + 1);

    *bytes = base->bytes - offset;
    return image + offset;
}

/* The image, behind what describes it. Return: NULL if there is no memory. */
static struct volume_base *build(const struct iso9660_file *files, u32 count)
{
    u64 bytes = iso9660_bytes(files, count);
    struct volume_base *base = kmalloc(sizeof(*base) + bytes);

    if (!base)
        return NULL;
    *base = (struct volume_base){span, kfree, base, bytes};
    iso9660_write(SEED_LABEL, files, count, (u8 *)(base + 1));
    return base;
}

static u32 meta_default(const struct vm_config *cfg, char *text)
{
    char uuid[37];

    vmm_uuid_format(cfg->uuid, uuid);
    ksnprintf(text, META_DEFAULT_MAX, "instance-id: %s\nlocal-hostname: %s\n", uuid, cfg->name);
    return (u32)strlen(text);
}

static struct iso9660_file file_of(const struct vm_config *cfg, enum cloud_init_part part,
                                   const char *name, const char *plain)
{
    struct iso9660_file file = {.name = name, .plain = plain};

    file.data = cloud_init_text(cfg->cloud_init, part, &file.bytes);
    return file;
}

int seed_make(const struct vm_config *cfg, struct volume **out)
{
    struct iso9660_file files[CLOUD_INIT_PARTS];
    char meta[META_DEFAULT_MAX];
    struct volume_base *base;
    u32 count = 0;
    int rc;

    files[count++] = file_of(cfg, CLOUD_META_DATA, "meta-data", "META_DAT.;1");
    if (files[0].bytes == 0) {
        files[0].bytes = meta_default(cfg, meta);
        files[0].data = meta;
    }
    if (cfg->cloud_init->bytes[CLOUD_NETWORK_CONFIG] > 0) /* an empty one would turn networks off */
        files[count++] = file_of(cfg, CLOUD_NETWORK_CONFIG, "network-config", "NETWORK_.;1");
    files[count++] = file_of(cfg, CLOUD_USER_DATA, "user-data", "USER_DAT.;1");
    base = build(files, count);
    if (!base)
        return -ENOMEM;
    rc = volume_ram_create("", base->bytes, base, true, out);
    if (rc)
        kfree(base);
    return rc;
}
