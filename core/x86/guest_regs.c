/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves a guest's floating-point and debug registers between memory and CPU. */
#include "core/x86/guest_regs.h"

#include "core/lib/assert.h"
#include "core/x86/cr.h"
#include "core/x86/fpu.h"
#include "core/x86/insn.h"

void guest_regs_reset(struct guest_regs *regs, bool is_power_on)
{
    assert(!regs->is_loaded);
    for (unsigned i = 0; i < ARRAY_SIZE(regs->dr); i++)
        regs->dr[i] = 0;
    if (!is_power_on)
        return;
    regs->xcr0 = XCR0_X87;
    fpu_area_init(regs->fpu);
}

void guest_regs_load(struct guest_regs *regs)
{
    assert(!regs->is_loaded);
    fpu_restore(regs->fpu);
    if (fpu_xcr0_supported() != 0)
        xsetbv(0, regs->xcr0);
    write_dr0(regs->dr[0]);
    write_dr1(regs->dr[1]);
    write_dr2(regs->dr[2]);
    write_dr3(regs->dr[3]);
    regs->is_loaded = true;
}

/* XCR0 is read back, for QEMU 7.2 lets the guest write it although XSETBV is intercepted. */
void guest_regs_put(struct guest_regs *regs)
{
    assert(regs->is_loaded);
    if (fpu_xcr0_supported() != 0)
        regs->xcr0 = xgetbv(0);
    fpu_save(regs->fpu);
    regs->dr[0] = read_dr0();
    regs->dr[1] = read_dr1();
    regs->dr[2] = read_dr2();
    regs->dr[3] = read_dr3();
    regs->is_loaded = false;
}

u64 guest_regs_xcr0(const struct guest_regs *regs)
{
    return regs->is_loaded && fpu_xcr0_supported() != 0 ? xgetbv(0) : regs->xcr0;
}

void guest_regs_set_xcr0(struct guest_regs *regs, u64 value)
{
    regs->xcr0 = value;
    if (regs->is_loaded && fpu_xcr0_supported() != 0)
        xsetbv(0, value);
}
