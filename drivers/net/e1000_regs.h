/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers that the Intel 8254x, 82574 and 82576 and their kin have in common, and the few that
 * differ.
 *
 * Spec: 82574 Datasheet, chapter 10 "Driver Programing Interface" (registers), 7.1 "Receive
 * Functionality", 7.2 "Transmit Functionality"; 8254x SDM, chapters "Register Descriptions" and
 * "Receive and Transmit Description"; 82576 Datasheet, chapter 8 "Programming Interface".
 */
#ifndef SOCLE_NET_E1000_REGS_H
#define SOCLE_NET_E1000_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Register offsets in BAR 0. */
#define E1000_CTRL     0x00000u /* device control */
#define E1000_STATUS   0x00008u /* device status */
#define E1000_EECD     0x00010u /* EEPROM control */
#define E1000_EERD     0x00014u /* EEPROM read */
#define E1000_CTRL_EXT 0x00018u /* extended device control */
#define E1000_MDIC     0x00020u /* PHY access */
/* The 82576 and later have the causes from 01500h on, too; these stayed where they were. */
#define E1000_ICR      0x000c0u /* interrupt cause read */
#define E1000_ITR      0x000c4u /* interrupt throttling */
#define E1000_ICS      0x000c8u /* interrupt cause set */
#define E1000_IMS      0x000d0u /* interrupt mask set */
#define E1000_IMC      0x000d8u /* interrupt mask clear */
#define E1000_EITR0    0x01680u /* 82576: interrupt throttling of vector 0 */
#define E1000_IVAR0    0x01700u /* 82576: causes of queue 0 */
#define E1000_RCTL     0x00100u /* receive control */
#define E1000_TCTL     0x00400u /* transmit control */
#define E1000_TIPG     0x00410u /* transmit inter-packet gap */
#define E1000_RDBAL    0x02800u /* receive descriptor base, low */
#define E1000_RDBAH    0x02804u
#define E1000_RDLEN    0x02808u
#define E1000_RDH      0x02810u
#define E1000_RDT      0x02818u
#define E1000_SRRCTL   0x0280cu /* 82576: split and replication receive control */
#define E1000_RXDCTL   0x02828u
#define E1000_TDBAL    0x03800u
#define E1000_TDBAH    0x03804u
#define E1000_TDLEN    0x03808u
#define E1000_TDH      0x03810u
#define E1000_TDT      0x03818u
#define E1000_TXDCTL   0x03828u
#define E1000_RXCSUM   0x05000u /* receive checksum control */
#define E1000_MTA      0x05200u /* multicast table, 128 words */
#define E1000_RAL0     0x05400u /* receive address 0, low */
#define E1000_RAH0     0x05404u

#define E1000_SWSM       0x05b50u /* 82576: semaphore, between software and with firmware */
#define E1000_SW_FW_SYNC 0x05b5cu /* 82576: who uses which part */

#define E1000_BAR_BYTES 0x20000u
#define E1000_MTA_WORDS 128u

/* CTRL */
#define E1000_CTRL_GIO_MASTER_DISABLE BIT(2)  /* 82574 */
#define E1000_CTRL_LRST               0x8u    /* link reset (8254x) */
#define E1000_CTRL_ASDE               BIT(5)  /* auto speed detection */
#define E1000_CTRL_SLU                BIT(6)  /* set link up */
#define E1000_CTRL_ILOS               0x80u   /* invert loss of signal (8254x) */
#define E1000_CTRL_RST                BIT(26) /* device reset */
#define E1000_CTRL_PHY_RST            0x80000000u

/* STATUS */
#define E1000_STATUS_LU                BIT(1)  /* link up */
#define E1000_STATUS_SPEED_SHIFT       6       /* two bits: 10, 100, 1000, 1000 Mb/s */
#define E1000_STATUS_GIO_MASTER_ENABLE BIT(19) /* 82574: requests still outstanding */

#define E1000_STATUS_LAN_ID_SHIFT 2 /* 82576: which of the ports, two bits */

/* MDIC: data 15:0 */
#define E1000_MDIC_REG_SHIFT 16
#define E1000_MDIC_PHY_1     BIT(21)
#define E1000_MDIC_OP_WRITE  BIT(26)
#define E1000_MDIC_READY     BIT(28)
#define E1000_MDIC_ERROR     BIT(30)

/* The PHY's first register. Spec: IEEE 802.3, 22.2.4.1 "Control register". */
#define PHY_CONTROL           0u
#define PHY_CONTROL_RESTART   BIT(9)
#define PHY_CONTROL_NEGOTIATE BIT(12)

/* SWSM */
#define E1000_SWSM_SMBI    BIT(0) /* set by reading it */
#define E1000_SWSM_SWESMBI BIT(1) /* can be set while firmware has not */

/* SW_FW_SYNC: firmware's bits are 16 further up */
#define E1000_SYNC_PHY_0    BIT(1)
#define E1000_SYNC_PHY_1    BIT(2)
#define E1000_SYNC_PHY_2    BIT(5)
#define E1000_SYNC_PHY_3    BIT(6)
#define E1000_SYNC_FW_SHIFT 16

/* EECD, EERD */
#define E1000_EECD_AUTO_RD          BIT(9) /* 82574: EEPROM has been read after the reset */
#define E1000_EERD_START            BIT(0)
#define E1000_EERD_DONE_82574       0x02u
#define E1000_EERD_DONE_8254X       0x10u
#define E1000_EERD_ADDR_SHIFT_82574 2u
#define E1000_EERD_ADDR_SHIFT_8254X 8u
#define E1000_EERD_DATA_SHIFT       16u

/* Interrupt causes: ICR, ICS, IMS, IMC */
#define E1000_ICR_LSC    BIT(2) /* link status change */
#define E1000_ICR_RXDMT0 BIT(4) /* receive ring below its threshold */
#define E1000_ICR_RXO    BIT(6) /* receiver overrun */
#define E1000_ICR_RXT0   BIT(7) /* frame received */
#define E1000_IMC_ALL    0xffffffffu

/* RCTL */
#define E1000_RCTL_EN    BIT(1)
#define E1000_RCTL_UPE   BIT(3)  /* all unicast: VMs have addresses of their own */
#define E1000_RCTL_MPE   BIT(4)  /* all multicast: IPv6 needs groups */
#define E1000_RCTL_LPE   BIT(5)  /* frames longer than 1522 bytes, too */
#define E1000_RCTL_BAM   BIT(15) /* accept broadcast */
#define E1000_RCTL_SECRC BIT(26) /* strip the FCS; buffer size bits 0: 2048 bytes */

/* TCTL, TIPG */
#define E1000_TCTL_EN               BIT(1)
#define E1000_TCTL_PSP              BIT(3) /* pad short packets */
#define E1000_TCTL_CT_SHIFT         4u     /* collision threshold */
#define E1000_TCTL_CT_DEFAULT       15u
#define E1000_TCTL_COLD_SHIFT       12u /* collision distance */
#define E1000_TCTL_COLD_FULL_DUPLEX 63u
#define E1000_TIPG_DEFAULT          0x00602008u /* 10.2.6.2: IPGT 8, IPGR1 8, IPGR2 6 */

/* RAH */
#define E1000_RAH_AV 0x80000000u /* address valid */

/* TXDCTL: GRAN is descriptors; write back each one; bit 22 must be 1 on the 82574. */
#define E1000_TXDCTL_WTHRESH_1 0x00010000u
#define E1000_TXDCTL_RESERVED1 0x00400000u
#define E1000_TXDCTL_GRAN      0x01000000u

#define E1000_QUEUE_ENABLE 0x02000000u /* RXDCTL, TXDCTL from the 82576 on */

/* SRRCTL: size in KiB, one buffer with advanced descriptors. */
#define E1000_SRRCTL_BSIZE_2K 0x00000002u
#define E1000_SRRCTL_ADV_ONE  0x02000000u

/* IVAR0: receive and transmit causes of queue 0, each to bit 0. */
#define E1000_IVAR_RX0_VALID 0x0080u
#define E1000_IVAR_TX0_VALID 0x8000u

/* RXCSUM */
#define E1000_RXCSUM_IPOFL BIT(8) /* check IP headers */
#define E1000_RXCSUM_TUOFL BIT(9) /* check TCP and UDP */

#endif
