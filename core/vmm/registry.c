/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-up and order of VM definitions: by name in a sorted table, by id in a hash. */
#include "core/vmm/registry.h"

#include "core/lib/string.h"
#include "core/vmm/vmm.h"

#define BUCKETS 256u

static struct vmm_entry *by_name[VMM_VMS_MAX];
static struct list by_id[BUCKETS]; /* zeroed: empty */
static u32 last_id;
static u64 last_etag;
static u32 entry_count;
static u32 state_count[VMM_STATES];
static struct vmm_watcher *watchers;

void vmm_watch(struct vmm_watcher *watcher)
{
    watcher->next = watchers;
    watchers = watcher;
}

static void tell(const struct vmm_entry *entry, enum vmm_change change)
{
    for (const struct vmm_watcher *w = watchers; w; w = w->next)
        w->changed(change, entry->id, entry->cfg.name, entry->state);
}

static struct list *bucket(u32 id)
{
    struct list *head = &by_id[id % BUCKETS];

    if (!head->next)
        list_init(head);
    return head;
}

/* Index of the first name that is not below this one; *is_there: it is the very name. */
static u32 place(const char *name, bool *is_there)
{
    u32 low = 0, high = entry_count;

    *is_there = false;
    while (low < high) {
        u32 middle = (low + high) / 2;
        int order = strcmp(by_name[middle]->cfg.name, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vmm_entry *registry_find_id(u32 id)
{
    list_for_each(pos, bucket(id))
    {
        struct vmm_entry *entry = list_entry(pos, struct vmm_entry, link);

        if (entry->id == id)
            return entry;
    }
    return NULL;
}

struct vmm_entry *registry_find_name(const char *name)
{
    bool is_there;
    u32 index = place(name, &is_there);

    return is_there ? by_name[index] : NULL;
}

struct vmm_entry *registry_find_uuid(const u8 uuid[16])
{
    for (u32 i = 0; i < entry_count; i++) {
        if (memcmp(by_name[i]->cfg.uuid, uuid, sizeof(by_name[i]->cfg.uuid)) == 0)
            return by_name[i];
    }
    return NULL;
}

struct vmm_entry *registry_after(const char *name)
{
    bool is_there;
    u32 index = place(name, &is_there);

    return registry_at(index + is_there);
}

struct vmm_entry *registry_at(u32 index)
{
    return index < entry_count ? by_name[index] : NULL;
}

u32 registry_count(void)
{
    return entry_count;
}

u32 registry_count_state(enum vmm_state state)
{
    return state_count[state];
}

static void insert_sorted(struct vmm_entry *entry)
{
    bool is_there;
    u32 index = place(entry->cfg.name, &is_there);

    memmove(&by_name[index + 1], &by_name[index], (entry_count - index) * sizeof(by_name[0]));
    by_name[index] = entry;
    entry_count++;
}

/* By address: the name may have changed. */
static void take_out(const struct vmm_entry *entry)
{
    u32 index = 0;

    while (by_name[index] != entry)
        index++;
    entry_count--;
    memmove(&by_name[index], &by_name[index + 1], (entry_count - index) * sizeof(by_name[0]));
}

void registry_insert(struct vmm_entry *entry)
{
    entry->id = ++last_id;
    insert_sorted(entry);
    list_push_back(bucket(entry->id), &entry->link);
    state_count[entry->state]++;
    entry->etag = ++last_etag;
    tell(entry, VMM_CREATED);
}

void registry_resort(struct vmm_entry *entry)
{
    take_out(entry);
    insert_sorted(entry);
}

void registry_remove(struct vmm_entry *entry)
{
    take_out(entry);
    list_remove(&entry->link);
    state_count[entry->state]--;
    tell(entry, VMM_DELETED);
}

void registry_touch(struct vmm_entry *entry)
{
    entry->etag = ++last_etag;
    tell(entry, VMM_CHANGED);
}

void registry_set_state(struct vmm_entry *entry, enum vmm_state state)
{
    state_count[entry->state]--;
    state_count[state]++;
    entry->state = state;
    entry->etag = ++last_etag;
    tell(entry, VMM_NEW_STATE);
}
