/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into QEMU where it emulates AMD-V on several CPUs: repairs a race between them.
 *
 * Whenever any CPU loads x87 state without a pending exception (FXRSTOR, XRSTOR, FLDENV), QEMU
 * clears the IGNNE# input of the first one, by a read-modify-write of that CPU's hflags2 from the
 * other CPU's thread, without a lock. The word also holds whether nested paging is on: a VMRUN or
 * #VMEXIT of the first CPU in that instant is undone. Then the host runs on with the guest's page
 * tables behind its own, and the guest's saved state is overwritten with the host's; or the guest
 * runs on physical addresses of the host. Seen in 7.2, and in the source of 10. A micro-guest finds
 * it within a second: tests/guests/fpu-smp.c.
 *
 * The function returns at once instead. IGNNE# matters only to software that has x87 exceptions
 * reported by interrupt 13 (CR0.NE = 0).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096ul
#define RET        0xc3

static void warn(const char *why)
{
    fprintf(stderr, "repair: cpu_clear_ignne %s: guests on several emulated CPUs may crash.\n",
            why);
}

__attribute__((constructor)) static void repair_all(void)
{
    unsigned char *function = dlsym(RTLD_DEFAULT, "cpu_clear_ignne");
    void *page = (void *)((uintptr_t)function & ~(PAGE_BYTES - 1));

    if (function == NULL) {
        warn("is not exported by this build of QEMU");
        return;
    }
    if (mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        warn("cannot be written to");
        return;
    }
    *function = RET;
    (void)mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC);
}
