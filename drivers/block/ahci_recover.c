/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when a port reports an error, its link comes or goes, or a command is late. The
 * port's task does it, with the queue stopped.
 *
 * An error of one queued command makes the disk drop all: the one is asked for (the queued error
 * log), and the others are issued again, for their slots still hold them. Everything else is a
 * reset of the port. Spec: AHCI "Error Recovery", ACS-3 "NCQ Command Error log".
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/block/ahci.h"

static bool is_plugged(const struct ahci_port *p)
{
    return pci_is_present(p->hba->pci) &&
           (port_read(p, AHCI_PX_SSTS) & AHCI_SSTS_DET) == AHCI_DET_UP;
}

static void give_up(struct ahci_port *p, enum blk_state state, const char *why)
{
    port_write(p, AHCI_PX_IE, 0);
    if (ahci_port_stop(p) != 0 && pci_is_present(p->hba->pci)) {
        /* It may still use memory, and only the adapter as a whole can be kept from it. */
        log_error("ahci", "%s: the port does not stop: the adapter is turned off", p->dev.name);
        pci_disable(p->hba->pci);
    }
    blk_set_state(&p->dev, state, why);
    blkq_kill(&p->q);
}

/* The queued command that failed. Return: its tag, BLKQ_NO_TAG if that cannot be told. */
static u32 failed_tag(struct ahci_port *p)
{
    const u8 *log = (const u8 *)p->page.cpu + AHCI_PAGE_SECTOR;

    if (ahci_port_command(p, ATA_READ_LOG, ATA_LOG_NCQ_ERROR, 1) != 0 ||
        (log[0] & ATA_NCQ_ERROR_NQ) != 0 || !blkq_has(&p->q, log[0] & ATA_NCQ_ERROR_TAG))
        return BLKQ_NO_TAG;
    return log[0] & ATA_NCQ_ERROR_TAG;
}

/* Ends the command that failed and issues the others again. Return: false: a reset is needed. */
static bool retry_others(struct ahci_port *p)
{
    u32 tag;

    if (p->is_exclusive || ahci_port_stop(p) != 0)
        return false;
    if ((port_read(p, AHCI_PX_TFD) & (AHCI_TFD_BSY | AHCI_TFD_DRQ)) != 0)
        return false;
    ahci_port_start(p);
    tag = failed_tag(p);
    if (tag == BLKQ_NO_TAG)
        return false;
    blkq_fail(&p->q, tag, -EIO);
    p->issued &= ~(1u << tag);
    p->built = p->issued; /* blkq_resume kicks */
    return true;
}

/* After a reset of the link there may be another disk. */
static bool is_same_disk(struct ahci_port *p)
{
    struct ata_facts facts;

    if (ahci_port_command(p, ATA_IDENTIFY, 0, 0) != 0 ||
        ata_parse_identify(&facts,
                           (const u16 *)(const void *)((u8 *)p->page.cpu + AHCI_PAGE_SECTOR)) != 0)
        return false;
    return facts.block_count == p->facts.block_count && strcmp(facts.model, p->facts.model) == 0 &&
           strcmp(facts.serial, p->facts.serial) == 0;
}

static void reset(struct ahci_port *p, int status)
{
    int rc = ahci_port_stop(p);

    if (rc != 0)
        log_warn("ahci", "%s: the port stops only by a reset", p->dev.name);
    rc = ahci_port_reset(p);
    if (rc == 0)
        rc = ahci_port_stop(p);
    if (rc != 0) {
        give_up(p, rc == -ENODEV ? BLK_REMOVED : BLK_FAILED, "it does not come back from a reset");
        return;
    }
    blkq_fail_all(&p->q, status);
    p->issued = p->built = 0;
    ahci_port_start(p);
    if (!is_same_disk(p)) {
        give_up(p, BLK_REMOVED, "another disk is in its place, or none that can be used");
        return;
    }
    blkq_resume(&p->q);
}

void ahci_recover(struct blkq *q, u32 tag)
{
    struct ahci_port *p = q->driver_data;
    u32 causes = __atomic_exchange_n(&p->pending, 0, __ATOMIC_ACQ_REL);

    p->can_sleep = true;
    if (q->is_dead)
        return;
    blkq_stop(q);
    if (!is_plugged(p)) {
        give_up(p, BLK_REMOVED, "it no longer answers");
        return;
    }
    if (tag == BLKQ_NO_TAG && (causes & (AHCI_IS_ERRORS | AHCI_IS_LINK)) == AHCI_IS_TFES &&
        retry_others(p)) {
        blkq_resume(q);
        return;
    }
    if (tag != BLKQ_NO_TAG)
        log_warn("ahci", "%s: command %u is late: the port is reset", p->dev.name, tag);
    reset(p, tag != BLKQ_NO_TAG ? -ETIMEDOUT : -EIO);
}

/* Lets the disk park its heads and write back what it has. */
void ahci_shutdown(struct blkdev *dev)
{
    struct ahci_port *p = container_of(dev, struct ahci_port, dev);

    if (dev->state != BLK_ONLINE)
        return;
    p->can_sleep = true;
    blkq_stop(&p->q);
    if (p->issued != 0 || ahci_port_command(p, ATA_STANDBY, 0, 0) != 0)
        log_warn("ahci", "%s: it does not say that it is ready for power to go", dev->name);
}
