/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board every guest sees: physical memory map, port and interrupt assignments.
 *
 * One truth for the builder, the ACPI tables and the emulated devices.
 *
 *   0x00000000  RAM: hand-over structures of direct boot (below 0x30000), conventional memory
 *   0x0009fc00  reserved (extended BIOS data area)
 *   0x000a0000  hole of the PC (RAM behind it is not told to the guest)
 *   0x000e0000  ACPI tables, reserved
 *   0x00100000  RAM up to GUEST_LOW_RAM_END at most
 *   0xc0000000  PCI devices' memory
 *   0xe0000000  PCI configuration space (ECAM), IOAPIC, local APIC
 *   0x100000000 RAM, what did not fit below; behind it, PCI devices' memory again
 */
#ifndef SOCLE_VMM_GUEST_LAYOUT_H
#define SOCLE_VMM_GUEST_LAYOUT_H

#include "core/lib/types.h"

/* Memory. */
#define GUEST_LOW_RAM_END 0xc0000000ull  /* RAM below 4 GiB ends here at the latest */
#define GUEST_HIGH_RAM    0x100000000ull /* the rest of it starts here */
#define GUEST_EBDA        0x9fc00ull
#define GUEST_PC_HOLE     0xa0000ull
#define GUEST_ACPI_BASE \
    0xe0000ull /* RSDP first: within the BIOS area, where guests search for it */
#define GUEST_ACPI_BYTES   0x20000ull
#define GUEST_RAM_ABOVE_1M 0x100000ull

/* Where the loaders put what they hand over. */
#define GUEST_GDT         0x500ull
#define GUEST_START_INFO  0x6000ull /* PVH: start info, modules, memory map */
#define GUEST_BOOT_PARAMS 0x7000ull /* Linux: zero page */
#define GUEST_BOOT_STACK  0x8ff0ull
#define GUEST_PAGE_TABLES 0x9000ull  /* 6 pages: PML4, PDPT, 4 page directories */
#define GUEST_CMDLINE     0x20000ull /* VM_CMDLINE_MAX + 1 bytes */

/* Interrupt controllers. */
#define GUEST_IOAPIC_BASE 0xfec00000ull
#define GUEST_IOAPIC_ID   0u
#define GUEST_IOAPIC_PINS 24u
#define GUEST_LAPIC_BASE  0xfee00000ull

/* PCI: one bus. What the host bridge passes on, and where it shows configuration space. */
#define GUEST_PCI_SLOTS       32u
#define GUEST_PCI_MEM32       0xc0000000ull
#define GUEST_PCI_MEM32_BYTES 0x20000000ull
#define GUEST_PCI_MEM64_BYTES 0x400000000ull /* behind RAM, at a multiple of itself */
#define GUEST_PCI_ECAM        0xe0000000ull
#define GUEST_PCI_ECAM_BYTES  0x100000ull
#define GUEST_PCI_IO          0x1000u
#define GUEST_PCI_IO_BYTES    0xf000u

/* The line of a slot's INTA#: level triggered, reaching the PIC as well as the IOAPIC. */
#define GUEST_PCI_LINES      2u
#define GUEST_PCI_LINE(slot) (10u + (slot) % GUEST_PCI_LINES)

/* ISA lines. */
#define GUEST_PIT_LINE  0u /* IOAPIC pin 2 */
#define GUEST_COM1_LINE 4u
#define GUEST_RTC_LINE  8u
#define GUEST_SCI_LINE  9u /* level triggered, active high */

#define GUEST_COM1_PORT 0x3f8u
#define GUEST_RTC_PORT  0x70u

/* ACPI power management: fixed registers of the FADT. */
#define GUEST_PM1A_EVT       0x600u /* status 16 bits, enable 16 bits */
#define GUEST_PM1A_EVT_BYTES 4u
#define GUEST_PM1A_CNT       0x604u /* 16 bits; SCI_EN always set */
#define GUEST_PM1A_CNT_BYTES 2u
#define GUEST_PM_TMR         0x608u /* 32 bits, 3.579545 MHz */
#define GUEST_PM_TMR_BYTES   4u
#define GUEST_GPE0           0x60cu /* status 8 bits, enable 8 bits */
#define GUEST_GPE0_BYTES     2u
#define GUEST_GPE_HOTPLUG    0u /* its bit: PCI devices come or are to go */
#define GUEST_PM_BYTES       0x10u
#define GUEST_SLP_TYP_S5     5u

/* PCI hot-plug, for the methods of the DSDT: three registers of 32 bits, a bit per slot. */
#define GUEST_HOTPLUG        0x610u
#define GUEST_HOTPLUG_BYTES  0xcu
#define GUEST_HOTPLUG_CHECK  0x0u /* reads: where something came or went; reading clears */
#define GUEST_HOTPLUG_WANTED 0x4u /* reads: what the guest is asked to give up */
#define GUEST_HOTPLUG_EJECT  0x8u /* written: what it gives up */

/* Reset control register; writing GUEST_RESET_VALUE resets the board. */
#define GUEST_RESET_PORT  0xcf9u
#define GUEST_RESET_VALUE 0x06u

#endif
