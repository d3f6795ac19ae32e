/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_main(): the hypervisor's start as a story, and the only file that names concrete vendors,
 * drivers and the management agent.
 */
#include "boot/boot_info.h"
#include "build_id.h"
#include "core/kern/boot_stages.h"
#include "core/kern/firmware.h"
#include "core/kern/kern.h"
#include "core/kern/scrubber.h"
#include "core/kern/task.h"
#include "core/kern/work.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vm/hvm_ops.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/idt.h"
#include "core/x86/insn.h"
#include "core/x86/ioapic.h"
#include "core/x86/lapic.h"
#include "core/x86/log.h"
#include "core/x86/panic.h"
#include "core/x86/percpu.h"
#include "core/x86/smp.h"
#include "core/x86/spinlock.h"
#include "core/x86/tsc.h"
#include "drivers/acpi/acpi.h"
#include "drivers/block/partitions.h"
#include "drivers/console/efifb.h"
#include "drivers/console/i8042.h"
#include "drivers/console/uart16550.h"
#include "drivers/driver.h"
#include "drivers/net/net_task.h"
#include "drivers/pci/pci_irq.h"
#include "mgmt/agent.h"
#include "mm/hpt.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/memmap.h"
#include "mm/pmm.h"
#include "svm/svm.h"
#include "vmx/vmx.h"

void hv_main(struct boot_info *info);

static const struct boot_info *boot;
static struct acpi acpi;
static u8 boot_ist[3 * IST_STACK_BYTES] aligned_to(16);
static struct memmap memory;

/* Without these the machine cannot run at all: the panic page says what is missing. */
static void must(int rc, const char *what)
{
    if (rc != 0)
        panic("%s failed (error %d)", what, rc);
}

static const void *map_table(void *arg, u64 address, u64 bytes)
{
    (void)arg;
    for (u32 i = 0; i < boot->region_count; i++) {
        const struct boot_region *r = &boot->regions[i];

        if (r->kind == BOOT_REGION_ACPI && address >= r->base && address - r->base < r->bytes &&
            bytes <= r->bytes - (address - r->base))
            return hpa_to_ptr(hpa(address));
    }
    return NULL;
}

static void start_boot_cpu(void)
{
    pcpu_activate(pcpu_add(0, boot_ist)); /* the APIC ID follows when the APIC is there */
    idt_init();
    idt_load();
    cpu_features_detect();
    cpu_features_enable();
    this_pcpu()->is_online = true;
}

static void find_tables(void)
{
    int rc = acpi_init(&acpi, boot->acpi_rsdp, map_table, NULL);

    if (rc != 0)
        log_warn("acpi", "no usable ACPI tables (error %d): one CPU, no PCI devices", rc);
}

/* Nodes are numbered as their memory comes; one too many, or without memory, is node 0. */
static u32 domains[PMM_NODES_MAX];
static u32 domain_count;

static u32 node_of_domain(u32 domain)
{
    for (u32 i = 0; i < domain_count; i++) {
        if (domains[i] == domain)
            return i;
    }
    return 0;
}

static void find_nodes(void)
{
    static struct acpi_memory found[PMM_NODE_RANGES_MAX];
    static struct pmm_node_range ranges[PMM_NODE_RANGES_MAX];
    u32 count = acpi_memory(&acpi, found, PMM_NODE_RANGES_MAX);

    for (u32 i = 0; i < count; i++) {
        u32 domain = found[i].domain;
        bool is_known = domain_count > 0 && domains[node_of_domain(domain)] == domain;

        if (!is_known && domain_count < PMM_NODES_MAX)
            domains[domain_count++] = domain;
        ranges[i] = (struct pmm_node_range){found[i].base, found[i].base + found[i].bytes,
                                            node_of_domain(domain)};
    }
    pmm_set_nodes(ranges, count);
}

static void place_cpus(void)
{
    u32 domain;

    for (u32 i = 0; i < pcpu_count(); i++) {
        struct pcpu *p = pcpu_get(i);

        if (acpi_cpu_domain(&acpi, p->apic_id, &domain))
            p->node = node_of_domain(domain);
    }
}

static void start_memory(void)
{
    memmap_from_boot(&memory, boot);
    find_nodes();
    must(pmm_init(&memory), "the page allocator");
    must(hpt_init(boot), "the page tables");
    write_cr3(hpt_root().v);
}

static void start_clock(void)
{
    tsc_init(acpi_pm_timer_port(&acpi));
    boot_stages_init(boot);
}

/* Their pins are masked before interrupts go on: the firmware's routes lead nowhere now. */
static void start_ioapics(void)
{
    static struct acpi_ioapic found[IOAPICS_MAX];
    u32 count = acpi_ioapics(&acpi, found, IOAPICS_MAX);

    for (u32 i = 0; i < count; i++) {
        volatile void *registers = hpt_map_device(hpa(found[i].address), IOAPIC_BYTES, HPT_UC);

        if (registers == NULL || ioapic_add(registers, found[i].gsi_base) != 0)
            log_warn("ioapic", "the one at 0x%lx does not answer", found[i].address);
    }
}

static void start_interrupts(void)
{
    u64 page;

    must(lapic_init(&page), "the local APIC");
    if (page != 0) {
        lapic_set_registers(hpt_map_device(hpa(page), PAGE_SIZE, HPT_UC));
    }
    lapic_cpu_enable();
    this_pcpu()->apic_id = lapic_id();
    lapic_timer_calibrate();
    start_ioapics();
    irq_init();
    timer_cpu_init();
    task_cpu_init();
    irq_enable();
    log_info("time", "TSC %lu kHz", tsc_hz() / 1000);
}

static noreturn void ap_entry_main(void)
{
    timer_cpu_init();
    task_cpu_init();
    smp_online();
    task_idle_loop();
}

static int start_cpu(u32 apic_id)
{
    struct smp_resources res = {
        .ist_stacks = kmalloc(3 * IST_STACK_BYTES),
        .kernel_cr3 = hpt_root().v,
        .handover_cr3 = boot->handover_cr3,
        .page_address = boot->ap_page,
        .page = hpa_to_ptr(hpa(boot->ap_page)),
    };
    void *stack = kstack_alloc();

    if (res.ist_stacks == NULL || stack == NULL)
        return -ENOMEM;
    res.stack_top = (u64)stack + KSTACK_BYTES;
    return smp_start(apic_id, &res, ap_entry_main);
}

static void flush_here(void *arg)
{
    u64 cr4 = read_cr4();

    (void)arg;
    write_cr4(cr4 ^ CR4_PGE); /* a change of PGE drops global translations too */
    write_cr4(cr4);
    write_cr3(read_cr3());
}

static void shootdown(void)
{
    work_call_all(flush_here, NULL);
}

static void start_other_cpus(void)
{
    static u32 ids[PCPUS_MAX];
    u32 count = acpi_cpus(&acpi, ids, PCPUS_MAX), me = this_pcpu()->apic_id;

    for (u32 i = 0; i < count; i++) {
        int rc = ids[i] == me ? 0 : start_cpu(ids[i]);

        if (rc == -ENOMEM || rc == -ENOSPC)
            log_error("smp", "the CPU with APIC ID %u is left out (error %d)", ids[i], rc);
    }
    place_cpus();
    hpt_set_shootdown(shootdown);
    log_info("smp", "%u CPUs online", pcpu_count());
}

static int enable_result;

static void enable_here(void *arg)
{
    int rc;

    (void)arg;
    rc = hvm->cpu_enable();
    if (rc != 0)
        __atomic_store_n(&enable_result, rc, __ATOMIC_RELAXED);
}

/* Return: 0 and hvm; -ENOENT, -ENODEV, -EPERM, and one sentence for the user. */
static int choose_vendor(const char **why)
{
    static const struct hvm_ops *const vendors[] = {&vmx_ops, &svm_ops};

    for (unsigned i = 0; i < ARRAY_SIZE(vendors); i++) {
        int rc = vendors[i]->probe(&hvm_caps, why);

        if (rc == 0)
            hvm = vendors[i];
        if (rc != -ENOENT)
            return rc;
    }
    *why = "The CPU offers neither VT-x nor AMD-V: it is too old, or this is a virtual machine "
           "without nested virtualization.";
    return -ENOENT;
}

static void start_virtualization(void)
{
    const char *why = NULL;
    int rc = choose_vendor(&why);

    if (rc == 0) {
        work_call_all(enable_here, NULL);
        rc = enable_result;
        why = "The CPUs refused to turn virtualization on.";
    }
    if (rc != 0) {
        hvm = NULL;
        hvm_unavailable = why;
        log_error("hvm", "VMs cannot start on this host: %s", why);
        return;
    }
    log_info("hvm", "%s, %u TLB tags, next RIP %s, decode assists %s", hvm->name, hvm_caps.tlb_tags,
             hvm_caps.has_next_rip ? "yes" : "no: instructions are decoded",
             hvm_caps.has_decode_assist ? "yes" : "no: instructions are fetched");
}

static void start_devices(void)
{
    static const struct pci_driver *const drivers[] = {
        &e1000_driver, &e1000e_driver, &igb_driver,        &virtio_net_driver,
        &nvme_driver,  &ahci_driver,   &virtio_blk_driver,
    };
    int rc;

    uart_console_add_keys(&acpi);
    i8042_init(&acpi);
    must(net_init(), "the packet pool");
    pci_irq_init(&acpi);
    rc = pci_scan(&acpi);
    if (rc != 0)
        log_warn("pci", "no PCI devices (error %d)", rc);
    pci_probe(drivers, ARRAY_SIZE(drivers));
}

void hv_main(struct boot_info *info)
{
    boot = info;
    start_boot_cpu();
    uart_console_init();
    log_info("socle", "Socle %s (%s)", BUILD_VERSION, BUILD_GIT);
    lockrank_report();
    if (info->magic != BOOT_INFO_MAGIC || info->version != BOOT_INFO_VERSION)
        panic("the loader and the hypervisor are of different builds");
    cpu_features_report();
    find_tables();
    start_memory();
    efifb_console_init(&info->framebuffer);
    start_clock();
    start_interrupts();
    boot_stage_mark("boot_cpu_ready");
    start_other_cpus();
    boot_stage_mark("cpus_ready");
    if (firmware_init(info) != 0)
        log_warn("firmware",
                 "no UEFI runtime services: no wall clock, reset by the keyboard controller");
    must(scrubber_start(), "the memory scrubber");
    start_virtualization();
    start_devices();
    boot_stage_mark("devices_ready");
    must(agent_start(info), "the management agent");
    mem_wipe(info->seed, sizeof(info->seed));
    must(net_start(), "the network task");
    must(partitions_start(), "the task that reads partition tables");
    task_idle_loop();
}
