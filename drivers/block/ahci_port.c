/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port of an AHCI adapter: its engine, commands of the driver's own, and its queue.
 *
 * Reads and writes are queued (NCQ) where disk and adapter can. ATA does not allow other commands
 * beside queued ones, so a flush waits until the disk has nothing, and all wait for the flush.
 */
#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "drivers/block/ahci.h"

#define PAUSE_NS    (1 * NS_PER_MS)
#define ENGINE_NS   (500 * NS_PER_MS)
#define COMRESET_NS (2 * NS_PER_MS) /* at least one is asked for */
#define LINK_NS     (100 * NS_PER_MS)
#define READY_NS    (10 * NS_PER_S)
#define COMMAND_NS  (5 * NS_PER_S)

#define PORT_INTERRUPTS (AHCI_IS_DHRS | AHCI_IS_SDBS | AHCI_IS_LINK | AHCI_IS_ERRORS)

void ahci_pause(const struct ahci_port *p)
{
    if (p->can_sleep)
        (void)task_wait_until(time_ns() + PAUSE_NS);
    else
        cpu_pause();
}

static bool wait_port(const struct ahci_port *p, u32 reg, u32 mask, u32 wanted, u64 timeout_ns)
{
    u64 deadline = time_ns() + timeout_ns;

    while ((port_read(p, reg) & mask) != wanted) {
        if (time_ns() > deadline)
            return false;
        ahci_pause(p);
    }
    return true;
}

int ahci_port_stop(struct ahci_port *p)
{
    port_write(p, AHCI_PX_CMD, port_read(p, AHCI_PX_CMD) & ~AHCI_CMD_ST);
    if (!wait_port(p, AHCI_PX_CMD, AHCI_CMD_CR, 0, ENGINE_NS))
        return -ETIMEDOUT;
    port_write(p, AHCI_PX_CMD, port_read(p, AHCI_PX_CMD) & ~AHCI_CMD_FRE);
    return wait_port(p, AHCI_PX_CMD, AHCI_CMD_FR, 0, ENGINE_NS) ? 0 : -ETIMEDOUT;
}

static void write64(struct ahci_port *p, u32 reg, u64 value)
{
    port_write(p, reg, (u32)value);
    port_write(p, reg + 4, (u32)(value >> 32));
}

void ahci_port_start(struct ahci_port *p)
{
    u32 cmd = port_read(p, AHCI_PX_CMD) & ~AHCI_CMD_ICC;

    write64(p, AHCI_PX_CLB, p->page.bus.v);
    write64(p, AHCI_PX_FB, p->page.bus.v + AHCI_PAGE_FIS);
    port_write(p, AHCI_PX_SERR, ~0u);
    port_write(p, AHCI_PX_IS, ~0u);
    __atomic_store_n(&p->pending, 0, __ATOMIC_RELEASE);
    cmd |= AHCI_CMD_ICC_ACTIVE | AHCI_CMD_POD | AHCI_CMD_SUD | AHCI_CMD_FRE;
    port_write(p, AHCI_PX_CMD, cmd);
    port_write(p, AHCI_PX_CMD, cmd | AHCI_CMD_ST);
    port_write(p, AHCI_PX_IE, PORT_INTERRUPTS);
}

/* Spec: "Port Reset". The engine is stopped; what receives the device's first word must run. */
int ahci_port_reset(struct ahci_port *p)
{
    u64 until = time_ns() + COMRESET_NS;

    port_write(p, AHCI_PX_IE, 0);
    write64(p, AHCI_PX_FB, p->page.bus.v + AHCI_PAGE_FIS);
    port_write(p, AHCI_PX_CMD,
               port_read(p, AHCI_PX_CMD) | AHCI_CMD_FRE | AHCI_CMD_POD | AHCI_CMD_SUD);
    port_write(p, AHCI_PX_SCTL, (port_read(p, AHCI_PX_SCTL) & ~AHCI_SCTL_DET) | AHCI_DET_INIT);
    while (time_ns() < until)
        ahci_pause(p);
    port_write(p, AHCI_PX_SCTL, port_read(p, AHCI_PX_SCTL) & ~AHCI_SCTL_DET);
    if (!wait_port(p, AHCI_PX_SSTS, AHCI_SSTS_DET, AHCI_DET_UP, LINK_NS))
        return -ENODEV;
    port_write(p, AHCI_PX_SERR, ~0u);
    return wait_port(p, AHCI_PX_TFD, AHCI_TFD_BSY | AHCI_TFD_DRQ, 0, READY_NS) ? 0 : -ETIMEDOUT;
}

static struct ahci_slot slot_of(const struct ahci_port *p, u32 i)
{
    return (struct ahci_slot){
        .header = (volatile struct ahci_header *)p->page.cpu + i,
        .table = (struct ahci_table *)p->tables.cpu + i,
        .table_hpa = hpa(p->tables.bus.v + i * sizeof(struct ahci_table)),
    };
}

int ahci_port_command(struct ahci_port *p, u8 command, u64 lba, u16 count)
{
    struct ahci_slot slot = slot_of(p, p->own_slot);
    u64 deadline = time_ns() + COMMAND_NS;
    u32 mask = 1u << p->own_slot;

    ata_build_internal(&slot, command, lba, count, hpa(p->page.bus.v + AHCI_PAGE_SECTOR));
    compiler_barrier();
    port_write(p, AHCI_PX_CI, mask);
    while ((port_read(p, AHCI_PX_CI) & mask) != 0) {
        if ((port_read(p, AHCI_PX_TFD) & (AHCI_TFD_ERR | AHCI_TFD_BSY)) == AHCI_TFD_ERR)
            return -EIO;
        if (time_ns() > deadline)
            return -ETIMEDOUT;
        ahci_pause(p);
    }
    return (port_read(p, AHCI_PX_TFD) & AHCI_TFD_ERR) != 0 ? -EIO : 0;
}

void ahci_port_acknowledge(struct ahci_port *p)
{
    u32 causes = port_read(p, AHCI_PX_IS);

    if (causes == 0)
        return;
    if ((causes & AHCI_IS_LINK) != 0)
        port_write(p, AHCI_PX_SERR, ~0u); /* or the causes stay */
    port_write(p, AHCI_PX_IS, causes);
    __atomic_fetch_or(&p->pending, causes, __ATOMIC_RELEASE);
}

static int port_start_request(struct blkq *q, struct blk_req *req, u32 tag)
{
    struct ahci_port *p = q->driver_data;
    bool is_queued = p->facts.queue_depth > 0 && (req->op == BLK_READ || req->op == BLK_WRITE);
    struct ahci_slot slot = slot_of(p, tag);

    if (q->in_flight > 0 && (!is_queued || p->is_exclusive))
        return -EAGAIN;
    p->is_exclusive = !is_queued;
    ata_build(&slot, req, is_queued, tag, (u64 *)(void *)((u8 *)p->page.cpu + AHCI_PAGE_TRIM),
              hpa(p->page.bus.v + AHCI_PAGE_TRIM));
    p->built |= 1u << tag;
    return 0;
}

static void port_kick(struct blkq *q)
{
    struct ahci_port *p = q->driver_data;

    compiler_barrier(); /* the commands before the register; x86 keeps the order of stores */
    if (!p->is_exclusive)
        port_write(p, AHCI_PX_SACT, p->built);
    port_write(p, AHCI_PX_CI, p->built);
    p->issued |= p->built;
    p->built = 0;
}

/* A port that is gone may read as zeroes, which must not look like commands that have ended. */
static u32 ended_slots(const struct ahci_port *p)
{
    u32 busy = port_read(p, AHCI_PX_CI) | (p->is_exclusive ? 0 : port_read(p, AHCI_PX_SACT));
    u32 ended = p->issued & ~busy;

    return ended != 0 && (port_read(p, AHCI_PX_CMD) & AHCI_CMD_ST) == 0 ? 0 : ended;
}

static void port_poll(struct blkq *q)
{
    struct ahci_port *p = q->driver_data;
    u32 ended;

    ahci_port_acknowledge(p);
    ended = ended_slots(p);
    p->issued &= ~ended;
    for (; ended != 0; ended &= ended - 1)
        (void)blkq_end(q, (u32)__builtin_ctz(ended), 0);
    if ((__atomic_load_n(&p->pending, __ATOMIC_ACQUIRE) & (AHCI_IS_ERRORS | AHCI_IS_LINK)) != 0)
        blkq_request_recovery(q);
}

static bool port_is_present(struct blkq *q)
{
    const struct ahci_port *p = q->driver_data;

    return pci_is_present(p->hba->pci);
}

void ahci_port_init_queue(struct ahci_port *p)
{
    static const struct blkq_ops ops = {
        .start = port_start_request,
        .kick = port_kick,
        .poll = port_poll,
        .is_present = port_is_present,
        .recover = ahci_recover,
    };
    u32 slots = (u32)FIELD_GET(AHCI_CAP_NCS, p->hba->cap) + 1, depth = 1;

    if ((p->hba->cap & AHCI_CAP_SNCQ) == 0)
        p->facts.queue_depth = 0;
    if (p->facts.queue_depth > 0 && slots > 1)
        depth = MIN(p->facts.queue_depth, slots - 1);
    p->own_slot = depth < slots ? depth : 0;
    blkq_init(&p->q, &ops, p, depth);
    p->queue = &p->q;
}
