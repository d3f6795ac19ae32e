/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors that the Intel 8254x and 82574 have in common, and the few that differ.
 *
 * Spec: 82574 Datasheet, chapter 10 "Driver Programing Interface" (registers), 7.1 "Receive
 * Functionality", 7.2 "Transmit Functionality" (legacy descriptors); 8254x SDM, chapters "Register
 * Descriptions" and "Receive and Transmit Description".
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
#define E1000_ICR      0x000c0u /* interrupt cause read */
#define E1000_ITR      0x000c4u /* interrupt throttling */
#define E1000_ICS      0x000c8u /* interrupt cause set */
#define E1000_IMS      0x000d0u /* interrupt mask set */
#define E1000_IMC      0x000d8u /* interrupt mask clear */
#define E1000_RCTL     0x00100u /* receive control */
#define E1000_TCTL     0x00400u /* transmit control */
#define E1000_TIPG     0x00410u /* transmit inter-packet gap */
#define E1000_RDBAL    0x02800u /* receive descriptor base, low */
#define E1000_RDBAH    0x02804u
#define E1000_RDLEN    0x02808u
#define E1000_RDH      0x02810u
#define E1000_RDT      0x02818u
#define E1000_RDTR     0x02820u /* receive delay timer */
#define E1000_RXDCTL   0x02828u
#define E1000_TDBAL    0x03800u
#define E1000_TDBAH    0x03804u
#define E1000_TDLEN    0x03808u
#define E1000_TDH      0x03810u
#define E1000_TDT      0x03818u
#define E1000_TXDCTL   0x03828u
#define E1000_MTA      0x05200u /* multicast table, 128 words */
#define E1000_RAL0     0x05400u /* receive address 0, low */
#define E1000_RAH0     0x05404u

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
#define E1000_STATUS_GIO_MASTER_ENABLE BIT(19) /* 82574: requests still outstanding */

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
#define E1000_RCTL_MPE   BIT(4)  /* all multicast: IPv6 needs groups */
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

/* Spec: 7.1.4 "Receive Descriptor Format (legacy)". */
struct e1000_rx_desc {
    u64 address;
    u16 length;
    u16 checksum;
    u8 status;
    u8 errors;
    u16 special;
} packed;

#define E1000_RXD_STAT_DD  BIT(0) /* done */
#define E1000_RXD_STAT_EOP BIT(1) /* end of packet */

/* Spec: 7.2.10.1 "Legacy Transmit Descriptor Format". */
struct e1000_tx_desc {
    u64 address;
    u16 length;
    u8 cso;
    u8 cmd;
    u8 status;
    u8 css;
    u16 special;
} packed;

#define E1000_TXD_CMD_EOP  BIT(0)
#define E1000_TXD_CMD_IFCS BIT(1) /* insert FCS */
#define E1000_TXD_CMD_RS   BIT(3) /* report status */
#define E1000_TXD_STAT_DD  BIT(0)

_Static_assert(sizeof(struct e1000_rx_desc) == 16, "receive descriptor");
_Static_assert(sizeof(struct e1000_tx_desc) == 16, "transmit descriptor");

#endif
