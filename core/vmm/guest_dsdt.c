/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DSDT: the S5 sleep type, and what guests cannot find by probing alone.
 *
 *   Name (\_S5, Package {5, 0, 0, 0})
 *   Scope (\_SB) {
 *     Device (COM1) { _HID PNP0501, _UID 1, _CRS {IO 0x3f8 +8, IRQ 4} }
 *     Device (RTC_) { _HID PNP0B00, _UID 0, _CRS {IO 0x70 +2, IRQ 8} }
 *     Device (MRES) { _HID PNP0C02, _UID 0, _CRS {ECAM, hot-plug's ports} }
 *     Device (PCI0) { _HID PNP0A03, _UID 0, _CRS {bus 0, its windows},
 *                     _PRT {INTA of each slot but the bridge's: its line}
 *       OperationRegion (HPIO, SystemIO, 0x610, 12)
 *       Field (HPIO, DWordAcc, NoLock, Preserve) { HPCK, 32, HPWN, 32, HPEJ, 32 }
 *       Device (S01_) { _ADR 0x10000, _SUN 1, Method (_EJ0, 1) { HPEJ = 2 } } and so on
 *       Method (HPEV) {
 *         Local0 = HPCK
 *         If (Local0 & 2) { Notify (S01_, 1) } and so on: look what is there
 *         Local0 = HPWN
 *         If (Local0 & 2) { Notify (S01_, 3) } and so on: eject
 *       }
 *     }
 *   }
 *   Scope (\_GPE) { Method (_E00) { \_SB.PCI0.HPEV () } }
 *
 * Spec: ACPI 6.4, 5.6.4 "General-Purpose Event Handling", 5.6.6 "Device Object Notifications".
 */
#include "core/vmm/guest_dsdt.h"

#include "core/lib/compiler.h"
#include "core/vmm/aml.h"
#include "core/vmm/guest_layout.h"

#define NOTIFY_CHECK 1u
#define NOTIFY_EJECT 3u

/* "S01_": the slot's number in hexadecimal. */
struct slot_name {
    char text[5];
};

static struct slot_name slot_name(u8 slot)
{
    static const char digits[] = "0123456789ABCDEF";

    return (struct slot_name){{'S', digits[slot / 16], digits[slot % 16], '_', '\0'}};
}

static void slots(struct aml *aml, u32 hotplug_slots)
{
    for (u8 slot = 1; slot < GUEST_PCI_SLOTS; slot++) {
        if (!(hotplug_slots & BIT(slot)))
            continue;
        aml_slot_begin(aml, slot_name(slot).text, slot);
        aml_method_begin(aml, "_EJ0", 1);
        aml_write(aml, (u32)BIT(slot), "HPEJ");
        aml_end(aml);
        aml_end(aml);
    }
}

static void notify_slots(struct aml *aml, const char *reg, u8 what, u32 hotplug_slots)
{
    aml_read(aml, reg);
    for (u8 slot = 1; slot < GUEST_PCI_SLOTS; slot++) {
        if (!(hotplug_slots & BIT(slot)))
            continue;
        aml_if_any_begin(aml, (u32)BIT(slot));
        aml_notify(aml, slot_name(slot).text, what);
        aml_end(aml);
    }
}

static void hotplug(struct aml *aml, u32 hotplug_slots)
{
    static const char *const registers[] = {"HPCK", "HPWN", "HPEJ"};

    _Static_assert(GUEST_HOTPLUG_CHECK == 0 && GUEST_HOTPLUG_WANTED == 4 &&
                       GUEST_HOTPLUG_EJECT == 8,
                   "in that order");
    aml_io_region(aml, "HPIO", GUEST_HOTPLUG, GUEST_HOTPLUG_BYTES);
    aml_registers(aml, "HPIO", registers, ARRAY_SIZE(registers));
    slots(aml, hotplug_slots);
    aml_method_begin(aml, "HPEV", 0);
    notify_slots(aml, "HPCK", NOTIFY_CHECK, hotplug_slots);
    notify_slots(aml, "HPWN", NOTIFY_EJECT, hotplug_slots);
    aml_end(aml);
}

static void pci(struct aml *aml, const struct guest_acpi *board)
{
    aml_device_begin(aml, "MRES", AML_EISAID('P', 'N', 'P', 0x0c02), 0);
    aml_resources_begin(aml);
    aml_memory32(aml, (u32)GUEST_PCI_ECAM, (u32)GUEST_PCI_ECAM_BYTES);
    aml_io(aml, GUEST_HOTPLUG, GUEST_HOTPLUG_BYTES);
    aml_resources_end(aml);
    aml_end(aml);
    aml_device_begin(aml, "PCI0", AML_EISAID('P', 'N', 'P', 0x0a03), 0);
    aml_resources_begin(aml);
    aml_window(aml, AML_WINDOW_BUS, 0, 1);
    aml_window(aml, AML_WINDOW_IO, GUEST_PCI_IO, GUEST_PCI_IO_BYTES);
    aml_window(aml, AML_WINDOW_MEM32, GUEST_PCI_MEM32, GUEST_PCI_MEM32_BYTES);
    aml_window(aml, AML_WINDOW_MEM64, board->pci_mem64, GUEST_PCI_MEM64_BYTES);
    aml_resources_end(aml);
    aml_name_list_begin(aml, "_PRT", GUEST_PCI_SLOTS - 1);
    for (u8 slot = 1; slot < GUEST_PCI_SLOTS; slot++)
        aml_pci_route(aml, slot, (u8)GUEST_PCI_LINE(slot));
    aml_end(aml);
    hotplug(aml, board->hotplug_slots);
    aml_end(aml);
}

size_t guest_dsdt_build(u8 *buf, size_t size, const struct guest_acpi *board)
{
    static const u8 s5[] = {GUEST_SLP_TYP_S5, 0, 0, 0};
    static const char *const on_hotplug[] = {"_SB_", "PCI0", "HPEV"};
    struct aml aml;

    aml_init(&aml, buf, size);
    aml_name_package(&aml, "_S5_", s5, sizeof(s5));
    aml_scope_begin(&aml, "_SB_");
    aml_isa_device(&aml, "COM1", AML_EISAID('P', 'N', 'P', 0x0501), 1, GUEST_COM1_PORT, 8,
                   GUEST_COM1_LINE);
    aml_isa_device(&aml, "RTC_", AML_EISAID('P', 'N', 'P', 0x0b00), 0, GUEST_RTC_PORT, 2,
                   GUEST_RTC_LINE);
    pci(&aml, board);
    aml_end(&aml);
    aml_scope_begin(&aml, "_GPE");
    aml_method_begin(&aml, "_E00", 0);
    aml_call(&aml, on_hotplug, ARRAY_SIZE(on_hotplug));
    aml_end(&aml);
    aml_end(&aml);
    return aml_bytes(&aml);
}
