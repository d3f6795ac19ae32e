/* SPDX-License-Identifier: BSD-2-Clause */
/* An AHCI host bus adapter and its ports, shared between the driver's files. */
#ifndef SOCLE_BLOCK_AHCI_H
#define SOCLE_BLOCK_AHCI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/ahci_regs.h"
#include "drivers/block/ata.h"
#include "drivers/block/blkq.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_irq.h"
#include "mm/dma.h"

struct ahci;

/* A port with a disk. */
struct ahci_port {
    struct blkdev dev; /* first */
    struct blkq q;
    struct blkq *queue; /* (c) &q, for blkdev */
    struct ahci *hba;
    u32 number;
    struct ata_facts facts;
    struct dma_buf page;   /* command list, received FIS, sectors of the driver's own */
    struct dma_buf tables; /* one per slot */
    u32 own_slot;          /* (c) for commands of the driver's own */
    u32 built, issued;     /* queue lock: slots filled; slots with the device */
    bool is_exclusive;     /* queue lock: what the device has is not queued */
    u32 pending;           /* (a) causes of interrupts not looked at yet */
    bool can_sleep;        /* (o) its task runs */
};

/* Where things are in ahci_port.page. */
#define AHCI_PAGE_FIS    1024u
#define AHCI_PAGE_TRIM   2048u
#define AHCI_PAGE_SECTOR 2560u

struct ahci {
    const struct pci_device *pci; /* (c) */
    volatile u8 *regs;            /* (c) */
    u32 index;                    /* (c) */
    u32 cap;                      /* (c) */
    struct pci_irq irq;
    struct ahci_port *ports[AHCI_PORTS_MAX]; /* (c) NULL: no disk */
};

static inline u32 ahci_read(const struct ahci *hba, u32 reg)
{
    return *(const volatile u32 *)(const volatile void *)(hba->regs + reg);
}

static inline void ahci_write(const struct ahci *hba, u32 reg, u32 value)
{
    *(volatile u32 *)(volatile void *)(hba->regs + reg) = value;
}

static inline u32 port_read(const struct ahci_port *p, u32 reg)
{
    return ahci_read(p->hba, AHCI_PORT(p->number) + reg);
}

static inline void port_write(const struct ahci_port *p, u32 reg, u32 value)
{
    ahci_write(p->hba, AHCI_PORT(p->number) + reg, value);
}

/* ahci_port.c: one port: its engine, its queue. Context: probe, or the port's task. */

/* Spec: "Port Start", "Port Stop". Return: 0, -ETIMEDOUT (the engine still runs). */
int ahci_port_stop(struct ahci_port *p) must_check;
void ahci_port_start(struct ahci_port *p);
/* COMRESET. Return: 0; -ENODEV (no device answers), -ETIMEDOUT (it does not get ready). */
int ahci_port_reset(struct ahci_port *p) must_check;
/* One command of the driver's own; its sector is in the page then. The queue is stopped, or not yet
 * started. Return: 0, -EIO, -ETIMEDOUT. */
int ahci_port_command(struct ahci_port *p, u8 command, u64 lba, u16 count) must_check;
/* Takes the causes of interrupts from the port. Context: any. */
void ahci_port_acknowledge(struct ahci_port *p);
/* Lets a moment pass: sleeps where that is possible. */
void ahci_pause(const struct ahci_port *p);
void ahci_port_init_queue(struct ahci_port *p);

/* ahci_recover.c */
void ahci_recover(struct blkq *q, u32 tag);
void ahci_shutdown(struct blkdev *dev);

#endif
