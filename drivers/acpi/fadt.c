/* SPDX-License-Identifier: BSD-2-Clause */
/* The FADT's PM timer. Spec: ACPI "Fixed ACPI Description Table (FADT)". */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define PM_TMR_BLK_OFFSET   76u
#define X_PM_TMR_BLK_OFFSET 208u
#define GAS_SPACE_IO        1u

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
