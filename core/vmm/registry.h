/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of definitions, in name order; private to core/vmm. Everything in it belongs to the
 * management task, so it needs no lock.
 */
#ifndef SOCLE_VMM_REGISTRY_H
#define SOCLE_VMM_REGISTRY_H

#include "core/lib/list.h"
#include "core/vdev/vconsole.h"
#include "core/vm/vm.h"
#include "core/vmm/console_log.h"
#include "core/vmm/vmm.h"

struct image;
struct vmm_pool;
struct volume;

/* One disk that the guest is asked to give up, or the last one. */
struct disk_removal {
    enum vmm_removal state;
    char disk[VM_DISK_ID_MAX + 1];
    u64 deadline_ns;
};

struct vmm_entry {
    struct list link;
    u32 id;
    struct vm_config cfg;
    enum vmm_state state;
    u64 etag;
    char reason[VM_REASON_MAX];
    u64 created_unix_ns;
    struct vmm_pool *pool; /* that keeps its definition, or NULL */
    bool is_from_dtb;      /* socle.dtb brings it at each boot */
    u64 started_ns;
    struct vconsole consoles[VM_CONSOLE_COUNT]; /* whose log is NULL is not there */
    struct console_log console_log;             /* used if cfg.console_log */
    struct vm *vm;                              /* NULL unless it runs or is paused */
    u32 vcpus_started;                          /* of vm: those whose tasks must be joined */
    struct cpu_mask plan;                       /* of vm: pCPUs it may run on, or has for itself */
    u64 overhead_bytes;                 /* of vm: what the hypervisor took for itself to build it */
    struct image *kernel;               /* held from start to stop, restarts included */
    struct image *initrd;               /* held, or NULL */
    struct volume *disks[VM_DISKS_MAX]; /* open from start to stop, by cfg.disks; or NULL */
    struct volume *seed;                /* cfg.cloud_init as a disk, from start to stop; or NULL */
    struct disk_removal removal;
    u32 dead_slots;    /* of vm: with disks taken by force, which the guest has yet to give up */
    u32 fast_restarts; /* in a row, by themselves */
    u64 restart_ns;    /* when the next one is due; state is VMM_STARTING and vm NULL */
    struct vcpu_times times[VM_CPUS_MAX];     /* of vCPUs already gone since the last start */
    struct time_stats wakeups;                /* of vCPUs already gone since the last start */
    u64 let_pass;                             /* of vCPUs already gone since the last start */
    struct time_stats exits[EXIT_KIND_COUNT]; /* of vCPUs already gone since the last start */
};

/* Return: NULL if there is none. */
struct vmm_entry *registry_find_id(u32 id);
struct vmm_entry *registry_find_name(const char *name);
struct vmm_entry *registry_find_uuid(const u8 uuid[16]);

/* The first in name order after that name ("": the first of all). */
struct vmm_entry *registry_after(const char *name);

/* In name order, from 0; a definition that comes or goes moves the others. */
struct vmm_entry *registry_at(u32 index);

u32 registry_count(void);
u32 registry_count_state(enum vmm_state state);

/* Gives the entry an id and puts it in its place. There are fewer than VMM_VMS_MAX. */
void registry_insert(struct vmm_entry *entry);

/* Puts an entry whose name has changed in its place. */
void registry_resort(struct vmm_entry *entry);
void registry_remove(struct vmm_entry *entry);

/* Marks the entry as changed. */
void registry_touch(struct vmm_entry *entry);

/* Makes a definition as vmm_create does, but does not keep it over a reboot: it comes from where it
 * is kept. */
int vmm_add(const struct vm_config *cfg, u32 *id, struct vmm_error *err) must_check;

/* A UUID for what was given none: not guessable from another one, and never the same twice. */
void vmm_uuid_make(const char *name, u8 uuid[16]);

/* Changes its state, and marks it as changed. */
void registry_set_state(struct vmm_entry *entry, enum vmm_state state);

#endif
