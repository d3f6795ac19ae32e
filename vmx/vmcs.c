/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building VMCSs: controls (vmx_caps.c has the table with their reasons), the host's state, and
 * which bits of CR0 and CR4 the guest owns.
 *
 * Spec: SDM 3C "VM-Execution Control Fields", "Host-State Area".
 */
#include "vmx/vmcs.h"

#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "core/x86/msr.h"
#include "core/x86/percpu.h"
#include "core/x86/tsc.h"
#include "vmx/ept.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

struct exception {
    u8 vector;
    const char *why;
};

static const struct exception exceptions[] = {
    {VECTOR_DB, "a guest can make #DB delivery fault for ever"},
    {VECTOR_AC, "a guest can make #AC delivery fault for ever"},
    {VECTOR_MC, "machine checks belong to the host"},
};

/*
 * What the guest changes without exit. Of CR0, caching stays on whatever the guest says and NE is
 * required by VMX operation; of CR4, machine checks stay on (without MCE one would shut the machine
 * down) and VMXE is required; all other bits are refused by core.
 */
#define CR0_OWNED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM | CR0_PG)
#define CR4_OWNED                                                                                \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE | CR4_OSFXSR | \
     CR4_OSXMMEXCPT | CR4_UMIP | CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP)

/* PAUSEs in a row, at most so many cycles apart, and how many cycles of them mean a spin loop. */
#define PAUSE_LOOP_GAP    128u
#define PAUSE_LOOP_WINDOW 4096u

/*
 * Each entry starts the preemption timer anew, so only a guest that causes no exit for so long
 * meets it. Interrupts end its run as well, but not in Bochs 3.1 while its IF is 0 (it masks them
 * by IF at the entry, before it knows that the CPU is in a guest). A real-time VM shares its CPUs
 * with nobody, so there it only bounds how long a stop could take.
 */
#define RUN_LIMIT_NS          (5 * NS_PER_MS)
#define RUN_LIMIT_REALTIME_NS (1 * NS_PER_S)

#define NO_LINKED_VMCS (~0ull)

bool vmcs_use_begin(struct hvm_vcpu *hw)
{
    if (hw->regs.is_loaded)
        return false;
    vmptrld(hw->vmcs_pa);
    return true;
}

void vmcs_use_end(struct hvm_vcpu *hw, bool begun)
{
    if (begun)
        vmclear(hw->vmcs_pa);
}

void vmcs_control(struct hvm_vcpu *hw, u64 bit, bool wanted)
{
    hw->controls = wanted ? hw->controls | (u32)bit : hw->controls & ~(u32)bit;
    vmwrite(PROCESSOR_BASED_CONTROLS, hw->controls);
}

static void build_controls(const struct vcpu *vcpu)
{
    const struct hvm_vm *vm = vcpu->vm->hw;
    u64 limit_ns = vcpu->vm->is_realtime ? RUN_LIMIT_REALTIME_NS : RUN_LIMIT_NS;
    u64 bitmap = 0;

    vmwrite(PIN_BASED_CONTROLS, vmx_caps.controls[CONTROL_PIN]);
    vmwrite(PROCESSOR_BASED_CONTROLS, vcpu->hw->controls);
    vmwrite(SECONDARY_CONTROLS, vmx_caps.controls[CONTROL_PROC2]);
    vmwrite(EXIT_CONTROLS, vmx_caps.controls[CONTROL_EXIT]);
    vmwrite(ENTRY_CONTROLS, vmx_caps.controls[CONTROL_ENTRY]);
    for (unsigned i = 0; i < ARRAY_SIZE(exceptions); i++)
        bitmap |= BIT(exceptions[i].vector);
    vmwrite(EXCEPTION_BITMAP, bitmap);
    vmwrite(IO_BITMAP_A, vm->io_bitmap_pa.v);
    vmwrite(IO_BITMAP_B, vm->io_bitmap_pa.v + PAGE_SIZE);
    vmwrite(MSR_BITMAPS, vm->msr_bitmap_pa.v);
    vmwrite(EPT_POINTER, vcpu->hw->ept_pointer);
    if (vmx_caps.has_preemption_timer)
        vmwrite(PREEMPTION_TIMER,
                MIN(tsc_from_ns(limit_ns) >> vmx_caps.preemption_shift, (u64)UINT32_MAX));
    if (vmx_caps.has_pause_loop) {
        vmwrite(PLE_GAP, PAUSE_LOOP_GAP);
        vmwrite(PLE_WINDOW, PAUSE_LOOP_WINDOW);
    }
}

/* Fields whose zero is not written by anybody else. */
static void build_zeros(void)
{
    static const u16 fields[] = {
        PAGE_FAULT_ERROR_CODE_MASK,
        PAGE_FAULT_ERROR_CODE_MATCH,
        CR3_TARGET_COUNT,
        EXIT_MSR_STORE_COUNT,
        EXIT_MSR_LOAD_COUNT,
        ENTRY_MSR_LOAD_COUNT,
        ENTRY_INTERRUPTION_INFORMATION,
        GUEST_INTERRUPTIBILITY,
        GUEST_ACTIVITY,
        GUEST_PENDING_DEBUG,
        HOST_ES_SELECTOR,
        HOST_DS_SELECTOR,
        HOST_FS_SELECTOR,
        HOST_GS_SELECTOR,
        HOST_FS_BASE,
        HOST_SYSENTER_CS,
        HOST_SYSENTER_ESP,
        HOST_SYSENTER_EIP,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
        vmwrite(fields[i], 0);
}

void vmcs_build(const struct vcpu *vcpu)
{
    build_controls(vcpu);
    vmx_apic_build(vcpu);
    build_zeros();
    vmwrite(VMCS_LINK_POINTER, NO_LINKED_VMCS);
    vmwrite(CR0_GUEST_HOST_MASK, ~CR0_OWNED);
    vmwrite(CR4_GUEST_HOST_MASK, ~CR4_OWNED);
    vmwrite(HOST_CS_SELECTOR, SELECTOR_CODE);
    vmwrite(HOST_SS_SELECTOR, SELECTOR_DATA);
    vmwrite(HOST_TR_SELECTOR, SELECTOR_TSS);
    vmwrite(HOST_RIP, (u64)vmx_exit_point);
}

/* Everything that belongs to the pCPU rather than to the host as a whole comes along. */
void vmcs_set_host_state(void)
{
    struct descriptor_pointer gdt, idt;

    sgdt(&gdt);
    sidt(&idt);
    vmwrite(HOST_CR0, read_cr0());
    vmwrite(HOST_CR3, read_cr3());
    vmwrite(HOST_CR4, read_cr4());
    vmwrite(HOST_IA32_PAT, rdmsr(MSR_PAT));
    vmwrite(HOST_IA32_EFER, rdmsr(MSR_EFER));
    vmwrite(HOST_GS_BASE, (u64)this_pcpu());
    vmwrite(HOST_TR_BASE, (u64)&this_pcpu()->tss);
    vmwrite(HOST_GDTR_BASE, gdt.base);
    vmwrite(HOST_IDTR_BASE, idt.base);
}
