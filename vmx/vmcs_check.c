/* SPDX-License-Identifier: BSD-2-Clause */
/* VM entry's checks, in the order of the manual's list. */
#include "vmx/vmcs_check.h"

#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "core/x86/pat.h"

#define HIGH_HALF    0xffffffff00000000ull
#define SEGMENTS     8u /* ES CS SS DS FS GS LDTR TR */
#define CS           1u
#define SS           2u
#define LDTR         6u
#define TR           7u
#define RIGHTS_TYPE  0x000full
#define RIGHTS_S     BIT(4)
#define RIGHTS_DPL   0x0060ull
#define RIGHTS_P     BIT(7)
#define RIGHTS_L     BIT(13)
#define RIGHTS_DB    BIT(14)
#define RIGHTS_G     BIT(15)
#define RIGHTS_ZERO  0xfffe0f00ull
#define TYPE_BUSY_16 3u
#define TYPE_BUSY_32 11u
#define TYPE_LDT     2u
#define TYPE_DATA_UP 3u /* what CS may be in an unrestricted guest */
#define RFLAGS_ZERO  0xffffffffffc08028ull
#define STATE_ZERO   0xffffffffffffffe0ull

struct view {
    vmcs_reader read;
    void *cookie;
    const struct vmcs_limits *limits;
};

static u64 get(const struct view *v, u32 field)
{
    return v->read(v->cookie, field);
}

static bool has(const struct view *v, u32 field, u64 bit)
{
    return (get(v, field) & bit) != 0;
}

/* -- pieces
 * -------------------------------------------------------------------------------------------------
 */

static bool is_bad_page(const struct view *v, u32 field)
{
    u64 address = get(v, field);

    return (address & PAGE_MASK) != 0 || (address >> v->limits->phys_bits) != 0;
}

static bool is_canonical(u64 address)
{
    return (u64)((s64)(address << 16) >> 16) == address;
}

static bool is_long(const struct view *v)
{
    return has(v, ENTRY_CONTROLS, ENTRY_IA32E_MODE);
}

static u64 rights(const struct view *v, u32 segment)
{
    return get(v, GUEST_ES_ACCESS_RIGHTS + segment * VMCS_FIELD_STRIDE);
}

static u64 limit(const struct view *v, u32 segment)
{
    return get(v, GUEST_ES_LIMIT + segment * VMCS_FIELD_STRIDE);
}

static bool is_usable(const struct view *v, u32 segment)
{
    return (rights(v, segment) & RIGHTS_UNUSABLE) == 0;
}

static bool is_bad_granularity(const struct view *v, u32 segment)
{
    u64 bytes = limit(v, segment);
    bool is_coarse = (rights(v, segment) & RIGHTS_G) != 0;

    return (is_coarse && (bytes & PAGE_MASK) != PAGE_MASK) || (!is_coarse && (bytes >> 20) != 0);
}

/* -- checks on controls
 * ------------------------------------------------------------------------------------- */

static bool bad_io_bitmaps(const struct view *v)
{
    return is_bad_page(v, IO_BITMAP_A) || is_bad_page(v, IO_BITMAP_B);
}

static bool bad_msr_bitmaps(const struct view *v)
{
    return is_bad_page(v, MSR_BITMAPS);
}

static bool bad_virtual_apic(const struct view *v)
{
    return is_bad_page(v, VIRTUAL_APIC_ADDRESS);
}

static bool bad_tpr_threshold(const struct view *v)
{
    return (get(v, TPR_THRESHOLD) & ~0xfull) != 0;
}

static bool bad_apic_access(const struct view *v)
{
    return has(v, SECONDARY_CONTROLS, PROC2_APIC_ACCESSES) && is_bad_page(v, APIC_ACCESS_ADDRESS);
}

static bool bad_apic_modes(const struct view *v)
{
    return has(v, SECONDARY_CONTROLS, PROC2_APIC_ACCESSES) &&
           has(v, SECONDARY_CONTROLS, PROC2_X2APIC_MODE);
}

static bool bad_vpid(const struct view *v)
{
    return has(v, SECONDARY_CONTROLS, PROC2_VPID) && get(v, VPID) == 0;
}

static bool bad_ept_pointer(const struct view *v)
{
    u64 eptp = get(v, EPT_POINTER);

    return (eptp & 0x3f) != (EPTP_WB | EPTP_WALK_4) || (eptp & 0xf80) != 0 ||
           (eptp >> v->limits->phys_bits) != 0;
}

static bool bad_unrestricted(const struct view *v)
{
    return has(v, SECONDARY_CONTROLS, PROC2_UNRESTRICTED_GUEST) &&
           !has(v, SECONDARY_CONTROLS, PROC2_EPT);
}

static bool bad_virtual_nmis(const struct view *v)
{
    return has(v, PROCESSOR_BASED_CONTROLS, PROC_NMI_WINDOW) &&
           !has(v, PIN_BASED_CONTROLS, PIN_VIRTUAL_NMIS);
}

static bool bad_posted_interrupts(const struct view *v)
{
    return has(v, PIN_BASED_CONTROLS, PIN_POSTED_INTERRUPTS) &&
           (!has(v, SECONDARY_CONTROLS, PROC2_INTERRUPT_DELIVERY) ||
            !has(v, EXIT_CONTROLS, EXIT_ACK_INTERRUPT) ||
            (get(v, POSTED_INTERRUPT_DESCRIPTOR) & 0x3f) != 0);
}

static bool bad_event(const struct view *v)
{
    u64 info = get(v, ENTRY_INTERRUPTION_INFORMATION);
    u64 type = FIELD_GET(INTR_TYPE, info), vector = info & INTR_VECTOR;

    if ((info & INTR_VALID) == 0)
        return false;
    if (type == INTR_TYPE_NMI)
        return vector != VECTOR_NMI;
    return type == 1 || (type == INTR_TYPE_EXCEPTION && vector >= VECTOR_COUNT);
}

static bool bad_event_error(const struct view *v)
{
    u64 info = get(v, ENTRY_INTERRUPTION_INFORMATION);

    return (info & INTR_VALID) != 0 && (info & INTR_ERROR_CODE) != 0 &&
           (FIELD_GET(INTR_TYPE, info) != INTR_TYPE_EXCEPTION || !has(v, GUEST_CR0, CR0_PE));
}

/* -- checks on guest registers
 * ------------------------------------------------------------------------------ */

static bool bad_cr0(const struct view *v)
{
    u64 cr0 = get(v, GUEST_CR0), must = v->limits->cr0_fixed0 & ~(CR0_PE | CR0_PG);

    return (cr0 & must) != must || (cr0 & ~v->limits->cr0_fixed1) != 0;
}

static bool bad_paging(const struct view *v)
{
    return has(v, GUEST_CR0, CR0_PG) && !has(v, GUEST_CR0, CR0_PE);
}

static bool bad_cr4(const struct view *v)
{
    u64 cr4 = get(v, GUEST_CR4), must = v->limits->cr4_fixed0;

    return (cr4 & must) != must || (cr4 & ~v->limits->cr4_fixed1) != 0;
}

static bool bad_long_mode(const struct view *v)
{
    return is_long(v) && (!has(v, GUEST_CR0, CR0_PG) || !has(v, GUEST_CR4, CR4_PAE));
}

static bool bad_pcide(const struct view *v)
{
    return !is_long(v) && has(v, GUEST_CR4, CR4_PCIDE);
}

static bool bad_cr3(const struct view *v)
{
    return (get(v, GUEST_CR3) >> v->limits->phys_bits) != 0;
}

static bool bad_dr7(const struct view *v)
{
    return (get(v, GUEST_DR7) & HIGH_HALF) != 0;
}

static bool bad_pat(const struct view *v)
{
    return !pat_is_valid(get(v, GUEST_IA32_PAT));
}

static bool bad_efer(const struct view *v)
{
    return has(v, GUEST_IA32_EFER, EFER_LMA) != is_long(v);
}

static bool bad_efer_lme(const struct view *v)
{
    return has(v, GUEST_CR0, CR0_PG) &&
           has(v, GUEST_IA32_EFER, EFER_LMA) != has(v, GUEST_IA32_EFER, EFER_LME);
}

static bool bad_efer_reserved(const struct view *v)
{
    return has(v, GUEST_IA32_EFER, ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE));
}

/* -- checks on guest segments
 * ------------------------------------------------------------------------------- */

static bool bad_cs(const struct view *v)
{
    u64 r = rights(v, CS), type = r & RIGHTS_TYPE;

    return !is_usable(v, CS) || (r & RIGHTS_S) == 0 || (r & RIGHTS_P) == 0 ||
           (type != TYPE_DATA_UP && (type & 9) != 9);
}

static bool bad_cs_mode(const struct view *v)
{
    u64 r = rights(v, CS);

    return is_long(v) && (r & RIGHTS_L) != 0 && (r & RIGHTS_DB) != 0;
}

static bool bad_ss(const struct view *v)
{
    u64 r = rights(v, SS), type = r & RIGHTS_TYPE;

    return is_usable(v, SS) && ((type != 3 && type != 7) || (r & RIGHTS_S) == 0);
}

static bool bad_real_mode_ss(const struct view *v)
{
    return !has(v, GUEST_CR0, CR0_PE) && (rights(v, SS) & RIGHTS_DPL) != 0;
}

static bool bad_segment(const struct view *v)
{
    for (u32 i = 0; i < SEGMENTS; i++) {
        u64 r = rights(v, i);

        if (!is_usable(v, i))
            continue;
        if ((r & RIGHTS_P) == 0 || (r & RIGHTS_ZERO) != 0 || is_bad_granularity(v, i))
            return true;
    }
    return false;
}

static bool bad_tr(const struct view *v)
{
    u64 r = rights(v, TR), type = r & RIGHTS_TYPE;

    return !is_usable(v, TR) || (r & RIGHTS_S) != 0 ||
           (type != TYPE_BUSY_32 && (is_long(v) || type != TYPE_BUSY_16));
}

static bool bad_ldtr(const struct view *v)
{
    u64 r = rights(v, LDTR);

    return is_usable(v, LDTR) && ((r & RIGHTS_TYPE) != TYPE_LDT || (r & RIGHTS_S) != 0);
}

static bool bad_tables(const struct view *v)
{
    return (get(v, GUEST_GDTR_LIMIT) >> 16) != 0 || (get(v, GUEST_IDTR_LIMIT) >> 16) != 0 ||
           !is_canonical(get(v, GUEST_GDTR_BASE)) || !is_canonical(get(v, GUEST_IDTR_BASE));
}

/* -- checks on the rest
 * --------------------------------------------------------------------------------------- */

static bool bad_rip(const struct view *v)
{
    bool is_64 = is_long(v) && (rights(v, CS) & RIGHTS_L) != 0;

    return !is_64 && (get(v, GUEST_RIP) & HIGH_HALF) != 0;
}

static bool bad_rflags(const struct view *v)
{
    return (get(v, GUEST_RFLAGS) & RFLAGS_ZERO) != 0 || !has(v, GUEST_RFLAGS, RFLAGS_FIXED);
}

static bool bad_interrupt(const struct view *v)
{
    u64 info = get(v, ENTRY_INTERRUPTION_INFORMATION);

    return (info & INTR_VALID) != 0 && FIELD_GET(INTR_TYPE, info) == INTR_TYPE_EXTERNAL &&
           (!has(v, GUEST_RFLAGS, BIT(9)) ||
            has(v, GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
}

static bool bad_interruptibility(const struct view *v)
{
    u64 state = get(v, GUEST_INTERRUPTIBILITY);

    return (state & STATE_ZERO) != 0 ||
           ((state & BLOCKED_BY_STI) != 0 && (state & BLOCKED_BY_MOV_SS) != 0) ||
           ((state & BLOCKED_BY_STI) != 0 && !has(v, GUEST_RFLAGS, BIT(9)));
}

static bool bad_link_pointer(const struct view *v)
{
    return get(v, VMCS_LINK_POINTER) != ~0ull;
}

static const struct {
    bool (*fails)(const struct view *v);
    const char *text;
} checks[] = {
    {bad_io_bitmaps, "the I/O bitmaps' addresses are unaligned or outside physical memory"},
    {bad_msr_bitmaps, "MSR_BITMAPS is unaligned or outside physical memory"},
    {bad_virtual_apic, "VIRTUAL_APIC_ADDRESS is unaligned or outside physical memory"},
    {bad_tpr_threshold, "TPR_THRESHOLD is above 15"},
    {bad_apic_access, "APIC_ACCESS_ADDRESS is unaligned or outside physical memory"},
    {bad_apic_modes, "APIC accesses and x2APIC mode are virtualized at once"},
    {bad_vpid, "VPID is zero"},
    {bad_ept_pointer, "EPT_POINTER is malformed"},
    {bad_unrestricted, "an unrestricted guest without EPT"},
    {bad_virtual_nmis, "NMI-window exiting without virtual NMIs"},
    {bad_posted_interrupts, "posted interrupts without what they require"},
    {bad_event, "ENTRY_INTERRUPTION_INFORMATION holds an illegal event"},
    {bad_event_error, "ENTRY_INTERRUPTION_INFORMATION has an error code that cannot be delivered"},
    {bad_cr0, "GUEST_CR0 breaks IA32_VMX_CR0_FIXED0 or FIXED1"},
    {bad_paging, "GUEST_CR0 has PG without PE"},
    {bad_cr4, "GUEST_CR4 breaks IA32_VMX_CR4_FIXED0 or FIXED1"},
    {bad_long_mode, "IA-32e mode without GUEST_CR0.PG and GUEST_CR4.PAE"},
    {bad_pcide, "GUEST_CR4 has PCIDE outside IA-32e mode"},
    {bad_cr3, "GUEST_CR3 has reserved bits set"},
    {bad_dr7, "GUEST_DR7[63:32] are not zero"},
    {bad_pat, "GUEST_IA32_PAT holds an illegal memory type"},
    {bad_efer_reserved, "GUEST_IA32_EFER has reserved bits set"},
    {bad_efer, "GUEST_IA32_EFER.LMA differs from the IA-32e-mode entry control"},
    {bad_efer_lme, "GUEST_IA32_EFER.LMA differs from LME while paging is on"},
    {bad_cs, "GUEST_CS_ACCESS_RIGHTS is not a present code segment"},
    {bad_cs_mode, "GUEST_CS_ACCESS_RIGHTS has L and D both set"},
    {bad_ss, "GUEST_SS_ACCESS_RIGHTS is not a writable data segment"},
    {bad_real_mode_ss, "GUEST_SS_ACCESS_RIGHTS has a DPL in real mode"},
    {bad_segment, "a usable segment is not present, has reserved rights, or G against its limit"},
    {bad_tr, "GUEST_TR_ACCESS_RIGHTS is not a busy TSS"},
    {bad_ldtr, "GUEST_LDTR_ACCESS_RIGHTS is not an LDT"},
    {bad_tables, "GDTR or IDTR has a limit above FFFFh or a base that is not canonical"},
    {bad_rip, "GUEST_RIP[63:32] are not zero outside 64-bit mode"},
    {bad_rflags, "GUEST_RFLAGS has reserved bits set, or bit 1 clear"},
    {bad_interruptibility, "GUEST_INTERRUPTIBILITY is inconsistent"},
    {bad_interrupt, "an external interrupt is injected while the guest blocks them"},
    {bad_link_pointer, "VMCS_LINK_POINTER is not FFFFFFFF_FFFFFFFFh"},
};

const char *vmcs_check(vmcs_reader read, void *cookie, const struct vmcs_limits *limits)
{
    const struct view view = {read, cookie, limits};

    for (unsigned i = 0; i < ARRAY_SIZE(checks); i++)
        if (checks[i].fails(&view))
            return checks[i].text;
    return NULL;
}
