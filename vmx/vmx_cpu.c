/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VT-x per physical CPU: detection, IA32_FEATURE_CONTROL, VMXON, and VPIDs, which tag TLB entries
 * (core/x86/tlb_tag.h).
 *
 * A new VPID has no linear or combined translations, but translations from guest-physical addresses
 * are tagged by the EPT pointer alone: they need INVEPT when second-level tables change, and when a
 * pCPU meets an EPT pointer that an earlier VM may have used for tables of its own.
 *
 * Spec: SDM 3C "Enabling and Entering VMX Operation", "Caching Translation Information".
 */
#include "core/lib/errno.h"
#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"
#include "core/x86/percpu.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "vmx/ept.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_msr.h"
#include "vmx/vmx_state.h"

#define LEAF_FEATURES 1u
#define LEAF_EXTENDED 7u

#define EXTENDED_EDX_ARCH_CAPABILITIES BIT(29)
#define FEATURE_CONTROL_ON             (BIT(0) | BIT(2)) /* locked, VMXON outside SMX */
#define FEATURE_CONTROL_LOCKED         BIT(0)
#define FEATURE_CONTROL_VMXON          BIT(2)
#define PROC_MAY_HAVE_SECONDARY        BIT(63)
#define SECONDARY_MAY_HAVE_EPT         (PROC2_EPT << 32)
#define VPIDS                          0x10000u

struct vmx_caps vmx_caps;

static void read_controls(struct vmx_msrs *msrs)
{
    msrs->basic = rdmsr(MSR_VMX_BASIC);
    if ((msrs->basic & BIT(55)) == 0)
        return;
    msrs->pin = rdmsr(MSR_VMX_TRUE_PINBASED_CTLS);
    msrs->proc = rdmsr(MSR_VMX_TRUE_PROCBASED_CTLS);
    msrs->exit = rdmsr(MSR_VMX_TRUE_EXIT_CTLS);
    msrs->entry = rdmsr(MSR_VMX_TRUE_ENTRY_CTLS);
    msrs->misc = rdmsr(MSR_VMX_MISC);
    msrs->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
    msrs->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
    msrs->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
    msrs->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
    if ((msrs->proc & PROC_MAY_HAVE_SECONDARY) != 0)
        msrs->proc2 = rdmsr(MSR_VMX_PROCBASED_CTLS2);
    if ((msrs->proc2 & SECONDARY_MAY_HAVE_EPT) != 0)
        msrs->ept_vpid = rdmsr(MSR_VMX_EPT_VPID_CAP);
}

static void read_msrs(struct vmx_msrs *msrs)
{
    struct cpuid_regs r;

    *msrs = (struct vmx_msrs){0};
    cpuid_count(LEAF_FEATURES, 0, &r);
    msrs->features_ecx = r.ecx;
    if (!vmx_caps_has_vmx(msrs))
        return;
    msrs->feature_control = rdmsr(MSR_FEATURE_CONTROL);
    read_controls(msrs);
    cpuid_count(0, 0, &r);
    if (r.eax < LEAF_EXTENDED)
        return;
    cpuid_count(LEAF_EXTENDED, 0, &r);
    msrs->extended_edx = r.edx;
    if ((r.edx & EXTENDED_EDX_ARCH_CAPABILITIES) != 0)
        msrs->arch_capabilities = rdmsr(MSR_ARCH_CAPABILITIES);
}

int vmx_probe(struct hvm_caps *caps, const char **why)
{
    struct vmx_msrs msrs;
    int rc;

    read_msrs(&msrs);
    rc = vmx_caps_parse(&msrs, &vmx_caps, why);
    if (rc != 0)
        return rc;
    if (vmx_caps.has_2m_pages)
        ept_allow(PAGE_2M);
    if (vmx_caps.has_1g_pages)
        ept_allow(PAGE_1G);
    *caps = (struct hvm_caps){
        .has_next_rip = true,
        .has_vnmi = true,
        .has_virtual_apic = vmx_caps.has_virtual_apic,
        .has_posted_irqs = vmx_caps.has_posted_irqs,
        .tlb_tags = VPIDS,
        .slat_page_sizes = ept_format.page_sizes,
    };
    log_info("vmx", "VT-x: EPT, VPID, unrestricted guest; A/D bits %s, PAUSE-loop exits %s",
             vmx_caps.has_access_dirty ? "yes" : "no", vmx_caps.has_pause_loop ? "yes" : "no");
    log_info("vmx", "virtual APIC %s, posted interrupts %s",
             vmx_caps.has_virtual_apic ? "yes" : "no: software serves it",
             vmx_caps.has_posted_irqs ? "yes" : "no: an interrupt ends the guest's run");
    log_info("vmx", "before each entry: L1 data cache flush %s, buffer clearing %s",
             vmx_caps.needs_l1d_flush ? "on" : "not needed",
             vmx_caps.needs_buffer_clear ? "on" : "not needed");
    return 0;
}

struct vmx_pcpu *vmx_this_pcpu(void)
{
    return this_pcpu()->hvm_page;
}

/* Firmware that leaves the register open leaves the choice to us; the lock makes it final. */
static bool feature_control_allows(void)
{
    u64 control = rdmsr(MSR_FEATURE_CONTROL);

    if ((control & FEATURE_CONTROL_LOCKED) == 0) {
        wrmsr(MSR_FEATURE_CONTROL, control | FEATURE_CONTROL_ON);
        return true;
    }
    return (control & FEATURE_CONTROL_VMXON) != 0;
}

int vmx_cpu_enable(void)
{
    struct vmx_pcpu *pcpu;
    hpa_t block;
    int rc;

    if (!feature_control_allows())
        return -EPERM;
    rc = pmm_alloc(pmm_order_for(sizeof(struct vmx_pcpu)), PMM_HYPERVISOR, true, &block);
    if (rc != 0)
        return rc;
    pcpu = hpa_to_ptr(block);
    pcpu->vmxon.revision = vmx_caps.revision;
    tlb_tags_init(&pcpu->vpids, VPIDS);
    write_cr0((read_cr0() | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
    write_cr4((read_cr4() | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
    if (!vmxon(block)) {
        pmm_free(block, pmm_order_for(sizeof(struct vmx_pcpu)), PMM_HYPERVISOR, false);
        return -EPERM;
    }
    this_pcpu()->hvm_page = pcpu;
    invept(INVEPT_ALL_CONTEXTS, 0);
    invvpid_all();
    return 0;
}

void vmx_cpu_disable(void)
{
    struct vmx_pcpu *pcpu = vmx_this_pcpu();

    if (pcpu == NULL)
        return;
    vmxoff();
    write_cr4(read_cr4() & ~CR4_VMXE);
    this_pcpu()->hvm_page = NULL;
    pmm_free(ptr_to_hpa(pcpu), pmm_order_for(sizeof *pcpu), PMM_HYPERVISOR, true);
}

void vmx_tags_assign(struct vcpu *vcpu, struct vmx_pcpu *pcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;
    u32 me = this_pcpu()->id, old = hw->vpid.value;

    if (tlb_tag_assign(&hw->vpid, &pcpu->vpids, me))
        invvpid_all();
    if (unlikely(hw->vpid.value != old))
        vmwrite(VPID, hw->vpid.value);
    if (unlikely(hw->ept_flushed_on != me + 1)) {
        invept(INVEPT_SINGLE_CONTEXT, hw->ept_pointer);
        hw->ept_flushed_on = me + 1;
    }
}
