/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facade: requests on definitions and on running VMs, each checked against the VM's state
 * first.
 *
 * States: STOPPED or CRASHED → start → RUNNING ⇄ PAUSED → STOPPED; a guest's reset or a restart
 * after a crash passes through STARTING. Every request is carried out before it returns.
 */
#include "core/vmm/vmm.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/kern/timer.h"
#include "core/vdev/vdevs.h"
#include "core/vmm/boot_vms.h"
#include "core/vmm/clock.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/definition.h"
#include "core/vmm/machine.h"
#include "core/vmm/pools.h"
#include "core/vmm/registry.h"
#include "core/vmm/vm_store.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

static void (*wake_management)(void);

static void on_console_output(void *arg)
{
    const struct vmm_entry *entry = arg;

    if (entry->cfg.console_log)
        machine_want_poll();
    else
        wake_management();
}

int vmm_init(void (*wake)(void))
{
    wake_management = wake;
    clock_init();
    machine_init(wake);
    pools_init(wake);
    return 0;
}

void vmm_boot(const struct boot_info *info, const struct dtb_report *report)
{
    boot_vms_init(info, report);
}

static void boot_poll(void)
{
    u64 due = boot_vms_poll(time_ns());

    if (due == 0)
        wake_management();
    else if (due != BOOT_VMS_DONE)
        machine_wake_at(due);
}

void vmm_poll(void)
{
    if (machine_poll_wanted()) {
        for (u32 i = 0; i < registry_count(); i++)
            machine_poll(registry_at(i));
    }
    pools_poll();
    boot_poll();
}

const char *vmm_unavailable_reason(void)
{
    return hvm ? NULL : hvm_unavailable;
}

const char *vmm_state_name(enum vmm_state state)
{
    static const char *const names[] = {
        [VMM_STOPPED] = "stopped", [VMM_STARTING] = "starting", [VMM_RUNNING] = "running",
        [VMM_PAUSED] = "paused",   [VMM_STOPPING] = "stopping", [VMM_CRASHED] = "crashed",
    };

    return names[state];
}

/* Refuses a name or UUID that another definition (than `self`) has. */
static int check_unique(const struct vm_config *cfg, const struct vmm_entry *self,
                        struct vmm_error *err)
{
    const struct vmm_entry *same_name = registry_find_name(cfg->name);
    const struct vmm_entry *same_uuid =
        vmm_uuid_is_zero(cfg->uuid) ? NULL : registry_find_uuid(cfg->uuid);

    if (same_name && same_name != self) {
        vmm_error_set(err, "exists", "/name", "Choose another name, or change that VM.",
                      "There is a VM \"%s\" already.", cfg->name);
        return -EEXIST;
    }
    if (same_uuid && same_uuid != self) {
        vmm_error_set(err, "exists", "/uuid", "Leave the UUID out to have one made up.",
                      "VM \"%s\" has that UUID already.", same_uuid->cfg.name);
        return -EEXIST;
    }
    return 0;
}

static int check_room(struct vmm_error *err)
{
    if (registry_count() < VMM_VMS_MAX)
        return 0;
    vmm_error_set(err, "no_space", NULL, "Delete a VM.", "There are %u VMs, the most possible.",
                  VMM_VMS_MAX);
    return -ENOSPC;
}

static int out_of_memory(struct vmm_error *err)
{
    vmm_error_set(err, "no_memory", NULL, "Delete a VM or an image.",
                  "The hypervisor is out of memory.");
    return -ENOMEM;
}

/* 0: there is no such console. */
static u32 log_bytes_of(const struct vm_config *cfg, u32 console)
{
    if (console == VM_CONSOLE_SERIAL)
        return cfg->serial_log_bytes;
    return cfg->has_virtio_console ? cfg->virtio_log_bytes : 0;
}

static void consoles_fini(struct vconsole *consoles)
{
    for (u32 i = 0; i < VM_CONSOLE_COUNT; i++)
        vconsole_fini(&consoles[i]);
}

/* Makes empty consoles, VM_CONSOLE_COUNT, of those sizes that the VM has none of. Return: 0,
 * -ENOMEM with *err filled. */
static int consoles_make(struct vmm_entry *entry, const struct vm_config *cfg,
                         struct vconsole *fresh, struct vmm_error *err)
{
    bool is_full = false;

    memset(fresh, 0, VM_CONSOLE_COUNT * sizeof(*fresh));
    for (u32 i = 0; i < VM_CONSOLE_COUNT; i++) {
        u32 bytes = log_bytes_of(cfg, i);

        if (bytes > 0 && bytes != entry->consoles[i].log_bytes)
            is_full |= vconsole_init(&fresh[i], bytes) != 0;
        fresh[i].on_output = on_console_output;
        fresh[i].on_output_arg = entry;
    }
    if (!is_full)
        return 0;
    consoles_fini(fresh);
    return out_of_memory(err);
}

/* Gives the VM those where it has none of that size. */
static void consoles_take(struct vmm_entry *entry, const struct vm_config *cfg,
                          const struct vconsole *fresh)
{
    for (u32 i = 0; i < VM_CONSOLE_COUNT; i++) {
        if (log_bytes_of(cfg, i) == entry->consoles[i].log_bytes)
            continue;
        vconsole_fini(&entry->consoles[i]);
        entry->consoles[i] = fresh[i];
    }
}

int vmm_add(const struct vm_config *cfg, u32 *id, struct vmm_error *err)
{
    struct vconsole fresh[VM_CONSOLE_COUNT];
    struct vmm_entry *entry;
    int rc = vmm_check(0, cfg, err);

    if (rc)
        return rc;
    entry = kzalloc(sizeof(*entry));
    if (!entry)
        return out_of_memory(err);
    entry->cfg = *cfg;
    rc = consoles_make(entry, cfg, fresh, err);
    if (rc) {
        kfree(entry);
        return rc;
    }
    (void)cloud_init_hold(cfg->cloud_init);
    consoles_take(entry, cfg, fresh);
    if (entry->cfg.name[0] == '\0')
        vmm_name_make(entry->cfg.name);
    if (vmm_uuid_is_zero(entry->cfg.uuid))
        vmm_uuid_make(entry->cfg.name, entry->cfg.uuid);
    entry->created_unix_ns = clock_is_known() ? clock_unix_ns() : 0;
    registry_insert(entry);
    *id = entry->id;
    return 0;
}

static void remove(struct vmm_entry *entry)
{
    registry_remove(entry);
    consoles_fini(entry->consoles);
    vm_config_fini(&entry->cfg);
    kfree(entry);
}

int vmm_create(const struct vm_config *cfg, u32 *id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = vmm_add(cfg, id, err);

    if (rc)
        return rc;
    entry = registry_find_id(*id);
    rc = vm_store_save(entry, err);
    if (rc)
        remove(entry);
    return rc;
}

/* Takes the new definition over, with the old name and UUID where it has none. */
static int config_replace(struct vmm_entry *entry, const struct vm_config *cfg,
                          struct vmm_error *err)
{
    static struct vm_config next; /* large; one thread calls */

    next = *cfg;
    if (!next.name[0])
        memcpy(next.name, entry->cfg.name, sizeof(next.name));
    if (vmm_uuid_is_zero(next.uuid))
        memcpy(next.uuid, entry->cfg.uuid, sizeof(next.uuid));
    return definition_set(entry, &next, err);
}

int vmm_replace(u32 id, const struct vm_config *cfg, struct vmm_error *err)
{
    struct vconsole fresh[VM_CONSOLE_COUNT];
    struct vmm_entry *entry = definition_find(id, err);
    int rc;

    if (!entry)
        return -ENOENT;
    rc = definition_check(cfg, err);
    if (rc == 0 && !definition_is_off(entry))
        rc = definition_wrong_state(entry, "Power it off before changing it.", err);
    if (rc == 0)
        rc = check_unique(cfg, entry, err);
    if (rc == 0)
        rc = consoles_make(entry, cfg, fresh, err);
    if (rc)
        return rc;
    rc = config_replace(entry, cfg, err);
    if (rc)
        consoles_fini(fresh); /* those of the old definition stay, as it does */
    else
        consoles_take(entry, cfg, fresh);
    return rc;
}

/* Takes over what a running VM lets itself be changed. */
static void take_live(struct vm_config *cfg, const struct vm_config *from)
{
    memcpy(cfg->description, from->description, sizeof(cfg->description));
    memcpy(cfg->tags, from->tags, sizeof(cfg->tags));
    cfg->tag_count = from->tag_count;
    cfg->cpu_weight = from->cpu_weight;
    cfg->cpu_limit_millicpu = from->cpu_limit_millicpu;
    cfg->balloon_target_bytes = from->balloon_target_bytes;
    cfg->autostart = from->autostart;
    cfg->start_order = from->start_order;
    cfg->start_delay_ms = from->start_delay_ms;
    cfg->cloud_init = from->cloud_init; /* for the next start */
}

static int needs_stop(const struct vmm_entry *entry, struct vmm_error *err)
{
    vmm_error_set(err, "needs_stop", NULL,
                  "Power it off first; description, tags, autostart, cpu.weight, "
                  "cpu.limit_millicpu, memory.balloon and cloud_init can be changed at any time.",
                  "VM \"%s\" is %s, and not all of this can be changed now.", entry->cfg.name,
                  vmm_state_name(entry->state));
    return -EBUSY;
}

/* Whether a VM that runs can become *cfg. */
static int check_live(const struct vmm_entry *entry, const struct vm_config *cfg,
                      struct vmm_error *err)
{
    static struct vm_config live; /* large; one thread calls */
    int rc = definition_check(cfg, err);

    if (rc)
        return rc;
    memcpy(&live, &entry->cfg, sizeof(live));
    take_live(&live, cfg);
    return memcmp(&live, cfg, sizeof(live)) == 0 ? 0 : needs_stop(entry, err);
}

int vmm_check(u32 id, const struct vm_config *cfg, struct vmm_error *err)
{
    const struct vmm_entry *entry = id ? definition_find(id, err) : NULL;
    int rc;

    if (id && !entry)
        return -ENOENT;
    if (entry && !definition_is_off(entry))
        return check_live(entry, cfg, err);
    rc = definition_check(cfg, err);
    if (rc == 0)
        rc = check_unique(cfg, entry, err);
    return rc || entry ? rc : check_room(err);
}

int vmm_change(u32 id, const struct vm_config *cfg, struct vmm_error *err)
{
    struct vmm_entry *entry = definition_find(id, err);
    int rc;

    if (!entry)
        return -ENOENT;
    if (definition_is_off(entry))
        return vmm_replace(id, cfg, err);
    rc = check_live(entry, cfg, err);
    if (rc)
        return rc;
    if (entry->vm && !cfg->cpu_realtime) {
        rc = machine_set_memory(entry, vm_config_target(cfg), err);
        if (rc)
            return rc;
    }
    rc = definition_set(entry, cfg, err);
    if (rc == 0 && entry->vm)
        machine_set_share(entry);
    return rc;
}

int vmm_delete(u32 id, bool force, struct vmm_error *err)
{
    struct vmm_entry *entry = definition_find(id, err);
    int rc;

    if (!entry)
        return -ENOENT;
    if (!definition_is_off(entry) && !force)
        return definition_wrong_state(entry, "Power it off first, or delete it by force.", err);
    rc = vm_store_forget(entry, err);
    if (rc)
        return rc;
    entry->removal.state = VMM_REMOVAL_NONE; /* what it ends with would be kept again */
    if (!definition_is_off(entry))
        machine_power_off(entry);
    remove(entry);
    return 0;
}

static void forget_last_run(struct vmm_entry *entry)
{
    entry->reason[0] = '\0';
    entry->fast_restarts = 0;
    memset(entry->times, 0, sizeof(entry->times));
    entry->let_pass = 0;
    memset(&entry->wakeups, 0, sizeof(entry->wakeups));
    memset(entry->exits, 0, sizeof(entry->exits));
}

int vmm_start(u32 id, bool paused, struct vmm_error *err)
{
    struct vmm_entry *entry = definition_find(id, err);
    int rc;

    if (!entry)
        return -ENOENT;
    if (!definition_is_off(entry))
        return definition_wrong_state(entry, "Only a stopped or crashed VM can be started.", err);
    if (vmm_unavailable_reason()) {
        vmm_error_set(err, "semantic", NULL,
                      "Turn on VT-x or AMD-V in the firmware's setup, if this CPU has it.", "%s",
                      vmm_unavailable_reason());
        return -EOPNOTSUPP;
    }
    rc = machine_hold_images(entry, err);
    if (rc)
        return rc;
    forget_last_run(entry);
    console_log_begin(&entry->console_log, &entry->consoles[VM_CONSOLE_SERIAL]);
    rc = machine_power_on(entry, paused, err);
    if (rc)
        machine_release_images(entry);
    return rc;
}

/* The entry, if it runs or is paused (or waits for its restart, if that will do). Return: 0,
 * -ENOENT, -EBUSY. */
static int find_alive(u32 id, bool waiting_will_do, struct vmm_entry **out, struct vmm_error *err)
{
    *out = definition_find(id, err);
    if (!*out)
        return -ENOENT;
    if ((*out)->vm || (waiting_will_do && (*out)->state == VMM_STARTING))
        return 0;
    return definition_wrong_state(*out, "Start it first.", err);
}

/* The same, if its vCPUs run; hint: what to do about it if they do not. */
static int find_running(u32 id, const char *hint, struct vmm_entry **out, struct vmm_error *err)
{
    int rc = find_alive(id, false, out, err);

    if (rc || (*out)->state == VMM_RUNNING)
        return rc;
    return definition_wrong_state(*out, hint, err);
}

int vmm_poweroff(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_alive(id, true, &entry, err);

    if (rc == 0)
        machine_power_off(entry);
    return rc;
}

int vmm_reset(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_alive(id, true, &entry, err);

    if (rc == 0)
        machine_reset(entry);
    return rc;
}

int vmm_pause(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_running(id, "Only a running VM can be paused.", &entry, err);

    if (rc)
        return rc;
    vm_pause(entry->vm);
    registry_set_state(entry, VMM_PAUSED);
    return 0;
}

int vmm_resume(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_alive(id, false, &entry, err);

    if (rc)
        return rc;
    if (entry->state != VMM_PAUSED)
        return definition_wrong_state(entry, "Only a paused VM can be resumed.", err);
    vm_resume(entry->vm);
    registry_set_state(entry, VMM_RUNNING);
    return 0;
}

int vmm_power_button(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_running(id, "Resume it first.", &entry, err);

    if (rc == 0)
        vpm_power_button(entry->vm);
    return rc;
}

int vmm_nmi(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry;
    int rc = find_running(id, "Resume it first.", &entry, err);

    if (rc)
        return rc;
    if (entry->vm->irqchip->send_nmi(entry->vm->vcpus[0]))
        return 0;
    return definition_wrong_state(entry, "Its guest has the local APIC off and takes no NMI.", err);
}
