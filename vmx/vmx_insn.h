/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One inline function per VMX instruction; VMLAUNCH and VMRESUME live in vmx_entry.S.
 *
 * Spec: SDM 3C "VMX Instruction Reference": CF tells of VMfailInvalid, ZF of VMfailValid.
 */
#ifndef SOCLE_VMX_VMX_INSN_H
#define SOCLE_VMX_VMX_INSN_H

#include "core/lib/assert.h"
#include "core/lib/types.h"
#include "vmx/vmcs.h"

/* Return: true if the instruction succeeded. */
static inline bool vmxon(hpa_t region)
{
    bool failed;

    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region.v) : "memory");
    return !failed;
}

static inline void vmxoff(void)
{
    __asm__ volatile("vmxoff" ::: "cc", "memory");
}

/* Writes the VMCS back to memory and leaves it in the state "clear". */
static inline void vmclear(hpa_t vmcs)
{
    bool failed;

    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(vmcs.v) : "memory");
    assert(!failed);
}

/* Makes the VMCS current on this pCPU. */
static inline void vmptrld(hpa_t vmcs)
{
    bool failed;

    __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(vmcs.v) : "memory");
    assert(!failed);
}

/* A field of the current VMCS. No field we name is missing: vmx_caps has seen to that. */
static inline u64 vmread(u32 field)
{
    u64 value;
    bool failed;

    __asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "=rm"(value) : "r"((u64)field));
    assert(!failed);
    return value;
}

static inline void vmwrite(u32 field, u64 value)
{
    bool failed;

    __asm__ volatile("vmwrite %1, %2" : "=@ccbe"(failed) : "rm"(value), "r"((u64)field) : "memory");
    assert(!failed);
}

/* Scope of INVEPT and INVVPID. */
#define INVEPT_SINGLE_CONTEXT 1u
#define INVEPT_ALL_CONTEXTS   2u
#define INVVPID_ALL_CONTEXTS  2u

static inline void invept(u64 scope, u64 ept_pointer)
{
    const u64 descriptor[2] = {ept_pointer, 0};
    bool failed;

    __asm__ volatile("invept %1, %2" : "=@ccbe"(failed) : "m"(descriptor), "r"(scope) : "memory");
    assert(!failed);
}

static inline void invvpid_all(void)
{
    const u64 descriptor[2] = {0, 0};
    bool failed;

    __asm__ volatile("invvpid %1, %2"
                     : "=@ccbe"(failed)
                     : "m"(descriptor), "r"((u64)INVVPID_ALL_CONTEXTS)
                     : "memory");
    assert(!failed);
}

/* Runs the host's NMI handler for an NMI that ended a guest's run; its IRET unblocks NMIs. */
static inline void vmx_raise_nmi(void)
{
    __asm__ volatile("int $2" ::: "memory");
}

/* Raises the host's machine-check handler for a machine check that came while a guest ran. */
static inline void vmx_raise_machine_check(void)
{
    __asm__ volatile("int $18" ::: "memory");
}

/* Overwrites the CPU's internal buffers, on CPUs that say so. Spec: SDM "MD_CLEAR". */
static inline void vmx_clear_buffers(void)
{
    static const u16 selector = 0x10; /* any valid data segment: SELECTOR_DATA */

    __asm__ volatile("verw %0" ::"m"(selector) : "cc");
}

#endif
