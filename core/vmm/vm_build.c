/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The builder: one step after the other, in the order a board is put together; vm_fini undoes
 * whatever was done.
 */
#include "core/vmm/vm_build.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vdev/vconsole.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio_blk.h"
#include "core/vdev/vpci.h"
#include "core/vmm/boot_linux.h"
#include "core/vmm/boot_pvh.h"
#include "core/vmm/guest_acpi.h"
#include "core/vmm/guest_layout.h"
#include "core/vmm/guest_map.h"
#include "core/vmm/image.h"
#include "core/vmm/seed.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/cpu_features.h"
#include "drivers/net/netport.h"
#include "mm/kheap.h"
#include "mm/pmm.h"

_Static_assert(VM_CPUS_MAX <= VM_VCPUS_MAX, "a definition cannot ask for more than a VM can have");

/* Initial control registers. Spec: APM 2 "System-Control Registers". */
#define START_CR0_PE   BIT(0)
#define START_CR0_ET   BIT(4)
#define START_CR0_PG   BIT(31)
#define START_CR4_PAE  BIT(5)
#define START_EFER_LME BIT(8)
#define START_EFER_LMA BIT(10)
#define START_RFLAGS   BIT(1) /* the bit that is always one */

/* Segment types. Spec: APM 2 "Legacy Segment Descriptors". */
#define TYPE_DATA_RW  0x3u /* read/write, accessed */
#define TYPE_CODE_RX  0xbu /* execute/read, accessed */
#define TYPE_TSS_BUSY 0xbu
#define TSS_LIMIT     0x67u
#define PVH_CODE      0x08u
#define PVH_DATA      0x10u

#define SMALL_PAGES_PER_TABLE 512u

static int sink_write(void *cookie, u64 guest, const void *src, size_t bytes)
{
    const struct vm *vm = cookie;

    return gmem_write(&vm->gmem, gpa(guest), src, bytes);
}

static int sink_zero(void *cookie, u64 guest, u64 bytes)
{
    const struct vm *vm = cookie;

    return gmem_zero(&vm->gmem, gpa(guest), bytes);
}

static const void *image_blob_span(const void *cookie, u64 offset, size_t *bytes)
{
    return image_span(cookie, offset, bytes);
}

static struct guest_blob blob_of(const struct image *img)
{
    return (struct guest_blob){image_blob_span, img, img ? image_bytes(img) : 0};
}

static int populate(struct vm *vm, u64 memory_bytes)
{
    u64 high = guest_high_bytes(memory_bytes);
    int rc = gmem_populate(&vm->gmem, &vm->slat, gpa(0), guest_low_bytes(memory_bytes));

    if (rc == 0 && high > 0)
        rc = gmem_populate(&vm->gmem, &vm->slat, gpa(GUEST_HIGH_RAM), high);
    return rc;
}

static int create_vcpus(struct vm *vm, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct vcpu *vcpu;
        int rc = vcpu_create(vm, i, &vcpu);

        if (rc)
            return rc;
        vm->vcpus[i] = vcpu;
        vm->vcpu_count = i + 1;
        rc = vlapic_create(vcpu);
        if (rc)
            return rc;
        vcpu_reset(vcpu, HVM_RESET_POWER_ON);
    }
    return 0;
}

static u64 ram_end(u64 memory_bytes)
{
    u64 high = guest_high_bytes(memory_bytes);

    return high > 0 ? GUEST_HIGH_RAM + high : guest_low_bytes(memory_bytes);
}

static int create_devices(struct vm *vm, const struct vm_parts *parts)
{
    u64 memory = parts->cfg->memory_bytes;
    int rc = vpic_create(vm);

    if (rc == 0)
        rc = vioapic_create(vm);
    if (rc == 0)
        rc = vpit_create(vm);
    if (rc == 0)
        rc = vrtc_create(vm, parts->unix_ns / NS_PER_S, guest_low_bytes(memory),
                         guest_high_bytes(memory));
    if (rc == 0)
        rc =
            vuart_create(vm, GUEST_COM1_PORT, GUEST_COM1_LINE, &parts->consoles[VM_CONSOLE_SERIAL]);
    if (rc == 0)
        rc = vpm_create(vm);
    if (rc == 0)
        rc = vpci_create(vm, guest_pci_mem64(memory));
    if (rc == 0 && cpu_features.has_rdrand)
        rc = virtio_rng_create(vm);
    if (rc == 0 && parts->cfg->has_virtio_console)
        rc = virtio_console_create(vm, &parts->consoles[VM_CONSOLE_VIRTIO]);
    if (rc == 0 && !parts->cfg->cpu_realtime)
        rc = virtio_balloon_create(vm, ram_end(memory), memory - vm_config_target(parts->cfg));
    return rc;
}

static int write_acpi(struct vm *vm)
{
    const struct guest_acpi board = {
        .cpu_count = vm->vcpu_count,
        .pci_mem64 = vm->pci->mem64,
        .hotplug_slots = vpci_hotplug_slots(vm->pci),
    };
    u8 *tables = kzalloc(GUEST_ACPI_TABLES_MAX);
    size_t bytes;
    int rc;

    if (!tables)
        return -ENOMEM;
    bytes = guest_acpi_build(tables, GUEST_ACPI_BASE, &board);
    rc = gmem_write(&vm->gmem, gpa(GUEST_ACPI_BASE), tables, bytes);
    kfree(tables);
    return rc;
}

static struct hvm_segment flat_segment(u16 selector, unsigned type, u64 mode)
{
    return (struct hvm_segment){
        .selector = selector,
        .attributes = (u16)(type | HVM_SEG_S | HVM_SEG_P | HVM_SEG_G | mode),
        .limit = 0xffffffff,
    };
}

static void set_segments(struct vcpu *vcpu, const struct guest_cpu *cpu)
{
    static const enum hvm_seg data_segments[] = {HVM_DS, HVM_ES, HVM_SS, HVM_FS, HVM_GS};
    u16 code_selector = cpu->is_long ? cpu->code_selector : PVH_CODE;
    u16 data_selector = cpu->is_long ? cpu->data_selector : PVH_DATA;
    struct hvm_segment code =
        flat_segment(code_selector, TYPE_CODE_RX, cpu->is_long ? HVM_SEG_L : HVM_SEG_DB);
    struct hvm_segment data = flat_segment(data_selector, TYPE_DATA_RW, HVM_SEG_DB);
    struct hvm_segment tss = {.attributes = TYPE_TSS_BUSY | HVM_SEG_P, .limit = TSS_LIMIT};
    struct hvm_segment gdt = {.base = cpu->gdt_base, .limit = cpu->gdt_limit};
    struct hvm_segment idt = {0};

    hvm->seg_set(vcpu, HVM_CS, &code);
    for (size_t i = 0; i < ARRAY_SIZE(data_segments); i++)
        hvm->seg_set(vcpu, data_segments[i], &data);
    hvm->seg_set(vcpu, HVM_TR, &tss);
    hvm->seg_set(vcpu, HVM_GDTR, &gdt);
    hvm->seg_set(vcpu, HVM_IDTR, &idt);
}

static void set_cpu(struct vcpu *vcpu, const struct guest_cpu *cpu)
{
    u64 cr0 = START_CR0_PE | START_CR0_ET;

    if (cpu->is_long) {
        hvm->reg_set(vcpu, HVM_CR4, START_CR4_PAE);
        hvm->reg_set(vcpu, HVM_CR3, cpu->cr3);
        hvm->reg_set(vcpu, HVM_EFER, START_EFER_LME | START_EFER_LMA);
        cr0 |= START_CR0_PG;
    }
    hvm->reg_set(vcpu, HVM_CR0, cr0);
    hvm->reg_set(vcpu, HVM_RFLAGS, START_RFLAGS);
    hvm->reg_set(vcpu, HVM_RIP, cpu->rip);
    set_segments(vcpu, cpu);
    memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
    vcpu->gpr[GPR_RSP] = cpu->rsp;
    vcpu->gpr[GPR_RBX] = cpu->rbx;
    vcpu->gpr[GPR_RSI] = cpu->rsi;
}

static int load_guest(struct vm *vm, const struct vm_parts *parts, struct vmm_error *err)
{
    struct guest_sink sink = {sink_write, sink_zero, vm};
    struct guest_blob kernel = blob_of(parts->kernel);
    struct guest_blob initrd = blob_of(parts->initrd);
    struct guest_boot boot = {&sink, &kernel, &initrd, parts->cfg->cmdline,
                              parts->cfg->memory_bytes};
    struct guest_cpu cpu;
    int rc;

    if (parts->cfg->firmware == VM_FIRMWARE_PVH)
        rc = boot_pvh(&boot, GUEST_ACPI_BASE, &cpu, err);
    else
        rc = boot_linux(&boot, GUEST_ACPI_BASE, &cpu, err);
    if (rc == 0)
        set_cpu(vm->vcpus[0], &cpu);
    return rc;
}

/* What must be free: its RAM, tables if that has to be of small pages throughout, and what the host
 * keeps for itself, out of which come vCPUs and devices. */
static u64 needed_bytes(const struct vm_parts *parts)
{
    u64 memory = parts->cfg->memory_bytes;

    return memory + memory / SMALL_PAGES_PER_TABLE + VMM_RESERVE_BYTES;
}

static int no_memory(const struct vm_parts *parts, struct vmm_error *err)
{
    u64 need = needed_bytes(parts);
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    vmm_error_set(err, "no_memory", "/memory/size_bytes",
                  "Stop a VM or delete an image, or give this VM less memory.",
                  "VM \"%s\" needs %llu MiB to start, and %llu MiB are free.", parts->cfg->name,
                  (unsigned long long)(ALIGN_UP(need, MiB) / MiB),
                  (unsigned long long)(pmm_available(&stats) / MiB));
    err->need_bytes = need;
    err->free_bytes = pmm_available(&stats);
    return -ENOMEM;
}

static bool has_room(const struct vm_parts *parts)
{
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    return needed_bytes(parts) <= pmm_available(&stats);
}

static int create_nic(struct vm *vm, const struct vm_config *cfg, const struct vm_nic *nic)
{
    struct netport_config port = {
        .network = nic->network,
        .flags =
            (nic->checks_mac ? NETPORT_CHECK_MAC : 0) | (nic->is_isolated ? NETPORT_ISOLATED : 0),
        .limits = {nic->ops_per_s, nic->bytes_per_s, nic->burst_bytes},
    };

    (void)str_copy(port.vm, sizeof(port.vm), cfg->name);
    (void)str_copy(port.nic, sizeof(port.nic), nic->id);
    vm_nic_mac(cfg, nic, port.mac);
    return virtio_net_create(vm, &port);
}

/* Return: 0; -ENOMEM: *err is not filled; -EINVAL: it is. */
static int create_nics(struct vm *vm, const struct vm_config *cfg, struct vmm_error *err)
{
    for (u32 i = 0; i < cfg->nic_count; i++) {
        const struct vm_nic *nic = &cfg->nics[i];
        int rc = create_nic(vm, cfg, nic);

        if (rc == 0)
            continue;
        if (rc == -ENOENT)
            vmm_error_set(err, "semantic", "/nics", "PUT /api/v1/networks/{n} makes one.",
                          "There is no network \"%s\", which card \"%s\" is to be on.",
                          nic->network, nic->id);
        else if (rc == -EEXIST)
            vmm_error_set(err, "semantic", "/nics", "Give one of the two another \"mac\".",
                          "Another card on network \"%s\" has the MAC address of \"%s\".",
                          nic->network, nic->id);
        return rc == -ENOENT || rc == -EEXIST ? -EINVAL : -ENOMEM;
    }
    return 0;
}

int vm_build_disk(struct vm *vm, const struct vm_disk *disk, struct volume *volume)
{
    struct virtio_blk_config cfg = {
        .volume = volume,
        .is_read_only = disk->is_read_only,
        .can_discard = disk->can_discard,
        .limits = {disk->ops_per_s, disk->bytes_per_s, disk->burst_bytes},
    };

    (void)str_copy(cfg.id, sizeof(cfg.id), disk->id);
    ksnprintf(cfg.serial, sizeof(cfg.serial), "%s", disk->serial[0] ? disk->serial : disk->id);
    return virtio_blk_create(vm, &cfg);
}

/* Return: 0, -ENOMEM, -ENOSPC. */
static int create_disks(struct vm *vm, const struct vm_parts *parts)
{
    int rc = 0;

    for (u32 i = 0; rc == 0 && i < parts->cfg->disk_count; i++)
        rc = vm_build_disk(vm, &parts->cfg->disks[i], parts->disks[i]);
    return rc;
}

/* Behind the VM's own disks, whose names in the guest stay what they are. */
static int create_seed(struct vm *vm, const struct vm_parts *parts)
{
    struct virtio_blk_config cfg = {
        .id = SEED_DISK_ID,
        .serial = SEED_DISK_ID,
        .volume = parts->seed,
        .is_read_only = true,
    };

    return parts->seed ? virtio_blk_create(vm, &cfg) : 0;
}

int vm_build(struct vm *vm, const struct vm_parts *parts, struct vmm_error *err)
{
    const struct vm_config *cfg = parts->cfg;
    int rc;

    if (!has_room(parts) || vm_init(vm, parts->id, cfg->name, cfg->memory_bytes))
        return no_memory(parts, err);
    vm->boot_unix_ns = parts->unix_ns;
    vm->on_stopped = parts->on_stopped;
    vm->on_ejected = parts->on_ejected;
    vm->is_realtime = cfg->cpu_realtime;
    vm->gmem.node = parts->node;
    rc = populate(vm, cfg->memory_bytes);
    if (rc == 0)
        rc = create_vcpus(vm, cfg->cpu_count);
    if (rc == 0)
        rc = create_devices(vm, parts);
    if (rc == 0)
        rc = create_nics(vm, cfg, err);
    if (rc == -EINVAL)
        goto err_fini;
    if (rc == 0)
        rc = create_disks(vm, parts);
    if (rc == 0)
        rc = create_seed(vm, parts);
    if (rc == 0)
        rc = write_acpi(vm);
    if (rc)
        goto err_no_memory;
    rc = load_guest(vm, parts, err);
    if (rc)
        goto err_fini;
    rc = gmem_assure(&vm->gmem, vm_config_target(cfg));
    if (rc)
        goto err_no_memory;
    vm->gmem.frozen = true;
    return 0;

err_no_memory:
    rc = no_memory(parts, err);
err_fini:
    vm_fini(vm);
    return rc;
}
