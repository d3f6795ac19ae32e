/* SPDX-License-Identifier: BSD-2-Clause */
/* The FADT: PM timer, keyboard controller. Spec: ACPI "Fixed ACPI Description Table (FADT)". */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define PM_TMR_BLK_OFFSET   76u
#define X_PM_TMR_BLK_OFFSET 208u
#define GAS_SPACE_IO        1u
#define BOOT_ARCH_OFFSET    109u /* from revision 2 on */
#define BOOT_ARCH_8042      0x2u

u16 acpi_pm_timer_port(const struct acpi *acpi)
{
    const struct acpi_header *fadt = acpi_find(acpi, "FACP");
    const u8 *table = (const u8 *)fadt;
    u64 address = 0;
    u32 port = 0;

    if (fadt == NULL || fadt->length < PM_TMR_BLK_OFFSET + 4)
        return 0;
    memcpy(&port, table + PM_TMR_BLK_OFFSET, sizeof port);
    if (fadt->length >= X_PM_TMR_BLK_OFFSET + 12 && table[X_PM_TMR_BLK_OFFSET] == GAS_SPACE_IO) {
        memcpy(&address, table + X_PM_TMR_BLK_OFFSET + 4, sizeof address);
        if (address != 0)
            port = (u32)address;
    }
    return port <= 0xffff ? (u16)port : 0;
}

/* Spec: ACPI "IA-PC Boot Architecture Flags". Tables of ACPI 1.0 do not have them, and machines of
 * that time have the controller. */
bool acpi_has_i8042(const struct acpi *acpi)
{
    const struct acpi_header *fadt = acpi_find(acpi, "FACP");

    return fadt == NULL || fadt->revision < 2 || fadt->length < BOOT_ARCH_OFFSET + 2 ||
           (((const u8 *)fadt)[BOOT_ARCH_OFFSET] & BOOT_ARCH_8042) != 0;
}
