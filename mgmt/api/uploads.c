/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of uploads that can be resumed. */
#include "mgmt/api/uploads.h"

#include "core/lib/string.h"

struct upload *upload_find(struct upload_table *table, const char *name)
{
    for (u32 i = 0; i < UPLOADS_MAX; i++) {
        struct upload *upload = &table->uploads[i];

        if (upload->image && strcmp(upload->name, name) == 0)
            return upload;
    }
    return NULL;
}

/* A free place, or that of the one that is idle longest. */
static struct upload *place(struct upload_table *table)
{
    struct upload *found = NULL;

    for (u32 i = 0; i < UPLOADS_MAX; i++) {
        struct upload *upload = &table->uploads[i];

        if (!upload->image)
            return upload;
        if (!upload->is_busy && (!found || upload->idle_since_ns < found->idle_since_ns))
            found = upload;
    }
    return found;
}

struct upload *upload_add(struct upload_table *table, struct image *image, const char *name,
                          struct image **dropped)
{
    struct upload *upload = place(table);

    *dropped = upload ? upload->image : NULL;
    if (!upload)
        return NULL;
    *upload = (struct upload){.image = image, .is_busy = true};
    (void)str_copy(upload->name, sizeof(upload->name), name);
    return upload;
}

void upload_rest(struct upload *upload, u64 now_ns)
{
    upload->is_busy = false;
    upload->idle_since_ns = now_ns;
}

struct image *upload_remove(struct upload *upload)
{
    struct image *image = upload->image;

    *upload = (struct upload){0};
    return image;
}

struct upload *upload_overdue(struct upload_table *table, u64 now_ns)
{
    for (u32 i = 0; i < UPLOADS_MAX; i++) {
        struct upload *upload = &table->uploads[i];

        if (upload->image && !upload->is_busy && now_ns - upload->idle_since_ns >= UPLOAD_KEEP_NS)
            return upload;
    }
    return NULL;
}
