/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe controllers: how one is taken. A disk is a namespace; all of a controller share its queues.
 * Spec: NVM Express Base 1.4.
 */
#include "drivers/block/nvme.h"

#include "core/kern/irq.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "drivers/driver.h"
#include "drivers/pci/msi.h"
#include "mm/kheap.h"

#define NVME_CLASS     0x010802u
#define NAMESPACES_MAX 32u /* of a controller: what a hostile one can make us keep */

static u32 controllers; /* (c) after boot */

/* A message: of this queue alone. */
static bool irq_of_queue(void *arg)
{
    blkq_wake(arg);
    return true;
}

/* One interrupt for all queues: a line, which may be another device's, or a single message. */
static bool irq_of_all(void *arg)
{
    struct nvme *n = arg;
    bool is_ours = n->irq.kind != PCI_IRQ_INTX;

    for (u32 i = 0; i < n->io_count; i++)
        is_ours |= nvme_ring_has_answer(&n->io[i]->ring);
    if (!is_ours)
        return false;
    if (n->irq.kind == PCI_IRQ_INTX) {
        __atomic_store_n(&n->irq_masked, true, __ATOMIC_RELEASE);
        nvme_write(n, NVME_INTMS, 1);
    }
    for (u32 i = 0; i < n->io_count; i++)
        blkq_wake(&n->io[i]->q);
    return true;
}

/* A message for the queue, on its pCPU. */
static bool queue_message(struct nvme *n, u32 i)
{
    u32 apic_id;
    u8 vector;

    if (pci_capability(n->pci, PCI_CAP_MSIX) == 0 ||
        irq_alloc(i, irq_of_queue, &n->io[i]->q, &vector, &apic_id) != 0)
        return false;
    if (msix_enable(n->pci, (u16)i, vector, apic_id) != 0) {
        irq_free(i, vector);
        return false;
    }
    n->io[i]->vector = vector;
    return true;
}

/* A message for each queue; if there is none for the first, one interrupt for all, or polling. */
static void setup_irqs(struct nvme *n)
{
    u32 count = 0;

    while (count < n->io_count && queue_message(n, count))
        count++;
    if (count > 0) {
        while (n->io_count > count)
            nvme_io_free(n->io[--n->io_count]);
        log_info("nvme", "%s: %u queues, each with interrupts by MSI-X", n->name, count);
        return;
    }
    if (pci_irq_setup(n->pci, irq_of_all, n, &n->irq) != PCI_IRQ_NONE)
        return;
    for (u32 i = 0; i < n->io_count; i++)
        n->io[i]->q.is_polled = true;
    log_warn("nvme", "%s: no interrupt arrives; it is polled every millisecond", n->name);
}

static int setup_queues(struct nvme *n)
{
    u32 entries = MIN((u32)FIELD_GET(NVME_CAP_MQES, n->cap) + 1, NVME_ENTRIES);
    u32 count = MIN(pcpu_count(), NVME_IO_QUEUES_MAX);
    int rc = nvme_set_queue_count(n, &count);

    if (rc == 0 && entries < 2)
        rc = -EINVAL;
    for (u32 i = 0; i < count && rc == 0; i++) {
        rc = nvme_io_create(n, i, (u16)entries, &n->io[i]);
        n->io_count += rc == 0;
    }
    if (rc != 0)
        return rc;
    setup_irqs(n);
    for (u32 i = 0; i < n->io_count && rc == 0; i++) {
        n->queues[i] = &n->io[i]->q;
        rc = nvme_create_queues(n, n->io[i], n->io[i]->vector != 0 ? (u16)i : 0);
    }
    return rc;
}

/* Tasks last for ever: the last thing that can fail. */
static int start_tasks(struct nvme *n)
{
    char name[TASK_NAME_MAX];
    int rc = 0;

    for (u32 i = 0; i < n->io_count && rc == 0; i++) {
        ksnprintf(name, sizeof name, "%s.%u", n->name, i);
        rc = blkq_start_task(&n->io[i]->q, name, i);
    }
    return rc != 0 ? rc : nvme_start_task(n);
}

static int add_namespace(struct nvme *n, u32 nsid, const struct nvme_namespace_facts *facts)
{
    struct nvme_ns *ns = kzalloc(sizeof *ns), **link = &n->namespaces;

    if (ns == NULL)
        return -ENOMEM;
    ns->ctrl = n;
    ns->nsid = nsid;
    ns->dev = (struct blkdev){
        .driver = "nvme",
        .block_bytes = facts->block_bytes,
        .block_count = facts->block_count,
        .is_read_only = facts->is_read_only,
        .has_write_cache = n->facts.has_write_cache,
        .can_discard = n->facts.can_discard,
        .can_write_zeroes = n->facts.can_write_zeroes,
        .qs = n->queues,
        .q_count = n->io_count,
        .shutdown = nvme_shutdown,
    };
    ksnprintf(ns->dev.name, sizeof ns->dev.name, "%sn%u", n->name, nsid);
    (void)str_copy(ns->dev.bdf, sizeof ns->dev.bdf, n->pci->bdf);
    (void)str_copy(ns->dev.model, sizeof ns->dev.model, n->facts.model);
    (void)str_copy(ns->dev.serial, sizeof ns->dev.serial, n->facts.serial);
    while (*link != NULL)
        link = &(*link)->next;
    *link = ns;
    return 0;
}

/* One that cannot be used is left out, and the log says so. Return: 0; else the probe fails. */
static int look_at_namespace(struct nvme *n, u32 nsid)
{
    struct nvme_namespace_facts facts;
    int rc = nvme_identify(n, NVME_CNS_NAMESPACE, nsid);

    if (rc == -ETIMEDOUT || rc == -ENODEV)
        return rc;
    if (rc == 0)
        rc = nvme_parse_namespace(&facts, n->page.cpu);
    if (rc == 0)
        return add_namespace(n, nsid, &facts);
    if (rc != -ENOENT)
        log_warn("nvme", "%s: namespace %u cannot be used (error %d)", n->name, nsid, rc);
    return 0;
}

/* Spec: "Active Namespace ID list", ascending, ended by 0. From before 1.1: all that may be. */
static int find_namespaces(struct nvme *n)
{
    static u32 ids[NAMESPACES_MAX]; /* boot has one thread */
    u32 count = 0;
    int rc = -EOPNOTSUPP;

    if (nvme_read(n, NVME_VS) >= NVME_VERSION_1_1)
        rc = nvme_identify(n, NVME_CNS_ACTIVE, 0);
    if (rc == 0) {
        memcpy(ids, n->page.cpu, sizeof ids);
        while (count < NAMESPACES_MAX && ids[count] != 0)
            count++;
    } else {
        for (; count < MIN(n->facts.namespace_count, NAMESPACES_MAX); count++)
            ids[count] = count + 1;
    }
    rc = 0;
    for (u32 i = 0; i < count && rc == 0; i++)
        rc = look_at_namespace(n, ids[i]);
    return rc;
}

static void free_all(struct nvme *n)
{
    struct dma_buf *bufs[] = {&n->admin_sq, &n->admin_cq, &n->page};

    for (u32 i = 0; i < n->io_count; i++) {
        if (n->io[i]->vector != 0)
            irq_free(i, n->io[i]->vector);
        nvme_io_free(n->io[i]);
    }
    for (u32 i = 0; i < ARRAY_SIZE(bufs); i++) {
        if (bufs[i]->cpu != NULL)
            dma_free(bufs[i]);
    }
    while (n->namespaces != NULL) {
        struct nvme_ns *ns = n->namespaces;

        n->namespaces = ns->next;
        kfree(ns);
    }
    kfree(n);
}

/* Spec: "Initialization" (of controllers). */
static int bring_up(struct nvme *n)
{
    int rc;

    if (FIELD_GET(NVME_CAP_MPSMIN, n->cap) != 0 ||
        (FIELD_GET(NVME_CAP_CSS, n->cap) & NVME_CSS_NVM) == 0)
        return -EOPNOTSUPP;
    if (dma_alloc(&n->admin_sq, NVME_ADMIN_ENTRIES * sizeof(struct nvme_sqe)) != 0 ||
        dma_alloc(&n->admin_cq, NVME_ADMIN_ENTRIES * sizeof(struct nvme_cqe)) != 0 ||
        dma_alloc(&n->page, NVME_ID_BYTES) != 0)
        return -ENOMEM;
    rc = nvme_disable(n); /* as the firmware left it */
    if (rc == 0)
        rc = nvme_enable(n);
    if (rc == 0)
        rc = nvme_identify(n, NVME_CNS_CONTROLLER, 0);
    if (rc != 0)
        return rc;
    nvme_parse_controller(&n->facts, n->page.cpu);
    rc = setup_queues(n);
    return rc != 0 ? rc : find_namespaces(n);
}

static void register_all(struct nvme *n)
{
    for (struct nvme_ns *ns = n->namespaces; ns != NULL; ns = ns->next)
        blk_register(&ns->dev);
}

static int nvme_probe(struct pci_device *pci)
{
    struct nvme *n = kzalloc(sizeof *n);
    int rc = -ENOMEM;

    if (n == NULL)
        return rc;
    n->pci = pci;
    n->index = controllers;
    ksnprintf(n->name, sizeof n->name, "nvme%u", n->index);
    n->regs = pci_map_bar(pci, 0);
    if (n->regs == NULL) {
        kfree(n);
        return -ENODEV;
    }
    pci_enable(pci);
    n->cap = nvme_read(n, NVME_CAP) | (u64)nvme_read(n, NVME_CAP + 4) << 32;
    rc = bring_up(n);
    if (rc != 0) {
        pci_irq_release(pci, &n->irq);
        msix_disable(pci);
        pci_disable(pci); /* from here on it reaches no memory */
        free_all(n);
        return rc;
    }
    controllers++;
    rc = start_tasks(n);
    if (rc != 0) {
        pci_disable(pci); /* some tasks may run, and need what is allocated */
        return rc;
    }
    register_all(n);
    return 0;
}

const struct pci_driver nvme_driver = {
    .name = "nvme",
    .class_code = NVME_CLASS,
    .probe = nvme_probe,
};
