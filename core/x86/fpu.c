/* SPDX-License-Identifier: BSD-2-Clause */
/* XSAVE areas, or FXSAVE areas on CPUs without XSAVE. */
#include "core/x86/fpu.h"

#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/insn.h"

#define LEAF_XSAVE      0xdu
#define FXSAVE_BYTES    512u
#define FXSAVE_FCW      0u
#define FXSAVE_MXCSR    24u
#define FCW_RESET       0x037fu
#define MXCSR_RESET     0x1f80u
#define XSAVE_XSTATE_BV 512u
/* Components with plain save areas whose meaning the hypervisor knows. */
#define XCR0_KNOWN \
    (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM | XCR0_PKRU)

static u64 supported;
static u32 area_bytes = FXSAVE_BYTES;

void fpu_cpu_init(void)
{
    struct cpuid_regs r;

    if (!cpu_features.has_xsave)
        return;
    cpuid_count(LEAF_XSAVE, 0, &r);
    supported = (((u64)r.edx << 32) | r.eax) & XCR0_KNOWN;
    xsetbv(0, supported);
    cpuid_count(LEAF_XSAVE, 0, &r); /* EBX: bytes for what XCR0 enables now */
    area_bytes = r.ebx;
}

u32 fpu_area_bytes(void)
{
    return area_bytes;
}

u64 fpu_xcr0_supported(void)
{
    return supported;
}

void fpu_area_init(void *area)
{
    u8 *p = area;
    u16 fcw = FCW_RESET;
    u32 mxcsr = MXCSR_RESET;

    memset(p, 0, area_bytes);
    memcpy(p + FXSAVE_FCW, &fcw, sizeof fcw);
    memcpy(p + FXSAVE_MXCSR, &mxcsr, sizeof mxcsr);
    if (supported != 0) {
        u64 present = XCR0_X87 | XCR0_SSE;

        memcpy(p + XSAVE_XSTATE_BV, &present, sizeof present);
    }
}

void fpu_save(void *area)
{
    if (supported == 0) {
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
        return;
    }
    xsetbv(0, supported);
    __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)supported), "d"((u32)(supported >> 32))
                     : "memory");
}

void fpu_restore(const void *area)
{
    if (supported == 0) {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
        return;
    }
    xsetbv(0, supported);
    __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)supported), "d"((u32)(supported >> 32))
                     : "memory");
}
