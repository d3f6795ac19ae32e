/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AHCI adapters: how one is taken from the firmware, and which of its ports have disks.
 * Spec: Serial ATA AHCI 1.3.1.
 */
#include "drivers/block/ahci.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/driver.h"
#include "mm/kheap.h"

#define AHCI_CLASS 0x010601u
#define RESET_NS   NS_PER_S
#define HANDOFF_NS (2 * NS_PER_S)

static u32 adapters; /* (c) after boot */

static bool ahci_irq(void *arg)
{
    struct ahci *hba = arg;
    u32 causes = ahci_read(hba, AHCI_IS);

    if (causes == 0)
        return false;
    for (u32 left = causes; left != 0; left &= left - 1) {
        struct ahci_port *p = hba->ports[__builtin_ctz(left)];

        if (p == NULL)
            continue;
        ahci_port_acknowledge(p);
        blkq_wake(&p->q);
    }
    ahci_write(hba, AHCI_IS, causes);
    return true;
}

static bool wait_clear(const struct ahci *hba, u32 reg, u32 mask, u64 timeout_ns)
{
    u64 deadline = time_ns() + timeout_ns;

    while ((ahci_read(hba, reg) & mask) != 0) {
        if (time_ns() > deadline)
            return false;
        cpu_pause();
    }
    return true;
}

/* Spec: "BIOS/OS Handoff Mechanism". Firmware that does not let go is reset away. */
static void take_from_firmware(struct ahci *hba)
{
    if ((ahci_read(hba, AHCI_CAP2) & AHCI_CAP2_BOH) == 0)
        return;
    ahci_write(hba, AHCI_BOHC, ahci_read(hba, AHCI_BOHC) | AHCI_BOHC_OOS);
    if (!wait_clear(hba, AHCI_BOHC, AHCI_BOHC_BOS | AHCI_BOHC_BB, HANDOFF_NS))
        log_warn("ahci", "%s: the firmware does not let go of it", hba->pci->bdf);
}

/*
 * Ports where something is plugged in, or may be: to wait for the others' links would only make the
 * boot slower. The adapter is not yet reset.
 */
static u32 plugged_ports(struct ahci *hba)
{
    u32 cap, plugged = 0, implemented;

    ahci_write(hba, AHCI_GHC, ahci_read(hba, AHCI_GHC) | AHCI_GHC_AE);
    cap = ahci_read(hba, AHCI_CAP);
    implemented = ahci_read(hba, AHCI_PI);
    for (u32 i = 0; i < AHCI_PORTS_MAX && AHCI_PORT(i + 1) <= hba->pci->bars[AHCI_BAR].bytes; i++) {
        bool is_asleep = (cap & AHCI_CAP_SSS) != 0 &&
                         (ahci_read(hba, AHCI_PORT(i) + AHCI_PX_CMD) & AHCI_CMD_SUD) == 0;

        if ((implemented & 1u << i) != 0 &&
            (is_asleep || (ahci_read(hba, AHCI_PORT(i) + AHCI_PX_SSTS) & AHCI_SSTS_DET) != 0))
            plugged |= 1u << i;
    }
    return plugged;
}

/* Spec: "HBA Reset". */
static int reset_adapter(struct ahci *hba)
{
    ahci_write(hba, AHCI_GHC, AHCI_GHC_AE);
    take_from_firmware(hba);
    ahci_write(hba, AHCI_GHC, AHCI_GHC_AE | AHCI_GHC_HR);
    if (!wait_clear(hba, AHCI_GHC, AHCI_GHC_HR, RESET_NS))
        return -ETIMEDOUT;
    ahci_write(hba, AHCI_GHC, AHCI_GHC_AE);
    hba->cap = ahci_read(hba, AHCI_CAP);
    if ((hba->cap & AHCI_CAP_S64A) == 0)
        return -EOPNOTSUPP; /* memory above 4 GiB would be out of its reach */
    return 0;
}

static void port_free(struct ahci_port *p)
{
    if (p->page.cpu != NULL)
        dma_free(&p->page);
    if (p->tables.cpu != NULL)
        dma_free(&p->tables);
    kfree(p);
}

/* Return: 0; -ENODEV: no disk; others: one that cannot be used. */
static int identify(struct ahci_port *p)
{
    u32 signature;
    int rc = ahci_port_reset(p);

    if (rc != 0)
        return rc;
    signature = port_read(p, AHCI_PX_SIG);
    if (signature == AHCI_SIG_ATAPI)
        log_info("ahci", "%s: no disk but an ATAPI device, which is not used", p->dev.name);
    if (signature != AHCI_SIG_ATA)
        return -ENODEV;
    rc = ahci_port_stop(p);
    if (rc != 0)
        return rc;
    ahci_port_start(p);
    rc = ahci_port_command(p, ATA_IDENTIFY, 0, 0);
    if (rc != 0)
        return rc;
    return ata_parse_identify(
        &p->facts, (const u16 *)(const void *)((const u8 *)p->page.cpu + AHCI_PAGE_SECTOR));
}

static void fill_device(struct ahci_port *p)
{
    struct blkdev *dev = &p->dev;

    dev->driver = "ahci";
    (void)str_copy(dev->bdf, sizeof dev->bdf, p->hba->pci->bdf);
    (void)str_copy(dev->model, sizeof dev->model, p->facts.model);
    (void)str_copy(dev->serial, sizeof dev->serial, p->facts.serial);
    dev->block_bytes = p->facts.block_bytes;
    dev->block_count = p->facts.block_count;
    dev->has_write_cache = p->facts.has_write_cache;
    dev->can_discard = p->facts.can_trim;
    dev->qs = &p->queue;
    dev->q_count = 1;
    dev->shutdown = ahci_shutdown;
}

/* The port's memory is given back only when its engine is known to have stopped. */
static void drop_port(struct ahci_port *p, int rc)
{
    if (rc != -ENODEV)
        log_warn("ahci", "%s: the disk cannot be used (error %d)", p->dev.name, rc);
    if (ahci_port_stop(p) == 0)
        port_free(p);
}

static int look_at_port(struct ahci *hba, u32 number)
{
    struct ahci_port *p = kzalloc(sizeof *p);
    int rc;

    if (p == NULL)
        return -ENOMEM;
    p->hba = hba;
    p->number = number;
    ksnprintf(p->dev.name, sizeof p->dev.name, "ahci%up%u", hba->index, number);
    if (dma_alloc(&p->page, PAGE_SIZE) != 0 ||
        dma_alloc(&p->tables, AHCI_PORTS_MAX * sizeof(struct ahci_table)) != 0) {
        port_free(p);
        return -ENOMEM;
    }
    rc = ahci_port_stop(p);
    if (rc == 0)
        rc = identify(p);
    if (rc != 0) {
        drop_port(p, rc);
        return rc;
    }
    ahci_port_init_queue(p);
    fill_device(p);
    hba->ports[number] = p;
    return 0;
}

static void start_port(struct ahci_port *p)
{
    int rc;

    p->q.is_polled = p->hba->irq.kind == PCI_IRQ_NONE;
    rc = blkq_start_task(&p->q, p->dev.name, 0);
    if (rc != 0) {
        log_warn("ahci", "%s: no memory for its task", p->dev.name);
        return;
    }
    log_info("ahci", "%s: %s, %u commands at once", p->dev.name,
             p->facts.queue_depth > 0 ? "native command queueing" : "no queueing", p->q.depth);
    blk_register(&p->dev);
}

static int ahci_probe(struct pci_device *pci)
{
    struct ahci *hba = kzalloc(sizeof *hba);
    u32 plugged, disks = 0;
    int rc;

    if (hba == NULL)
        return -ENOMEM;
    hba->pci = pci;
    hba->index = adapters;
    hba->regs = pci_map_bar(pci, AHCI_BAR);
    if (hba->regs == NULL || pci->bars[AHCI_BAR].bytes < AHCI_PORT(1)) {
        kfree(hba);
        return -ENODEV;
    }
    pci_enable(pci);
    plugged = plugged_ports(hba);
    rc = reset_adapter(hba);
    for (; rc == 0 && plugged != 0; plugged &= plugged - 1)
        disks += look_at_port(hba, (u32)__builtin_ctz(plugged)) == 0;
    if (disks == 0) {
        pci_disable(pci);
        kfree(hba);
        return rc;
    }
    adapters++;
    ahci_write(hba, AHCI_IS, ~0u);
    if (pci_irq_setup(pci, ahci_irq, hba, &hba->irq) == PCI_IRQ_NONE)
        log_warn("ahci", "%s: no interrupt arrives; it is polled every millisecond", pci->bdf);
    ahci_write(hba, AHCI_GHC, AHCI_GHC_AE | AHCI_GHC_IE);
    for (u32 i = 0; i < AHCI_PORTS_MAX; i++) {
        if (hba->ports[i] != NULL)
            start_port(hba->ports[i]);
    }
    return 0;
}

const struct pci_driver ahci_driver = {
    .name = "ahci",
    .class_code = AHCI_CLASS,
    .probe = ahci_probe,
};
