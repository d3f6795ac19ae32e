/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link of the 82576 and later: their PHY may wait to be told to negotiate (QEMU's does). It is
 * shared with a management controller's firmware, so it is touched only where there is no link, and
 * only with the semaphore.
 *
 * Spec: 82576 Datasheet 4.7.1 "Acquiring Ownership Over a Shared Resource", 8.2.4 "MDI Control
 * Register".
 */
#include "core/kern/timer.h"
#include "core/x86/log.h"
#include "drivers/net/e1000.h"

/* Who has it lets go within 10 ms; the rest is for a busy board. */
#define SEMAPHORE_TIMEOUT_NS (50 * NS_PER_MS)
/* A write takes some 64 microseconds. */
#define MDIC_TIMEOUT_NS      (2 * NS_PER_MS)

/* Return: false: somebody else had it all the time. Then nothing is to be put back. */
static bool semaphore_get(struct e1000 *nic)
{
    if (!e1000_wait(nic, E1000_SWSM, E1000_SWSM_SMBI, 0, SEMAPHORE_TIMEOUT_NS))
        return false;
    e1000_write(nic, E1000_SWSM, E1000_SWSM_SMBI | E1000_SWSM_SWESMBI);
    if (e1000_wait(nic, E1000_SWSM, E1000_SWSM_SWESMBI, E1000_SWSM_SWESMBI, SEMAPHORE_TIMEOUT_NS))
        return true;
    e1000_write(nic, E1000_SWSM, 0);
    return false;
}

static void semaphore_put(struct e1000 *nic)
{
    e1000_write(nic, E1000_SWSM, 0);
}

static u32 own_bit(const struct e1000 *nic)
{
    static const u32 bits[] = {E1000_SYNC_PHY_0, E1000_SYNC_PHY_1, E1000_SYNC_PHY_2,
                               E1000_SYNC_PHY_3};

    return bits[e1000_read(nic, E1000_STATUS) >> E1000_STATUS_LAN_ID_SHIFT & 3];
}

/* Return: false: firmware or somebody else uses the PHY. */
static bool phy_take(struct e1000 *nic)
{
    u32 own = own_bit(nic), users;
    bool is_free;

    if (!semaphore_get(nic))
        return false;
    users = e1000_read(nic, E1000_SW_FW_SYNC);
    is_free = !(users & (own | own << E1000_SYNC_FW_SHIFT));
    if (is_free)
        e1000_write(nic, E1000_SW_FW_SYNC, users | own);
    semaphore_put(nic);
    return is_free;
}

static void phy_give(struct e1000 *nic)
{
    if (!semaphore_get(nic))
        return;
    e1000_write(nic, E1000_SW_FW_SYNC, e1000_read(nic, E1000_SW_FW_SYNC) & ~own_bit(nic));
    semaphore_put(nic);
}

/* Return: false: the PHY did not take it. */
static bool phy_write(struct e1000 *nic, u32 reg, u16 value)
{
    e1000_write(nic, E1000_MDIC,
                value | reg << E1000_MDIC_REG_SHIFT | E1000_MDIC_PHY_1 | E1000_MDIC_OP_WRITE);
    return e1000_wait(nic, E1000_MDIC, E1000_MDIC_READY, E1000_MDIC_READY, MDIC_TIMEOUT_NS) &&
           !(e1000_read(nic, E1000_MDIC) & E1000_MDIC_ERROR);
}

void igb_phy_start(struct e1000 *nic)
{
    bool is_told;

    if (e1000_read(nic, E1000_STATUS) & E1000_STATUS_LU)
        return;
    if (!phy_take(nic)) {
        log_warn(nic->dev.driver, "%s: firmware uses the PHY; the link comes when it lets it",
                 nic->dev.bdf);
        return;
    }
    is_told = phy_write(nic, PHY_CONTROL, PHY_CONTROL_NEGOTIATE | PHY_CONTROL_RESTART);
    phy_give(nic);
    if (!is_told)
        log_warn(nic->dev.driver, "%s: the PHY does not answer", nic->dev.bdf);
}
