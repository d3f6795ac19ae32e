/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building VMCBs: which intercepts are on and why.
 *
 * Spec: APM 2 "VMRUN Instruction", "Intercepts".
 */
#include "core/x86/cr.h"
#include "svm/svm_state.h"

struct intercept {
    u8 word; /* enum vmcb_intercept_word */
    u8 bit;
    const char *name;
    const char *why;
};

/* Always on. INTERCEPT_VINTR and INTERCEPT_IRET come and go with windows, INTERCEPT_PAUSE with the
 * CPU. */
static const struct intercept intercepts[] = {
    {INTERCEPT_EXCEPTIONS, VECTOR_DB, "#DB", "a guest can make #DB delivery fault for ever"},
    {INTERCEPT_EXCEPTIONS, VECTOR_AC, "#AC", "a guest can make #AC delivery fault for ever"},
    {INTERCEPT_EXCEPTIONS, VECTOR_MC, "#MC", "machine checks belong to the host"},
    {INTERCEPT_MISC1, INTERCEPT_INTR, "INTR", "physical interrupts belong to the host"},
    {INTERCEPT_MISC1, INTERCEPT_NMI, "NMI", "physical NMIs belong to the host"},
    {INTERCEPT_MISC1, INTERCEPT_SMI, "SMI", "firmware must not run inside the guest's world"},
    {INTERCEPT_MISC1, INTERCEPT_INIT, "INIT", "a physical INIT must not reset the guest"},
    {INTERCEPT_MISC1, INTERCEPT_RDPMC, "RDPMC", "there is no virtual performance counter"},
    {INTERCEPT_MISC1, INTERCEPT_CPUID, "CPUID", "features are filtered"},
    {INTERCEPT_MISC1, INTERCEPT_RSM, "RSM", "#UD outside SMM, which guests never enter"},
    {INTERCEPT_MISC1, INTERCEPT_INVD, "INVD", "it would discard the host's cache lines"},
    {INTERCEPT_MISC1, INTERCEPT_HLT, "HLT", "an idle guest gives its pCPU away"},
    {INTERCEPT_MISC1, INTERCEPT_INVLPGA, "INVLPGA", "it would act on other guests' ASIDs"},
    {INTERCEPT_MISC1, INTERCEPT_IOIO_PROT, "IOIO", "ports are emulated; see core/x86/io_map.h"},
    {INTERCEPT_MISC1, INTERCEPT_MSR_PROT, "MSR", "MSRs are filtered; see svm_bitmap.h"},
    {INTERCEPT_MISC1, INTERCEPT_FERR_FREEZE, "FERR_FREEZE",
     "legacy x87 errors must not stop a pCPU"},
    {INTERCEPT_MISC1, INTERCEPT_SHUTDOWN, "SHUTDOWN", "a triple fault would reset the host"},
    {INTERCEPT_MISC2, INTERCEPT_VMRUN, "VMRUN", "required by the CPU; no nested guests"},
    {INTERCEPT_MISC2, INTERCEPT_VMMCALL, "VMMCALL", "hypercalls"},
    {INTERCEPT_MISC2, INTERCEPT_VMLOAD, "VMLOAD", "it reads host-physical memory"},
    {INTERCEPT_MISC2, INTERCEPT_VMSAVE, "VMSAVE", "it writes host-physical memory"},
    {INTERCEPT_MISC2, INTERCEPT_STGI, "STGI", "the guest sees no SVM"},
    {INTERCEPT_MISC2, INTERCEPT_CLGI, "CLGI", "it would hold host interrupts back"},
    {INTERCEPT_MISC2, INTERCEPT_SKINIT, "SKINIT", "it would restart the host"},
    {INTERCEPT_MISC2, INTERCEPT_WBINVD, "WBINVD", "a guest could flush caches without end"},
    {INTERCEPT_MISC2, INTERCEPT_MONITOR, "MONITOR", "not offered to guests"},
    {INTERCEPT_MISC2, INTERCEPT_MWAIT, "MWAIT", "it would idle the pCPU behind our back"},
    {INTERCEPT_MISC2, INTERCEPT_XSETBV, "XSETBV", "XCR0 is limited to what we save"},
    {INTERCEPT_MISC2, INTERCEPT_RDPRU, "RDPRU", "it reads the host's counters"},
};

/* PAUSEs in a row, at most so many cycles apart, that mean a spin loop. */
#define PAUSE_FILTER_COUNT     3000u
#define PAUSE_FILTER_THRESHOLD 128u

void vmcb_intercept(struct vmcb *vmcb, enum vmcb_intercept_word word, unsigned bit, bool wanted)
{
    u32 mask = (u32)1 << bit;

    if (wanted)
        vmcb->control.intercept[word] |= mask;
    else
        vmcb->control.intercept[word] &= ~mask;
}

void vmcb_build_control(struct vmcb *vmcb, const struct vm *vm)
{
    struct vmcb_control *control = &vmcb->control;

    for (unsigned i = 0; i < ARRAY_SIZE(intercepts); i++)
        vmcb_intercept(vmcb, intercepts[i].word, intercepts[i].bit, true);
    if (svm_caps.has_pause_filter) {
        vmcb_intercept(vmcb, INTERCEPT_MISC1, INTERCEPT_PAUSE, true);
        control->pause_filter_count = PAUSE_FILTER_COUNT;
        control->pause_filter_threshold = PAUSE_FILTER_THRESHOLD;
    }
    control->iopm_base_pa = vm->hw->iopm_pa.v;
    control->msrpm_base_pa = vm->hw->msrpm_pa.v;
    control->vintr = V_INTR_MASKING;
    control->np_enable = NP_ENABLE;
    control->n_cr3 = vm->slat.root.v;
}
