/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls into UEFI runtime services. Spec: UEFI "Services — Runtime Services". */
#include "core/kern/firmware.h"

#include "core/lib/date.h"
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "mm/hpt.h"

#define EFI_RESET_COLD     0u
#define EFI_RESET_SHUTDOWN 2u
#define KBC_COMMAND        0x64
#define KBC_PULSE_RESET    0xfe

typedef u64(__attribute__((ms_abi)) * efi_call4)(u64 a, u64 b, u64 c, u64 d);

/* Spec: UEFI "GetTime()", EFI_TIME. */
struct efi_time {
    u16 year;
    u8 month, day, hour, minute, second, pad1;
    u32 nanosecond;
    s16 time_zone;
    u8 daylight, pad2;
};

#define EFI_UNSPECIFIED_TIMEZONE 0x7ff

static struct boot_runtime services;
static u64 firmware_cr3;

int firmware_init(const struct boot_info *info)
{
    hpa_t root;
    int rc;

    if (info->runtime.reset_system == 0)
        return -ENODEV;
    rc = hpt_build_firmware_root(info, &root);
    if (rc != 0)
        return rc;
    services = info->runtime;
    firmware_cr3 = root.v;
    return 0;
}

static u64 call4(u64 function, u64 a, u64 b, u64 c, u64 d)
{
    u64 flags = irq_save(), cr3 = read_cr3(), status;

    write_cr3(firmware_cr3);
    status = ((efi_call4)function)(a, b, c, d);
    write_cr3(cr3);
    irq_restore(flags);
    return status;
}

static noreturn void reset_system(u64 kind)
{
    static const struct descriptor_pointer no_idt = {0, 0};

    if (firmware_cr3 != 0)
        (void)call4(services.reset_system, kind, 0, 0, 0);
    log_error("firmware", "the firmware did not reset the machine; trying the keyboard controller");
    outb(KBC_COMMAND, KBC_PULSE_RESET);
    lidt(&no_idt);
    __asm__ volatile("ud2"); /* no handler: triple fault */
    for (;;)
        cpu_hlt();
}

void firmware_reset(void)
{
    reset_system(EFI_RESET_COLD);
}

void firmware_poweroff(void)
{
    reset_system(EFI_RESET_SHUTDOWN);
}

int firmware_time(u64 *unix_s)
{
    struct efi_time t = {0};
    struct date date;
    u64 s;

    if (firmware_cr3 == 0 || services.get_time == 0)
        return -ENODEV;
    if (call4(services.get_time, (u64)&t, 0, 0, 0) != 0)
        return -EIO;
    if (t.year < 1970 || t.year > 9999 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 ||
        t.hour > 23 || t.minute > 59 || t.second > 59)
        return -EIO;
    date = (struct date){.year = t.year, .month = t.month, .day = t.day};
    s = date_to_days(date) * 86400 + t.hour * 3600u + t.minute * 60u + t.second;
    if (t.time_zone != EFI_UNSPECIFIED_TIMEZONE)
        s -= (u64)((s64)t.time_zone *
                   60); /* minutes east or west of UTC, as the firmware counts them */
    *unix_s = s;
    return 0;
}
