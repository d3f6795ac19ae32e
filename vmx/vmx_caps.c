/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities of VT-x: a table of controls, each with what it is for.
 *
 * Spec: SDM 3D appendix A "VMX Capability Reporting Facility": the low half of a control's MSR has
 * the bits that must be 1, the high half those that may be 1.
 */
#include "vmx/vmx_caps.h"

#include "core/lib/errno.h"
#include "vmx/vmcs.h"

#define FEATURES_ECX_VMX        BIT(5)
#define FEATURE_CONTROL_LOCKED  BIT(0)
#define FEATURE_CONTROL_VMXON   BIT(2) /* outside SMX */
#define BASIC_REVISION          0x7fffffffull
#define BASIC_MEMORY_TYPE       0x003c000000000000ull
#define BASIC_MEMORY_WB         6u
#define BASIC_TRUE_CONTROLS     BIT(55)
#define MISC_PREEMPTION_SHIFT   0x1full
#define EXTENDED_EDX_MD_CLEAR   BIT(10)
#define EXTENDED_EDX_L1D_FLUSH  BIT(28)
#define ARCH_CAP_RDCL_NO        BIT(0)
#define ARCH_CAP_SKIP_L1D_FLUSH BIT(3) /* a hypervisor below us does it */
#define ARCH_CAP_MDS_NO         BIT(5)

/* IA32_VMX_EPT_VPID_CAP. */
#define EPT_WALK_4        BIT(6)
#define EPT_MEMORY_WB     BIT(14)
#define EPT_2M            BIT(16)
#define EPT_1G            BIT(17)
#define EPT_INVEPT        BIT(20)
#define EPT_AD            BIT(21)
#define EPT_INVEPT_SINGLE BIT(25)
#define EPT_INVEPT_ALL    BIT(26)
#define EPT_INVVPID       BIT(32)
#define EPT_INVVPID_ALL   BIT(42)
#define EPT_VPID_REQUIRED                                                                         \
    (EPT_WALK_4 | EPT_MEMORY_WB | EPT_INVEPT | EPT_INVEPT_SINGLE | EPT_INVEPT_ALL | EPT_INVVPID | \
     EPT_INVVPID_ALL)

/* ON: set in every VMCS. ON_DEMAND: set and cleared while running, must be possible. WANTED: set if
 * the CPU has it. APIC, POSTED: set if the whole group is there. */
enum use { ON, ON_DEMAND, WANTED, APIC, POSTED };

struct control {
    u8 word; /* enum vmx_control_word */
    u8 use;  /* enum use; ON and ON_DEMAND are required */
    u64 bit;
    const char *why;  /* what it is for; without it: */
    const char *lost; /* required: the sentence for the user */
};

static const struct control controls[] = {
    {CONTROL_PIN, ON, PIN_EXTERNAL_INTERRUPT, "physical interrupts belong to the host",
     "The CPU's VT-x cannot exit on external interrupts."},
    {CONTROL_PIN, ON, PIN_NMI, "physical NMIs belong to the host",
     "The CPU's VT-x cannot exit on NMIs."},
    {CONTROL_PIN, ON, PIN_VIRTUAL_NMIS, "the CPU tracks the guest's blocking by NMI",
     "The CPU's VT-x has no virtual NMIs."},
    {CONTROL_PIN, WANTED, PIN_PREEMPTION_TIMER, "bounds how long a guest runs without a look",
     "only interrupts end its run"},
    {CONTROL_PIN, POSTED, PIN_POSTED_INTERRUPTS, "interrupts reach a running guest without exit",
     "a kick ends the guest's run first"},
    {CONTROL_PROC, ON_DEMAND, PROC_INTERRUPT_WINDOW, "tells when an interrupt can go in",
     "The CPU's VT-x has no interrupt-window exiting."},
    {CONTROL_PROC, ON_DEMAND, PROC_NMI_WINDOW, "tells when an NMI can go in",
     "The CPU's VT-x has no NMI-window exiting."},
    {CONTROL_PROC, ON, PROC_TSC_OFFSETTING, "each VM's TSC starts at its power-on",
     "The CPU's VT-x has no TSC offsetting."},
    {CONTROL_PROC, ON, PROC_HLT, "an idle guest gives its pCPU away",
     "The CPU's VT-x cannot exit on HLT."},
    {CONTROL_PROC, ON, PROC_MWAIT, "it would idle the pCPU behind our back",
     "The CPU's VT-x cannot exit on MWAIT."},
    {CONTROL_PROC, ON, PROC_MONITOR, "not offered to guests",
     "The CPU's VT-x cannot exit on MONITOR."},
    {CONTROL_PROC, ON, PROC_RDPMC, "there is no virtual performance counter",
     "The CPU's VT-x cannot exit on RDPMC."},
    {CONTROL_PROC, ON, PROC_TPR_SHADOW, "CR8 is read and written without exit",
     "The CPU's VT-x has no TPR shadow."},
    {CONTROL_PROC, ON, PROC_IO_BITMAPS, "ports are emulated; see core/x86/io_map.h",
     "The CPU's VT-x has no I/O bitmaps."},
    {CONTROL_PROC, ON, PROC_MSR_BITMAPS, "MSRs are filtered; see vmx_bitmap.h",
     "The CPU's VT-x has no MSR bitmaps."},
    {CONTROL_PROC, ON, PROC_SECONDARY_CONTROLS, "the secondary controls below",
     "The CPU's VT-x has no secondary controls."},
    {CONTROL_PROC2, ON, PROC2_EPT, "second-level translation",
     "The CPU's VT-x has no extended page tables (EPT)."},
    {CONTROL_PROC2, ON, PROC2_UNRESTRICTED_GUEST, "real mode runs without an emulator",
     "The CPU's VT-x has no unrestricted guest: guests could not start in real mode."},
    {CONTROL_PROC2, ON, PROC2_VPID, "translations survive entries and exits",
     "The CPU's VT-x has no virtual-processor identifiers (VPID)."},
    {CONTROL_PROC2, ON, PROC2_WBINVD, "a guest could flush caches without end",
     "The CPU's VT-x cannot exit on WBINVD."},
    {CONTROL_PROC2, WANTED, PROC2_RDTSCP, "RDTSCP and RDPID work in guests", "#UD instead"},
    {CONTROL_PROC2, WANTED, PROC2_INVPCID, "INVPCID works in guests", "#UD instead"},
    {CONTROL_PROC2, WANTED, PROC2_PAUSE_LOOP, "spin loops are noticed",
     "a spinning vCPU keeps its time slice"},
    {CONTROL_PROC2, APIC, PROC2_APIC_ACCESSES, "the APIC page is found without decoding",
     "the software local APIC serves alone"},
    {CONTROL_PROC2, APIC, PROC2_X2APIC_MODE, "the same for x2APIC's MSRs",
     "the software local APIC serves alone"},
    {CONTROL_PROC2, APIC, PROC2_APIC_REGISTERS, "APIC registers are read without exit",
     "the software local APIC serves alone"},
    {CONTROL_PROC2, APIC, PROC2_INTERRUPT_DELIVERY, "EOI, TPR and self-IPI without exit",
     "the software local APIC serves alone"},
    {CONTROL_EXIT, ON, EXIT_HOST_64, "the host runs in 64-bit mode",
     "The CPU's VT-x has no 64-bit host."},
    {CONTROL_EXIT, ON, EXIT_SAVE_DEBUG, "DR7 and DEBUGCTL are the guest's own",
     "The CPU's VT-x cannot save debug controls."},
    {CONTROL_EXIT, ON, EXIT_SAVE_PAT, "PAT is the guest's own",
     "The CPU's VT-x cannot switch IA32_PAT."},
    {CONTROL_EXIT, ON, EXIT_LOAD_PAT, "the host's PAT comes back",
     "The CPU's VT-x cannot switch IA32_PAT."},
    {CONTROL_EXIT, ON, EXIT_SAVE_EFER, "EFER is the guest's own",
     "The CPU's VT-x cannot switch IA32_EFER."},
    {CONTROL_EXIT, ON, EXIT_LOAD_EFER, "the host's EFER comes back",
     "The CPU's VT-x cannot switch IA32_EFER."},
    {CONTROL_EXIT, POSTED, EXIT_ACK_INTERRUPT, "required with posted interrupts",
     "a kick ends the guest's run first"},
    {CONTROL_ENTRY, ON, ENTRY_LOAD_DEBUG, "DR7 and DEBUGCTL are the guest's own",
     "The CPU's VT-x cannot load debug controls."},
    {CONTROL_ENTRY, ON, ENTRY_LOAD_PAT, "PAT is the guest's own",
     "The CPU's VT-x cannot switch IA32_PAT."},
    {CONTROL_ENTRY, ON, ENTRY_LOAD_EFER, "EFER is the guest's own",
     "The CPU's VT-x cannot switch IA32_EFER."},
    {CONTROL_ENTRY, ON_DEMAND, ENTRY_IA32E_MODE, "64-bit guests",
     "The CPU's VT-x has no 64-bit guests."},
};

bool vmx_caps_has_vmx(const struct vmx_msrs *msrs)
{
    return (msrs->features_ecx & FEATURES_ECX_VMX) != 0;
}

static int refuse(int code, const char *text, const char **why)
{
    *why = text;
    return code;
}

static u64 capability(const struct vmx_msrs *msrs, u8 word)
{
    const u64 words[CONTROL_WORDS] = {
        [CONTROL_PIN] = msrs->pin,   [CONTROL_PROC] = msrs->proc,   [CONTROL_PROC2] = msrs->proc2,
        [CONTROL_EXIT] = msrs->exit, [CONTROL_ENTRY] = msrs->entry,
    };

    return words[word];
}

static bool can_set(const struct vmx_msrs *msrs, const struct control *c)
{
    return ((capability(msrs, c->word) >> 32) & c->bit) != 0;
}

/* Everything a group needs, or nothing of it is used. */
static bool has_group(const struct vmx_msrs *msrs, enum use group)
{
    for (unsigned i = 0; i < ARRAY_SIZE(controls); i++) {
        if (controls[i].use == group && !can_set(msrs, &controls[i]))
            return false;
    }
    return true;
}

static bool is_wanted(const struct vmx_msrs *msrs, const struct vmx_caps *caps,
                      const struct control *c)
{
    switch ((enum use)c->use) {
    case ON:
        return true;
    case WANTED:
        return can_set(msrs, c);
    case APIC: /* with the mode of the guest's APIC; see vmx_apic.c */
        return false;
    case POSTED:
        return caps->has_posted_irqs;
    default:
        return false;
    }
}

/* Return: NULL, or what required part is missing. */
static const char *choose_controls(const struct vmx_msrs *msrs, struct vmx_caps *caps)
{
    for (u8 word = 0; word < CONTROL_WORDS; word++)
        caps->controls[word] = (u32)capability(msrs, word);
    for (unsigned i = 0; i < ARRAY_SIZE(controls); i++) {
        const struct control *c = &controls[i];

        if ((c->use == ON || c->use == ON_DEMAND) && !can_set(msrs, c))
            return c->lost;
        if (is_wanted(msrs, caps, c))
            caps->controls[c->word] |= (u32)c->bit;
    }
    if ((caps->controls[CONTROL_PROC] & (PROC_CR3_LOAD | PROC_CR3_STORE)) != 0)
        return "The CPU's VT-x insists on exits for every access to CR3.";
    return NULL;
}

static void note_mitigations(const struct vmx_msrs *msrs, struct vmx_caps *caps)
{
    u64 arch = msrs->arch_capabilities;

    caps->needs_l1d_flush = (msrs->extended_edx & EXTENDED_EDX_L1D_FLUSH) != 0 &&
                            (arch & (ARCH_CAP_RDCL_NO | ARCH_CAP_SKIP_L1D_FLUSH)) == 0;
    caps->needs_buffer_clear =
        (msrs->extended_edx & EXTENDED_EDX_MD_CLEAR) != 0 && (arch & ARCH_CAP_MDS_NO) == 0;
}

int vmx_caps_parse(const struct vmx_msrs *msrs, struct vmx_caps *caps, const char **why)
{
    const char *missing;

    *caps = (struct vmx_caps){.revision = (u32)(msrs->basic & BASIC_REVISION)};
    if (!vmx_caps_has_vmx(msrs))
        return refuse(-ENOENT, "The CPU has no VT-x (CPUID 1 ECX bit 5).", why);
    if ((msrs->feature_control & FEATURE_CONTROL_LOCKED) != 0 &&
        (msrs->feature_control & FEATURE_CONTROL_VMXON) == 0)
        return refuse(-EPERM,
                      "VT-x is turned off in the firmware's settings (IA32_FEATURE_CONTROL).", why);
    if ((msrs->basic & BASIC_TRUE_CONTROLS) == 0 ||
        FIELD_GET(BASIC_MEMORY_TYPE, msrs->basic) != BASIC_MEMORY_WB)
        return refuse(-ENODEV, "The CPU's VT-x is too old (IA32_VMX_BASIC).", why);
    caps->has_virtual_apic = has_group(msrs, APIC);
    caps->has_posted_irqs = caps->has_virtual_apic && has_group(msrs, POSTED);
    missing = choose_controls(msrs, caps);
    if (missing != NULL)
        return refuse(-ENODEV, missing, why);
    if ((msrs->ept_vpid & EPT_VPID_REQUIRED) != EPT_VPID_REQUIRED)
        return refuse(-ENODEV, "The CPU's EPT lacks 4-level tables, WB, INVEPT or INVVPID.", why);
    caps->cr0_fixed0 = msrs->cr0_fixed0;
    caps->cr0_fixed1 = msrs->cr0_fixed1;
    caps->cr4_fixed0 = msrs->cr4_fixed0;
    caps->cr4_fixed1 = msrs->cr4_fixed1;
    caps->has_2m_pages = (msrs->ept_vpid & EPT_2M) != 0;
    caps->has_1g_pages = (msrs->ept_vpid & EPT_1G) != 0;
    caps->has_access_dirty = (msrs->ept_vpid & EPT_AD) != 0;
    caps->has_rdtscp = (caps->controls[CONTROL_PROC2] & PROC2_RDTSCP) != 0;
    caps->has_pause_loop = (caps->controls[CONTROL_PROC2] & PROC2_PAUSE_LOOP) != 0;
    caps->has_preemption_timer = (caps->controls[CONTROL_PIN] & PIN_PREEMPTION_TIMER) != 0;
    caps->preemption_shift = (u8)(msrs->misc & MISC_PREEMPTION_SHIFT);
    note_mitigations(msrs, caps);
    return 0;
}
