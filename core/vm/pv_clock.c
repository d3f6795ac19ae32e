/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes kvmclock's structures into guest memory. */
#include "core/vm/pv_clock.h"

#include "core/lib/errno.h"
#include "core/vm/pv_publish.h"
#include "core/vm/vm.h"
#include "core/x86/tsc.h"

#define MUL_BITS 32u

struct pv_scale pv_clock_scale(u64 hz)
{
    struct pv_scale scale = {0};
    u64 ns = NS_PER_S, ticks = hz;

    /* ns / ticks into [1/2, 1), where the multiplier has all its bits. */
    for (; ns >= ticks; ticks <<= 1)
        scale.shift++;
    for (; ns << 1 < ticks; ns <<= 1)
        scale.shift--;
    /* The fraction's first bits, by long division: 128-bit division would need a library. */
    for (unsigned i = 0; i < MUL_BITS; i++) {
        ns <<= 1;
        scale.mul <<= 1;
        if (ns >= ticks) {
            ns -= ticks;
            scale.mul |= 1;
        }
    }
    return scale;
}

int pv_clock_set_wall(struct vcpu *vcpu, u64 value)
{
    const struct vm *vm = vcpu->vm;
    struct pv_wall_clock clock = {.sec = (u32)(vm->boot_unix_ns / NS_PER_S),
                                  .nsec = (u32)(vm->boot_unix_ns % NS_PER_S)};
    u64 body = value + offsetof(struct pv_wall_clock, sec);
    u32 version = 0; /* the content never changes: it need not count on */

    if (value != 0 && pv_publish(&vm->gmem, gpa(value), &version, gpa(body), &clock.sec,
                                 sizeof clock - offsetof(struct pv_wall_clock, sec)) != 0)
        return -EINVAL;
    vcpu->pv.wall_clock = value;
    return 0;
}

/* Return: 0, -EINVAL (the address is wrong). */
static int write_line(struct vcpu *vcpu, u64 at, u8 flags)
{
    struct pv_scale scale = pv_clock_scale(tsc_hz());
    struct pv_system_time line = {
        .tsc_timestamp = vcpu->vm->boot_tsc + vcpu->tsc_offset,
        .system_time = 0,
        .tsc_to_system_mul = scale.mul,
        .tsc_shift = scale.shift,
        .flags = flags,
    };

    /* At power-on all vCPUs' TSCs are zero. One that the guest has moved needs its own line. */
    if (line.tsc_timestamp == 0)
        line.flags |= (u8)PV_CLOCK_STABLE;
    return pv_publish(&vcpu->vm->gmem, gpa(at), &vcpu->pv.clock_version,
                      gpa(at + offsetof(struct pv_system_time, tsc_timestamp)), &line.tsc_timestamp,
                      sizeof line - offsetof(struct pv_system_time, tsc_timestamp)) == 0
               ? 0
               : -EINVAL;
}

int pv_clock_set_system(struct vcpu *vcpu, u64 value)
{
    bool is_on = (value & MSR_PV_ENABLE) != 0;

    if (is_on && write_line(vcpu, value & ~MSR_PV_ENABLE, 0) != 0)
        return -EINVAL;
    vcpu->pv.system_time = value;
    return 0;
}

/* Guest memory does not go away, so what could be written once can be written again. */
static void rewrite_line(struct vcpu *vcpu, u8 flags)
{
    u64 value = vcpu->pv.system_time;

    if ((value & MSR_PV_ENABLE) != 0 && write_line(vcpu, value & ~MSR_PV_ENABLE, flags) != 0)
        vcpu->pv.system_time = 0;
}

void pv_clock_tsc_moved(struct vcpu *vcpu)
{
    rewrite_line(vcpu, 0);
}

void pv_clock_resumed(struct vcpu *vcpu)
{
    rewrite_line(vcpu, (u8)PV_CLOCK_STOPPED);
}
