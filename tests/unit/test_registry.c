/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vmm/registry.c */
/* Definitions are found by name, id and UUID, come in name order, and are counted by state. */
#include "core/vmm/registry.h"
#include "core/vmm/vmm.h"
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#define MANY VMM_VMS_MAX

static struct vmm_entry entries[MANY];

static void fill(u32 count)
{
    memset(entries, 0, sizeof entries);
    for (u32 i = 0; i < count; i++) {
        u32 scattered = (i * 613u) % MANY; /* odd: each number once */

        snprintf(entries[i].cfg.name, sizeof entries[i].cfg.name, "vm%04u", scattered);
        memcpy(entries[i].cfg.uuid, &scattered, sizeof scattered);
        registry_insert(&entries[i]);
    }
}

static void empty(u32 count)
{
    for (u32 i = 0; i < count; i++)
        registry_remove(&entries[i]);
}

TEST(names_come_in_order_and_all_are_found)
{
    char last[VM_NAME_MAX + 1] = "";
    struct vmm_entry *entry;
    u32 count = 0;

    fill(MANY);
    CHECK_EQ(registry_count(), MANY);
    while ((entry = registry_after(last)) != NULL) {
        CHECK(strcmp(last, entry->cfg.name) < 0);
        CHECK(registry_at(count) == entry);
        strcpy(last, entry->cfg.name);
        count++;
    }
    CHECK_EQ(count, MANY);
    for (u32 i = 0; i < MANY; i++) {
        CHECK(registry_find_name(entries[i].cfg.name) == &entries[i]);
        CHECK(registry_find_id(entries[i].id) == &entries[i]);
        CHECK(registry_find_uuid(entries[i].cfg.uuid) == &entries[i]);
    }
    CHECK(registry_find_name("vm") == NULL);
    CHECK(registry_find_name("vm99999") == NULL);
    CHECK(registry_find_id(entries[MANY - 1].id + 1) == NULL);
    empty(MANY);
    CHECK_EQ(registry_count(), 0);
    CHECK(registry_after("") == NULL && registry_at(0) == NULL);
}

TEST(what_is_removed_or_renamed_is_not_found_where_it_was)
{
    fill(5);
    registry_remove(&entries[2]);
    CHECK(registry_find_id(entries[2].id) == NULL);
    CHECK(registry_find_name(entries[2].cfg.name) == NULL);
    CHECK_EQ(registry_count(), 4);

    strcpy(entries[0].cfg.name, "zebra");
    registry_resort(&entries[0]);
    CHECK(registry_find_name("zebra") == &entries[0]);
    CHECK(registry_at(3) == &entries[0]);
    CHECK(registry_find_id(entries[0].id) == &entries[0]);

    registry_insert(&entries[2]);
    empty(5);
}

static u32 told[VMM_DELETED + 1];
static enum vmm_state told_state;
static char told_name[VM_NAME_MAX + 1];

static void on_change(enum vmm_change change, u32 id, const char *name, enum vmm_state state)
{
    CHECK(id != 0);
    told[change]++;
    told_state = state;
    snprintf(told_name, sizeof told_name, "%s", name);
}

TEST(watchers_are_told_of_every_change_once)
{
    static struct vmm_watcher watcher = {.changed = on_change};

    vmm_watch(&watcher);
    fill(2);
    CHECK_EQ(told[VMM_CREATED], 2);
    CHECK_STR(told_name, entries[1].cfg.name);
    registry_set_state(&entries[0], VMM_PAUSED);
    CHECK_EQ(told[VMM_NEW_STATE], 1);
    CHECK_EQ(told_state, VMM_PAUSED);
    CHECK_STR(told_name, entries[0].cfg.name);
    CHECK_EQ(told[VMM_CHANGED], 0);
    registry_touch(&entries[1]);
    CHECK_EQ(told[VMM_CHANGED], 1);
    registry_remove(&entries[0]);
    CHECK_EQ(told[VMM_DELETED], 1);
    registry_remove(&entries[1]);
}

TEST(states_are_counted)
{
    u64 etag;

    fill(3);
    CHECK_EQ(registry_count_state(VMM_STOPPED), 3);
    etag = entries[1].etag;
    registry_set_state(&entries[1], VMM_RUNNING);
    CHECK(entries[1].etag != etag);
    CHECK_EQ(registry_count_state(VMM_STOPPED), 2);
    CHECK_EQ(registry_count_state(VMM_RUNNING), 1);
    registry_remove(&entries[1]);
    CHECK_EQ(registry_count_state(VMM_RUNNING), 0);
    registry_remove(&entries[0]);
    registry_remove(&entries[2]);
    CHECK_EQ(registry_count_state(VMM_STOPPED), 0);
}
