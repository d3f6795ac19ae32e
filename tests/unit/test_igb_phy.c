/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/igb_phy.c tests/fakes/log.c
 */
/* The PHY of the 82576: told to negotiate, and left alone where others use it. */
#include "tests/unit/harness.h"

#include "drivers/net/e1000.h"

#include <string.h>

static u32 regs[E1000_BAR_BYTES / 4];
static struct e1000 nic = {.regs = regs, .dev = {.driver = "igb", .bdf = "0000:00:01.0"}};
static bool phy_answers, firmware_lets_semaphore;
static u32 told;

/* What a device does while it is waited for. */
static void move_device(u32 reg)
{
    u32 *mdic = &regs[E1000_MDIC / 4];

    if (reg == E1000_SWSM && !firmware_lets_semaphore)
        regs[E1000_SWSM / 4] &= (u32)~E1000_SWSM_SWESMBI;
    if (reg != E1000_MDIC || !phy_answers)
        return;
    CHECK(regs[E1000_SW_FW_SYNC / 4] != 0); /* nobody else may have the PHY meanwhile */
    told = *mdic;
    *mdic |= (u32)E1000_MDIC_READY;
}

bool e1000_wait(const struct e1000 *card, u32 reg, u64 mask, u64 wanted, u64 timeout_ns)
{
    CHECK(timeout_ns > 0);
    move_device(reg);
    return (e1000_read(card, reg) & mask) == wanted;
}

/* Return: what the PHY was told; 0: nothing. The semaphore is always given back. */
static u32 start(u32 status, u32 users)
{
    memset(regs, 0, sizeof(regs));
    regs[E1000_STATUS / 4] = status;
    regs[E1000_SW_FW_SYNC / 4] = users;
    told = 0;
    igb_phy_start(&nic);
    CHECK_EQ(regs[E1000_SW_FW_SYNC / 4], users);
    CHECK_EQ(regs[E1000_SWSM / 4], 0);
    return told;
}

#define PORT(n) ((n) << E1000_STATUS_LAN_ID_SHIFT)

TEST(without_a_link_the_phy_negotiates)
{
    u32 wanted =
        (u32)(E1000_MDIC_OP_WRITE | E1000_MDIC_PHY_1 | PHY_CONTROL_NEGOTIATE | PHY_CONTROL_RESTART);

    phy_answers = firmware_lets_semaphore = true;
    for (u32 port = 0; port < 4; port++)
        CHECK_EQ(start(PORT(port), 0), wanted);
    CHECK_EQ(start(E1000_STATUS_LU, 0), 0);
}

TEST(a_phy_that_others_use_is_left_alone)
{
    phy_answers = firmware_lets_semaphore = true;
    CHECK_EQ(start(0, E1000_SYNC_PHY_0), 0);
    CHECK_EQ(start(0, E1000_SYNC_PHY_0 << E1000_SYNC_FW_SHIFT), 0);
    CHECK_EQ(start(PORT(3), E1000_SYNC_PHY_3 << E1000_SYNC_FW_SHIFT), 0);
    CHECK(start(PORT(3), E1000_SYNC_PHY_0) != 0); /* another port's */
    firmware_lets_semaphore = false;
    CHECK_EQ(start(0, 0), 0);
}

TEST(a_phy_that_does_not_answer)
{
    firmware_lets_semaphore = true;
    phy_answers = false;
    CHECK_EQ(start(0, 0), 0);
}
