/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine monitor's facade: the only API of core that management sees.
 *
 * Definitions are kept in a registry and survive stop, crash and failed requests; a struct vm
 * exists only while a VM runs, so its memory is taken at start and returned at stop. Context of
 * every function unless said otherwise: management task. On error *err holds the sentence for the
 * user.
 */
#ifndef SOCLE_VMM_VMM_H
#define SOCLE_VMM_VMM_H

#include "core/lib/compiler.h"
#include "core/lib/time_stats.h"
#include "core/lib/types.h"
#include "core/vm/vm_exit.h"
#include "core/vmm/vm_config.h"

#define VMM_VMS_MAX 1024

enum vmm_state { VMM_STOPPED, VMM_STARTING, VMM_RUNNING, VMM_PAUSED, VMM_STOPPING, VMM_CRASHED };
#define VMM_STATES (VMM_CRASHED + 1u)

/* Host memory a VM holds; all zero if it does not run. */
struct vm_memory {
    u64 resident_bytes;   /* behind the guest's RAM */
    u64 large_page_bytes; /* of these, in pages of 2 MiB and more */
    u64 page_table_bytes; /* second-level tables */
    u64 overhead_bytes;   /* vCPUs, stacks, devices, bookkeeping: the hypervisor's own */
};

struct vmm_info {
    u32 id;
    struct vm_config cfg;
    enum vmm_state state;
    u64 etag;            /* changes with the definition and the state */
    char reason[160];    /* why it crashed, or how it stopped; empty if neither */
    bool is_persistent;  /* it is there after the host's restart */
    u64 created_unix_ns; /* 0 if the clock is unknown */
    u64 started_ns;      /* uptime at start, 0 if not running */
    u64 console_written; /* bytes */
    struct vm_memory memory;
};

/* Where the time of a vCPU went. */
struct vcpu_times {
    u64 run_ns;     /* in guest mode, or serving its exits */
    u64 halted_ns;  /* halted by the guest */
    u64 waited_ns;  /* ready, but another ran */
    u64 limited_ns; /* its VM's limit was used up */
};

struct vmm_exit_stat {
    const char *reason;
    struct time_stats times;
};

/* What a VM has done since it was started. */
struct vmm_usage {
    u64 run_ns;   /* of all vCPUs */
    u64 steal_ns; /* ready, but another ran */
    u64 resident_bytes;
    u64 disk_read_bytes, disk_written_bytes;
    u64 net_received_bytes, net_sent_bytes;
    u64 exits;
};

struct blk_stats;
struct volume;

/* wake: called from any context when vmm_poll has work or a console has new bytes. */
int vmm_init(void (*wake)(void)) must_check;

struct boot_info;
struct dtb_report;

/*
 * Has the images and VMs of socle.dtb made, and those started that ask for it: vmm_poll does it,
 * step by step. Both are kept. Context: boot, after vmm_init.
 */
void vmm_boot(const struct boot_info *info, const struct dtb_report *report);

/*
 * Carries out what vCPU tasks left behind (stopped, reset and crashed VMs), copies consoles to the
 * log, and goes on with vmm_boot's work. Called by the agent's loop.
 */
void vmm_poll(void);

/* What may happen to a VM. */
enum vmm_change { VMM_CREATED, VMM_CHANGED, VMM_NEW_STATE, VMM_DELETED };

/* Is told of it: name and state are those it has then. */
struct vmm_watcher {
    void (*changed)(enum vmm_change change, u32 id, const char *name, enum vmm_state state);
    struct vmm_watcher *next;
};

/* The caller keeps the struct for ever. */
void vmm_watch(struct vmm_watcher *watcher);

/* Why VMs cannot start on this host, one sentence; NULL if they can. */
const char *vmm_unavailable_reason(void);

/* Kept in a pool if there is one. Return: 0 and *id; -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, or the
 * pool's error. An empty name is made up ("vm-1"). */
int vmm_create(const struct vm_config *cfg, u32 *id, struct vmm_error *err) must_check;

/* Replaces the definition of a stopped or crashed VM. Return: 0, -EINVAL, -ENOENT, -EBUSY (state).
 */
int vmm_replace(u32 id, const struct vm_config *cfg, struct vmm_error *err) must_check;

/*
 * As vmm_replace, but the VM may run if only what can be changed then differs: description, tags,
 * CPU weight and limit, the balloon's target, its start with the host, what cloud-init finds at the
 * next start. Return: 0, -EINVAL, -ENOENT,
 * -EBUSY (needs_stop), -ENOMEM (sizes in *err).
 */
int vmm_change(u32 id, const struct vm_config *cfg, struct vmm_error *err) must_check;

/*
 * Whether vmm_create (id 0) or vmm_change would take it; nothing changes. What only the machine can
 * say remains open: whether the memory for a larger balloon is there. Return: as these.
 */
int vmm_check(u32 id, const struct vm_config *cfg, struct vmm_error *err) must_check;

/*
 * Gives the VM one more disk; also while it runs, and its guest is told. A disk of a VM that is off
 * is replaced by one of the same id; the same again changes nothing. Return: 0; -ENOENT, -EINVAL,
 * -EBUSY (its volume is in use; state; needs_stop), -ENOSPC, -ENOMEM, or the pool's error.
 */
int vmm_disk_put(u32 id, const struct vm_disk *disk, struct vmm_error *err) must_check;

/* Whether it would; a running VM's volume may still turn out to be in use. Return: as vmm_disk_put.
 */
int vmm_disk_check(u32 id, const struct vm_disk *disk, struct vmm_error *err) must_check;

/*
 * Takes a disk away: from a VM that is off, or by force, at once; the guest then finds errors, and
 * is asked to give up what is left of it. A guest that runs is asked first: one disk of a VM at a
 * time. Return: 0; -EAGAIN (vmm_disk_removal tells how it ends); -ENOENT, -EBUSY (state; another
 * one is asked for), or the pool's error.
 */
int vmm_disk_remove(u32 id, const char *disk, bool force, struct vmm_error *err) must_check;

/* What became of the disk that the guest was asked for last. */
enum vmm_removal {
    VMM_REMOVAL_NONE,
    VMM_REMOVAL_PENDING,
    VMM_REMOVAL_DONE,
    VMM_REMOVAL_NO_ANSWER, /* within VMM_REMOVAL_NS: the guest still has it */
    VMM_REMOVAL_NOT_KEPT,  /* the changed definition could not be written: the guest has it again */
};
#define VMM_REMOVAL_NS (30 * NS_PER_S)
enum vmm_removal vmm_disk_removal(u32 id);

/* The slot of a disk on the guest's PCI bus. Return: 0: the VM does not run, or has no such disk.
 */
u32 vmm_disk_slot(u32 id, const char *disk);

/* Return: 0, -ENOENT, -EBUSY (running and not forced). */
int vmm_delete(u32 id, bool force, struct vmm_error *err) must_check;

/*
 * Builds and runs it. Return: 0, -ENOENT, -EBUSY (state), -ENOMEM (sizes in *err), -EINVAL (an
 * image is missing or is no kernel), -ENOSPC (pCPUs), -EOPNOTSUPP (vmm_unavailable_reason).
 */
int vmm_start(u32 id, bool paused, struct vmm_error *err) must_check;

/* At once; return when it is done. -ENOENT, -EBUSY (state). */
int vmm_poweroff(u32 id, struct vmm_error *err) must_check;
int vmm_reset(u32 id, struct vmm_error *err) must_check;
int vmm_pause(u32 id, struct vmm_error *err) must_check;
int vmm_resume(u32 id, struct vmm_error *err) must_check;

/* Presses the guest's ACPI power button. -ENOENT, -EBUSY (not running). */
int vmm_power_button(u32 id, struct vmm_error *err) must_check;

/* Sends its first CPU an NMI, as a button on the board would. -ENOENT, -EBUSY (not running, or the
 * guest has its local APIC off). */
int vmm_nmi(u32 id, struct vmm_error *err) must_check;

/* By name, or by UUID in its text form. Return: 0, -ENOENT. */
int vmm_find(const char *name_or_uuid, u32 *id) must_check;
int vmm_get(u32 id, struct vmm_info *out) must_check; /* 0, -ENOENT */

/* Walks the VMs in name order: starts with an empty name. Return: false at the end. */
bool vmm_next(const char *after_name, u32 *id);
u32 vmm_count(enum vmm_state state);

/* The same by number, from 0; a definition that comes or goes moves the others. */
bool vmm_at(u32 index, u32 *id);

/* Return: false if it does not run; *out is zero then. */
bool vmm_usage(u32 id, struct vmm_usage *out);

/* Times since the last start on request, guest's resets included; a running vCPU's may be an
 * instant old. Return: false if the VM has no such vCPU. */
bool vmm_vcpu_times(u32 id, u32 vcpu, struct vcpu_times *out);

/* From being woken to running, over all vCPUs since the last start on request. Return: false if
 * there is no such VM. */
bool vmm_wakeups(u32 id, struct time_stats *out);

/* Times a vCPU that spun let another of the VM go first, since the last start on request. Return: 0
 * if there is no such VM. */
u64 vmm_let_pass(u32 id);

/* Fills at most EXIT_KIND_COUNT rows, only kinds seen. Return: rows. */
size_t vmm_exits(u32 id, struct vmm_exit_stat *rows);

/* What disk number i of a VM has done since it was built. Return: NULL: there is no such disk, or
 * the VM does not run. */
const struct blk_stats *vmm_disk_stats(u32 id, u32 disk);

/* True while the VM has that volume open. */
bool vmm_uses_volume(u32 id, const struct volume *volume);

/* True if the VM has a console of that number. */
bool vmm_has_console(u32 id, u32 console);

/* A console of the VM; one that is not there has written nothing. Return: bytes; offsets count
 * every byte ever written. */
size_t vmm_console_read(u32 id, u32 console, u64 *offset, void *dst, size_t bytes);
u64 vmm_console_written(u32 id, u32 console);
u64 vmm_console_oldest(u32 id, u32 console);
/* Return: bytes accepted; negative -ENOENT, -EBUSY (not running). */
int vmm_console_input(u32 id, u32 console, const void *src, size_t bytes,
                      struct vmm_error *err) must_check;

/* Text forms of a UUID. */
void vmm_uuid_format(const u8 uuid[16], char text[37]);
int vmm_uuid_parse(const char *text, u8 uuid[16]) must_check;
/* True if none was given: one is made with the VM. */
bool vmm_uuid_is_zero(const u8 uuid[16]);

/* The name that the next VM without one gets. Context: management task. */
void vmm_name_make(char name[VM_NAME_MAX + 1]);

const char *vmm_state_name(enum vmm_state state);

#endif
