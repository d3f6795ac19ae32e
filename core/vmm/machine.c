/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power of VMs. A guest's own reset and the restart after a crash free everything and build it anew
 * from the images held since the start; if that happens quickly again and again, it is put off for
 * longer each time, so a guest in a reboot loop cannot keep the management task busy.
 */
#include "core/vmm/machine.h"

#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vmm/clock.h"
#include "core/vmm/image.h"
#include "core/vmm/pcpu_plan.h"
#include "core/vmm/vcpu_times.h"
#include "core/vmm/vm_build.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "mm/kheap.h"
#include "mm/pmm.h"

#define RESTART_FAST_NS   (10 * NS_PER_S) /* an uptime below counts as fast */
#define RESTART_STEP_NS   (250 * NS_PER_MS)
#define RESTART_SHIFT_MAX 7u /* 32 s */

static void (*wake_management)(void);
static struct timer wake_timer; /* armed for the earliest of all deadlines */
static u32 poll_wanted;         /* atomic: machine_poll has work for some entry */

void machine_want_poll(void)
{
    __atomic_store_n(&poll_wanted, 1, __ATOMIC_SEQ_CST);
    wake_management();
}

bool machine_poll_wanted(void)
{
    return __atomic_exchange_n(&poll_wanted, 0, __ATOMIC_SEQ_CST) != 0;
}

static void on_wake_timer(void *arg)
{
    (void)arg;
    machine_want_poll();
}

/* It has stopped, or given a device up. */
static void on_vm_event(struct vm *vm)
{
    (void)vm;
    machine_want_poll();
}

void machine_init(void (*wake)(void))
{
    wake_management = wake;
    timer_init(&wake_timer, on_wake_timer, NULL);
}

/* Whoever is not the earliest asks again in the turn that the earliest causes. */
void machine_wake_at(u64 deadline_ns)
{
    if (!wake_timer.armed || wake_timer.deadline_ns > deadline_ns)
        timer_arm(&wake_timer, deadline_ns);
}

static int hold_image(const char *name, const char *pointer, struct image **out,
                      struct vmm_error *err)
{
    struct image *img = image_find(name);

    if (!img) {
        vmm_error_set(err, "semantic", pointer, "Upload it with PUT /api/v1/images/{name} first.",
                      "There is no image \"%s\".", name);
        return -EINVAL;
    }
    image_hold(img);
    *out = img;
    return 0;
}

int machine_hold_images(struct vmm_entry *entry, struct vmm_error *err)
{
    int rc = hold_image(entry->cfg.kernel, "/boot/kernel", &entry->kernel, err);

    if (rc == 0 && entry->cfg.initrd[0] != '\0')
        rc = hold_image(entry->cfg.initrd, "/boot/initrd", &entry->initrd, err);
    if (rc == 0)
        rc = machine_open_disks(entry, err);
    if (rc)
        machine_release_images(entry);
    return rc;
}

void machine_release_images(struct vmm_entry *entry)
{
    if (entry->kernel)
        image_release(entry->kernel);
    if (entry->initrd)
        image_release(entry->initrd);
    entry->kernel = NULL;
    entry->initrd = NULL;
    machine_close_disks(entry);
}

/* Keeps the counters of vCPUs about to go. */
static void keep_counters(struct vmm_entry *entry)
{
    for (u32 i = 0; i < entry->vm->vcpu_count; i++) {
        const struct vcpu *vcpu = entry->vm->vcpus[i];

        vcpu_times_add(&entry->times[i], vcpu);
        time_stats_add(&entry->wakeups, &vcpu->task.wakeups);
        entry->let_pass += vcpu->let_pass;
        for (u32 kind = 0; kind < EXIT_KIND_COUNT; kind++)
            time_stats_add(&entry->exits[kind], &vcpu->exits[kind]);
    }
}

/* Waits for the vCPU tasks, which have been asked to leave, and frees everything. */
static void tear_down(struct vmm_entry *entry)
{
    struct vm *vm = entry->vm;

    for (u32 i = 0; i < entry->vcpus_started; i++)
        task_join(&vm->vcpus[i]->task);
    if (entry->cfg.console_log)
        console_log_finish(&entry->console_log, &entry->consoles[VM_CONSOLE_SERIAL],
                           entry->cfg.name, time_ns());
    keep_counters(entry);
    vm_fini(vm);
    kfree(vm);
    entry->vm = NULL;
    entry->vcpus_started = 0;
    pcpu_plan_release(entry);
    machine_end_removal(entry);
}

static int start_vcpus(struct vmm_entry *entry, bool paused)
{
    struct vm *vm = entry->vm;
    struct cpu_share share = {.weight = entry->cfg.cpu_weight,
                              .is_exclusive = entry->cfg.cpu_realtime,
                              .node = vm->gmem.node,
                              .limit = &vm->cpu_limit};

    cpu_limit_init(&vm->cpu_limit, entry->cfg.cpu_limit_millicpu, time_ns());
    for (u32 i = 0; i < vm->vcpu_count; i++) {
        int rc;

        if (paused)
            vm->vcpus[i]->requests |= VCPU_REQ_PAUSE; /* its task does not run yet */
        share.allowed = pcpu_plan_of(entry, i);
        rc = vcpu_start(vm->vcpus[i], &share);
        if (rc)
            return rc;
        entry->vcpus_started++;
    }
    return 0;
}

void machine_set_share(struct vmm_entry *entry)
{
    struct vm *vm = entry->vm;

    cpu_limit_set(&vm->cpu_limit, entry->cfg.cpu_limit_millicpu, time_ns());
    for (u32 i = 0; i < entry->vcpus_started; i++) {
        task_set_weight(&vm->vcpus[i]->task, entry->cfg.cpu_weight);
        task_limit_changed(&vm->vcpus[i]->task);
    }
}

int machine_set_memory(struct vmm_entry *entry, u64 target_bytes, struct vmm_error *err)
{
    struct vm *vm = entry->vm;
    struct gmem_stats ram;
    struct pmm_stats host;

    if (gmem_assure(&vm->gmem, target_bytes) == 0) {
        virtio_balloon_set(vm, entry->cfg.memory_bytes - target_bytes);
        return 0;
    }
    gmem_get_stats(&vm->gmem, &ram);
    pmm_get_stats(&host);
    vmm_error_set(err, "no_memory", "/memory/balloon/target_bytes",
                  "Stop a VM or delete an image, or ask for less.",
                  "VM \"%s\" would need memory again that is in use elsewhere.", entry->cfg.name);
    err->need_bytes = target_bytes - MIN(target_bytes, ram.resident_bytes) + VMM_RESERVE_BYTES;
    err->free_bytes = pmm_available(&host);
    return -ENOMEM;
}

/* What the hypervisor uses for itself: blocks in its heap and pages outside of it. Slabs count by
 * the blocks in them, so that it does not depend on how full they were. */
static u64 own_bytes(void)
{
    struct kheap_stats heap;
    struct pmm_stats pages;

    kheap_get_stats(&heap);
    pmm_get_stats(&pages);
    return pages.used_bytes[PMM_HYPERVISOR] - heap.page_bytes + heap.live_bytes;
}

/* Whose memory the VM gets first: that of the pCPUs it is bound to, or where most is free. */
static u32 memory_node(const struct vmm_entry *entry)
{
    bool is_bound = entry->cfg.cpu_realtime || !cpu_mask_is_empty(&entry->cfg.pins);

    for (u32 i = 0; is_bound && i < pcpu_count(); i++) {
        if (cpu_mask_has(&entry->plan, i))
            return pcpu_get(i)->node;
    }
    return pmm_freest_node();
}

static int load_image(struct image *img, struct vmm_error *err)
{
    struct pmm_stats host;
    int rc = img ? image_load(img) : 0;

    pmm_get_stats(&host);
    if (rc == -ENOMEM) {
        vmm_error_set(err, "no_memory", NULL, "Stop a VM or delete an image.",
                      "There is no memory to load the VM's images.");
        err->need_bytes = image_bytes(img) + VMM_RESERVE_BYTES;
        err->free_bytes = pmm_available(&host);
    } else if (rc) {
        vmm_error_set(err, "state", NULL, "GET /api/v1/pools says how the pool is.",
                      "The VM's images cannot be read from their pool.");
    }
    return rc == -ENOMEM ? rc : rc ? -EBUSY : 0;
}

/* Those at rest are in RAM only as long as the guest is being loaded. */
static int build(struct vm *vm, const struct vm_parts *parts, struct vmm_entry *entry,
                 struct vmm_error *err)
{
    int rc = load_image(entry->kernel, err);

    if (rc)
        return rc;
    rc = load_image(entry->initrd, err);
    if (rc == 0) {
        rc = vm_build(vm, parts, err);
        if (entry->initrd)
            image_unload(entry->initrd);
    }
    image_unload(entry->kernel);
    return rc;
}

int machine_power_on(struct vmm_entry *entry, bool paused, struct vmm_error *err)
{
    struct vm_parts parts = {
        .id = entry->id,
        .cfg = &entry->cfg,
        .consoles = entry->consoles,
        .kernel = entry->kernel,
        .initrd = entry->initrd,
        .disks = entry->disks,
        .seed = entry->seed,
        .unix_ns = clock_unix_ns(),
        .on_stopped = on_vm_event,
        .on_ejected = on_vm_event,
    };
    u64 own_before = own_bytes();
    struct vm *vm = kmalloc(sizeof(*vm));
    int rc;

    if (!vm)
        return vmm_error_no_memory(err);
    rc = pcpu_plan_make(entry, err);
    parts.node = memory_node(entry);
    if (rc == 0)
        rc = build(vm, &parts, entry, err);
    if (rc) {
        pcpu_plan_release(entry);
        kfree(vm);
        return rc;
    }
    entry->vm = vm;
    if (start_vcpus(entry, paused)) {
        vm_stop(vm, VM_STOP_FORCED);
        tear_down(entry);
        return vmm_error_no_memory(err);
    }
    entry->overhead_bytes = own_bytes() - own_before;
    entry->started_ns = time_ns();
    registry_set_state(entry, paused ? VMM_PAUSED : VMM_RUNNING);
    log_info("vmm", "VM %s started", entry->cfg.name);
    return 0;
}

static void stop_and_tear_down(struct vmm_entry *entry)
{
    if (!entry->vm)
        return;
    vm_stop(entry->vm, VM_STOP_FORCED);
    tear_down(entry);
}

/* Ends a run for good. */
static void finish(struct vmm_entry *entry, enum vmm_state state)
{
    machine_release_images(entry);
    entry->started_ns = 0;
    registry_set_state(entry, state);
    log_info("vmm", "VM %s %s: %s", entry->cfg.name, vmm_state_name(state), entry->reason);
}

void machine_power_off(struct vmm_entry *entry)
{
    stop_and_tear_down(entry);
    (void)str_copy(entry->reason, sizeof(entry->reason), "powered off on request");
    finish(entry, VMM_STOPPED);
}

/* Builds and runs it again; if that fails, it has crashed. */
static void power_on_again(struct vmm_entry *entry)
{
    struct vmm_error err;

    if (machine_power_on(entry, false, &err) == 0)
        return;
    ksnprintf(entry->reason, sizeof(entry->reason), "could not be restarted: %s", err.text);
    finish(entry, VMM_CRASHED);
}

void machine_reset(struct vmm_entry *entry)
{
    stop_and_tear_down(entry);
    entry->fast_restarts = 0;
    power_on_again(entry);
}

/* How long a VM that ran so short must wait before it is built again. */
static u64 restart_delay(struct vmm_entry *entry)
{
    u64 now = time_ns();

    if (now - entry->started_ns >= RESTART_FAST_NS)
        entry->fast_restarts = 0;
    else
        entry->fast_restarts++;
    if (entry->fast_restarts == 0)
        return 0;
    return RESTART_STEP_NS << MIN(entry->fast_restarts - 1, RESTART_SHIFT_MAX);
}

static void restart_later(struct vmm_entry *entry)
{
    entry->restart_ns = time_ns() + restart_delay(entry);
    entry->started_ns = 0;
    registry_set_state(entry, VMM_STARTING);
}

/* The guest ended its run: carries out how. */
static void handle_stop(struct vmm_entry *entry)
{
    enum vm_stop why = entry->vm->stop;
    bool restarts = why == VM_STOP_RESET;

    if (why == VM_STOP_CRASH) {
        (void)str_copy(entry->reason, sizeof(entry->reason), entry->vm->reason);
        restarts = entry->cfg.on_crash == VM_ON_CRASH_RESTART;
    } else if (why == VM_STOP_POWEROFF) {
        (void)str_copy(entry->reason, sizeof(entry->reason), "powered off by the guest");
    } else if (why == VM_STOP_RESET) {
        (void)str_copy(entry->reason, sizeof(entry->reason), "reset by the guest");
    }
    tear_down(entry);
    if (restarts)
        restart_later(entry);
    else
        finish(entry, why == VM_STOP_CRASH ? VMM_CRASHED : VMM_STOPPED);
}

static bool has_stopped(struct vm *vm)
{
    return __atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE) != VM_STOP_NONE &&
           __atomic_load_n(&vm->vcpus_alive, __ATOMIC_ACQUIRE) == 0;
}

static void copy_console(struct vmm_entry *entry)
{
    u64 again = console_log_poll(&entry->console_log, &entry->consoles[VM_CONSOLE_SERIAL],
                                 entry->cfg.name, time_ns());

    if (again)
        machine_wake_at(again);
}

void machine_poll(struct vmm_entry *entry)
{
    if (entry->cfg.console_log && entry->vm)
        copy_console(entry);
    if (entry->vm && has_stopped(entry->vm))
        handle_stop(entry);
    else if (entry->vm)
        machine_poll_removal(entry);
    if (entry->state != VMM_STARTING || entry->vm)
        return;
    if (time_ns() >= entry->restart_ns)
        power_on_again(entry);
    else
        machine_wake_at(entry->restart_ns);
}
