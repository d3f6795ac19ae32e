/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD-V per physical CPU: detection, EFER.SVME, the host save area, and ASIDs, which tag TLB
 * entries (core/x86/tlb_tag.h): no flush-by-ASID is needed.
 *
 * Spec: APM 2 "Enabling SVM", "TLB Control".
 */
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"
#include "core/x86/percpu.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "svm/npt.h"
#include "svm/svm_insn.h"
#include "svm/svm_state.h"

#define LEAF_EXTENDED     0x80000000u
#define LEAF_FEATURES     0x80000001u
#define LEAF_ADDRESS_SIZE 0x80000008u
#define LEAF_SVM          0x8000000au

struct svm_caps svm_caps;

_Static_assert(offsetof(struct svm_pcpu, host) % PAGE_SIZE == 0, "the host's VMCB is a page");

static void read_cpuid(struct svm_cpuid *id)
{
    struct cpuid_regs r;

    *id = (struct svm_cpuid){0};
    cpuid_count(LEAF_EXTENDED, 0, &r);
    id->max_extended = r.eax;
    if (id->max_extended >= LEAF_FEATURES) {
        cpuid_count(LEAF_FEATURES, 0, &r);
        id->features_ecx = r.ecx;
        id->features_edx = r.edx;
    }
    if (id->max_extended >= LEAF_ADDRESS_SIZE) {
        cpuid_count(LEAF_ADDRESS_SIZE, 0, &r);
        id->address_size_eax = r.eax;
    }
    if (!svm_caps_has_svm(id))
        return;
    cpuid_count(LEAF_SVM, 0, &r);
    id->svm_ebx = r.ebx;
    id->svm_edx = r.edx;
    id->vm_cr = rdmsr(MSR_VM_CR);
}

int svm_probe(struct hvm_caps *caps, const char **why)
{
    struct svm_cpuid id;
    int rc;

    read_cpuid(&id);
    rc = svm_caps_parse(&id, &svm_caps, why);
    if (rc != 0)
        return rc;
    if (svm_caps.has_1g_pages)
        npt_allow_1g();
    *caps = (struct hvm_caps){
        .has_next_rip = svm_caps.has_nrip,
        .has_decode_assist = svm_caps.has_decode_assist,
        .has_vnmi = svm_caps.has_vnmi,
        .tlb_tags = svm_caps.asid_count,
        .slat_page_sizes = npt_format.page_sizes,
    };
    log_info("svm", "AMD-V: %u ASIDs, next RIP %s, decode assists %s", svm_caps.asid_count,
             svm_caps.has_nrip ? "yes" : "no", svm_caps.has_decode_assist ? "yes" : "no");
    return 0;
}

struct svm_pcpu *svm_this_pcpu(void)
{
    return this_pcpu()->hvm_page;
}

int svm_cpu_enable(void)
{
    unsigned order = pmm_order_for(sizeof(struct svm_pcpu));
    struct svm_pcpu *pcpu;
    hpa_t block;
    int rc;

    if ((rdmsr(MSR_VM_CR) & VM_CR_SVMDIS) != 0)
        return -EPERM;
    rc = pmm_alloc(order, PMM_HYPERVISOR, true, &block);
    if (rc != 0)
        return rc;
    pcpu = hpa_to_ptr(block);
    pcpu->host_pa = ptr_to_hpa(&pcpu->host);
    tlb_tags_init(&pcpu->asids, svm_caps.asid_count);
    this_pcpu()->hvm_page = pcpu;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, block.v);
    svm_vmsave(pcpu->host_pa);
    return 0;
}

void svm_cpu_disable(void)
{
    struct svm_pcpu *pcpu = svm_this_pcpu();

    if (pcpu == NULL)
        return;
    svm_stgi(); /* clearing SVME with GIF 0 would leave the CPU without interrupts for good */
    wrmsr(MSR_VM_HSAVE_PA, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
    this_pcpu()->hvm_page = NULL;
    pmm_free(ptr_to_hpa(pcpu), pmm_order_for(sizeof *pcpu), PMM_HYPERVISOR, true);
}

void svm_asid_assign(struct vcpu *vcpu, struct svm_pcpu *pcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;
    struct vmcb_control *control = &hw->vmcb->control;
    bool must_flush = tlb_tag_assign(&hw->asid, &pcpu->asids, this_pcpu()->id);

    control->tlb_control = must_flush ? TLB_CONTROL_FLUSH_ALL : TLB_CONTROL_DO_NOTHING;
    control->guest_asid = hw->asid.value;
}
