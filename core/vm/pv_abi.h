/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's paravirtual interface, as far as it is offered: numbers, and structures in guest memory.
 *
 * It is the one that unmodified kernels know. Spec: Linux Documentation/virt/kvm/x86, cpuid.rst,
 * msr.rst, hypercalls.rst.
 */
#ifndef SOCLE_VM_PV_ABI_H
#define SOCLE_VM_PV_ABI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* CPUID leaf 40000001h, EAX. */
#define PV_FEATURE_NOP_IO_DELAY BIT(1)
#define PV_FEATURE_CLOCKSOURCE2 BIT(3)
#define PV_FEATURE_STEAL_TIME   BIT(5)
#define PV_FEATURE_UNHALT       BIT(7)
#define PV_FEATURE_TLB_FLUSH    BIT(9)
#define PV_FEATURE_SEND_IPI     BIT(11)
#define PV_FEATURE_CLOCK_STABLE BIT(24)

#define MSR_PV_WALL_CLOCK  0x4b564d00u
#define MSR_PV_SYSTEM_TIME 0x4b564d01u
#define MSR_PV_STEAL_TIME  0x4b564d03u
#define MSR_PV_ENABLE      BIT(0) /* of the last two; the rest is the structure's address */

/* Time at the VM's power-on. Version protocol, for all three: odd while it is being written. */
struct pv_wall_clock {
    u32 version;
    u32 sec; /* Unix time */
    u32 nsec;
};

/* now = system_time + (((TSC - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32); a negative
 * shift goes right. */
struct pv_system_time {
    u32 version;
    u32 pad0;
    u64 tsc_timestamp;
    u64 system_time; /* ns since power-on */
    u32 tsc_to_system_mul;
    s8 tsc_shift;
    u8 flags;
    u8 pad1[2];
};

#define PV_CLOCK_STABLE  BIT(0) /* the same on all vCPUs */
#define PV_CLOCK_STOPPED BIT(1) /* the VM has been paused; the guest clears it */

struct pv_steal_time {
    u64 steal; /* ns */
    u32 version;
    u32 flags;
    u8 preempted; /* written by both sides, atomically */
    u8 pad0[3];
    u32 pad1[11];
};

#define PV_PREEMPTED BIT(0) /* not running */
#define PV_FLUSH_TLB BIT(1) /* set by other vCPUs: to be done before it runs */

#define PV_CLOCK_ALIGN 4u
#define PV_STEAL_ALIGN 64u

_Static_assert(sizeof(struct pv_wall_clock) == 12, "as KVM has it");
_Static_assert(sizeof(struct pv_system_time) == 32, "as KVM has it");
_Static_assert(offsetof(struct pv_system_time, tsc_timestamp) == 8, "as KVM has it");
_Static_assert(offsetof(struct pv_system_time, system_time) == 16, "as KVM has it");
_Static_assert(offsetof(struct pv_system_time, tsc_to_system_mul) == 24, "as KVM has it");
_Static_assert(offsetof(struct pv_system_time, tsc_shift) == 28, "as KVM has it");
_Static_assert(offsetof(struct pv_system_time, flags) == 29, "as KVM has it");
_Static_assert(sizeof(struct pv_steal_time) == 64, "as KVM has it");
_Static_assert(offsetof(struct pv_steal_time, version) == 8, "as KVM has it");
_Static_assert(offsetof(struct pv_steal_time, preempted) == 16, "as KVM has it");

/* Number in RAX, arguments in RBX, RCX, RDX, RSI, result in RAX. */
#define PV_HC_KICK 5u /* RCX: APIC ID */
#define PV_HC_SEND_IPI \
    10u /* RBX, RCX: bitmap; RDX: APIC ID of its bit 0; RSI: as the ICR's low half */

#define PV_EPERM  1
#define PV_EINVAL 22
#define PV_ENOSYS 1000

#endif
