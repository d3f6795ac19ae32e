/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One node a step: the loader's files become images, then definitions are made; when the pools have
 * been looked at, too, those with "autostart" are started in their order. Whatever goes wrong is
 * told and costs only that image or VM.
 */
#include "core/vmm/boot_vms.h"

#include <libfdt.h>

#include "boot/boot_info.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/image.h"
#include "core/vmm/pools.h"
#include "core/vmm/registry.h"
#include "core/vmm/vm_fdt.h"
#include "core/vmm/vmm.h"
#include "core/x86/log.h"
#include "mm/layout.h"

#define PATH_MAX   96
#define HASH_PIECE (256 * KiB)

#define POOLS_LOOK_NS (50 * NS_PER_MS)

enum phase { PHASE_IMAGES, PHASE_HASH, PHASE_VMS, PHASE_POOLS, PHASE_START, PHASE_DONE };

struct start {
    u32 id;
    u32 order;
    u32 delay_ms;
};

static struct {
    enum phase phase;
    const struct boot_info *info;
    const struct dtb_report *report;
    const void *dtb;
    int node;       /* the next of the phase */
    u32 taken;      /* bit i: module i has been used */
    u64 started_ns; /* when the last VM was started, or this phase began */
    char path[PATH_MAX];
    struct image *image; /* being hashed */
    struct image_fdt wanted;
    u32 start_count;
    u32 start_next;
    struct start starts[VMM_VMS_MAX];
} boot;

_Static_assert(BOOT_MODULES_MAX <= 32, "a bit for each module");
_Static_assert(BOOT_MODULE_NAME_MAX == IMAGE_NAME_MAX, "a module is named as the image it becomes");

/* Begins a phase with the first child of that node. */
static void phase_begin(enum phase phase, const char *path)
{
    int parent = dtb_find(boot.dtb, path);

    boot.phase = phase;
    boot.node = parent < 0 ? parent : fdt_first_subnode(boot.dtb, parent);
}

/* The node's name, and its path for reports. */
static const char *node_begin(const char *folder)
{
    const char *name = fdt_get_name(boot.dtb, boot.node, NULL);

    ksnprintf(boot.path, sizeof(boot.path), "%s/%s", folder, name ? name : "");
    return name ? name : "";
}

static void tell(const char *name, const char *what)
{
    dtb_tell(boot.report, boot.path, name, what);
}

void boot_vms_init(const struct boot_info *info, const struct dtb_report *report)
{
    boot.info = info;
    boot.report = report;
    boot.phase = PHASE_POOLS;
    if (!info->dtb_base)
        return;
    boot.dtb = hpa_to_ptr(hpa(info->dtb_base));
    if (dtb_is_socle(boot.dtb, info->dtb_bytes))
        phase_begin(PHASE_IMAGES, "/images");
}

/* The file the loader read for this node. Names may be there twice in a damaged tree: each module
 * is used once. Return: NULL if there is none. */
static const struct boot_module *module_take(const char *name)
{
    u32 count = MIN(boot.info->module_count, BOOT_MODULES_MAX);

    for (u32 i = 0; i < count; i++) {
        const struct boot_module *module = &boot.info->modules[i];

        if ((boot.taken & BIT(i)) == 0 && strcmp(module->name, name) == 0) {
            boot.taken |= (u32)BIT(i);
            return module;
        }
    }
    return NULL;
}

static const char *why_no_image(int rc)
{
    switch (rc) {
    case -EINVAL:
        return "its name is no image's: 1 to 63 of letters, digits and \"-_.+~\", not '-' or '.' "
               "first";
    case -ENOSPC:
        return "there are too many images";
    case -EBUSY:
        return "an image of that name is being uploaded";
    default:
        return "the host has too little memory";
    }
}

static void image_step(void)
{
    const char *name = node_begin("images");
    int wrong = image_fdt_read(boot.dtb, boot.node, boot.path, &boot.wanted, boot.report);
    const struct boot_module *module = module_take(name);
    int rc;

    boot.node = fdt_next_subnode(boot.dtb, boot.node);
    if (!module) {
        tell("file", "the loader could not read it");
        return;
    }
    rc = image_consume(name, boot.wanted.kind, hpa(module->base), module->bytes, &boot.image);
    if (rc)
        tell(NULL, why_no_image(rc));
    else if (wrong)
        image_abort(boot.image);
    else
        boot.phase = PHASE_HASH;
}

static void hash_step(void)
{
    u8 digest[32];

    if (image_hash(boot.image, HASH_PIECE))
        return;
    boot.phase = PHASE_IMAGES;
    image_digest(boot.image, digest);
    if (boot.wanted.has_sha256 && memcmp(digest, boot.wanted.sha256, sizeof(digest)) != 0) {
        tell("sha256", "the file has another SHA-256 and is not used");
        image_abort(boot.image);
        return;
    }
    if (image_commit(boot.image)) {
        tell(NULL, "it cannot be kept");
        image_abort(boot.image);
        return;
    }
    log_info("vmm", "%s: %lu bytes from the boot medium", boot.path, image_bytes(boot.image));
}

static void vm_step(void)
{
    static struct vm_config vm; /* too large for the stack */
    struct vmm_error err;
    int rc;
    u32 id;

    (void)node_begin("vms");
    rc = vm_fdt_read(boot.dtb, boot.node, boot.path, &vm, boot.report);
    boot.node = fdt_next_subnode(boot.dtb, boot.node);
    if (rc == 0) {
        rc = vmm_add(&vm, &id, &err);
        if (rc)
            tell(vm_fdt_property(err.pointer), err.text);
    }
    if (rc)
        tell(NULL, "this VM is left out");
    else if (vm.autostart)
        boot_vms_start_later(id);
    if (rc == 0)
        registry_find_id(id)->is_from_dtb = true;
    vm_config_fini(&vm);
}

/* Behind all that have no higher number. */
void boot_vms_start_later(u32 id)
{
    const struct vm_config *cfg = &registry_find_id(id)->cfg;
    u32 at = boot.start_count;

    if (boot.phase >= PHASE_START || at == ARRAY_SIZE(boot.starts))
        return;
    while (at > 0 && boot.starts[at - 1].order > cfg->start_order)
        at--;
    memmove(&boot.starts[at + 1], &boot.starts[at],
            (boot.start_count - at) * sizeof(boot.starts[0]));
    boot.starts[at] = (struct start){id, cfg->start_order, cfg->start_delay_ms};
    boot.start_count++;
}

/* A VM deleted or started over REST in the meantime is as its user wants it. */
static void start_step(void)
{
    static struct vmm_info info; /* too large for the stack */
    struct vmm_error err;
    u32 id = boot.starts[boot.start_next++].id;

    if (vmm_get(id, &info) || info.state != VMM_STOPPED)
        return;
    ksnprintf(boot.path, sizeof(boot.path), "vms/%s", info.cfg.name);
    if (vmm_start(id, false, &err))
        tell(vm_fdt_property(err.pointer), err.text);
    boot.started_ns = time_ns(); /* its image may have taken its time to come from a pool */
}

static void pools_step(u64 now_ns)
{
    if (!pools_are_settled() || !pools_remotes_are_settled())
        return;
    boot.phase = PHASE_START;
    boot.started_ns = now_ns;
}

static u64 start_due(void)
{
    if (boot.start_next == boot.start_count)
        return BOOT_VMS_DONE;
    return boot.started_ns + boot.starts[boot.start_next].delay_ms * NS_PER_MS;
}

/* A phase has come to its end. */
static void phase_next(void)
{
    if (boot.phase == PHASE_IMAGES) {
        phase_begin(PHASE_VMS, "/vms");
        return;
    }
    boot.phase = PHASE_POOLS;
}

u64 boot_vms_poll(u64 now_ns)
{
    if (boot.phase == PHASE_DONE)
        return BOOT_VMS_DONE;
    if (boot.phase == PHASE_HASH)
        hash_step();
    else if (boot.phase == PHASE_START && now_ns >= start_due())
        start_step();
    else if (boot.phase == PHASE_POOLS)
        pools_step(now_ns);
    else if (boot.phase != PHASE_START && boot.node < 0)
        phase_next();
    else if (boot.phase == PHASE_IMAGES)
        image_step();
    else if (boot.phase == PHASE_VMS)
        vm_step();
    if (boot.phase == PHASE_POOLS)
        return now_ns + POOLS_LOOK_NS;
    if (boot.phase != PHASE_START)
        return 0;
    if (start_due() == BOOT_VMS_DONE)
        boot.phase = PHASE_DONE;
    return start_due();
}
