/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-up and order of VM definitions. */
#include "core/vmm/registry.h"

#include "core/lib/string.h"

static struct list entries = LIST_INIT(entries);
static u32 last_id;
static u64 last_etag;
static u32 entry_count;

static struct vmm_entry *entry_of(struct list *link)
{
    return list_entry(link, struct vmm_entry, link);
}

struct vmm_entry *registry_find_id(u32 id)
{
    list_for_each(pos, &entries)
    {
        if (entry_of(pos)->id == id)
            return entry_of(pos);
    }
    return NULL;
}

struct vmm_entry *registry_find_name(const char *name)
{
    list_for_each(pos, &entries)
    {
        if (strcmp(entry_of(pos)->cfg.name, name) == 0)
            return entry_of(pos);
    }
    return NULL;
}

struct vmm_entry *registry_find_uuid(const u8 uuid[16])
{
    list_for_each(pos, &entries)
    {
        if (memcmp(entry_of(pos)->cfg.uuid, uuid, sizeof(entry_of(pos)->cfg.uuid)) == 0)
            return entry_of(pos);
    }
    return NULL;
}

struct vmm_entry *registry_after(const char *name)
{
    list_for_each(pos, &entries)
    {
        if (strcmp(entry_of(pos)->cfg.name, name) > 0)
            return entry_of(pos);
    }
    return NULL;
}

u32 registry_count(void)
{
    return entry_count;
}

static void insert_sorted(struct vmm_entry *entry)
{
    struct list *pos = entries.next;

    while (pos != &entries && strcmp(entry_of(pos)->cfg.name, entry->cfg.name) < 0)
        pos = pos->next;
    list_push_back(pos, &entry->link);
}

void registry_insert(struct vmm_entry *entry)
{
    entry->id = ++last_id;
    entry_count++;
    insert_sorted(entry);
    registry_touch(entry);
}

void registry_resort(struct vmm_entry *entry)
{
    list_remove(&entry->link);
    insert_sorted(entry);
}

void registry_remove(struct vmm_entry *entry)
{
    list_remove(&entry->link);
    entry_count--;
}

void registry_touch(struct vmm_entry *entry)
{
    entry->etag = ++last_etag;
}

void registry_set_state(struct vmm_entry *entry, enum vmm_state state)
{
    entry->state = state;
    registry_touch(entry);
}
