/* SPDX-License-Identifier: BSD-2-Clause */
/* VMRUN's consistency checks, in the order of the manual's list. */
#include "svm/vmcb_check.h"

#include "core/x86/cr.h"
#include "core/x86/io_map.h"
#include "core/x86/msr.h"
#include "core/x86/pat.h"
#include "svm/svm_bitmap.h"

#define HIGH_HALF 0xffffffff00000000ull

/* Everything the manual defines; a bit outside must be zero. */
#define CR4_MBZ 0xfffffffffe08f000ull /* all but 0–11, 16–18, 20–24, and 12 with LA57 */
#define EFER_MBZ                                                                             \
    0xffffffffffc902feull /* all but SCE LME LMA NXE SVME LMSLE FFXSR TCE MCOMMIT INTWB UAIE \
                             AIBRSE */

#define ATTRIB_L  BIT(9) /* of the VMCB's 12-bit form */
#define ATTRIB_DB BIT(10)

struct check {
    bool (*fails)(const struct vmcb *vmcb, const struct vmcb_limits *limits);
    const char *text;
};

#define CHECK_SAVE(name, condition)                                             \
    static bool name(const struct vmcb *vmcb, const struct vmcb_limits *limits) \
    {                                                                           \
        const struct vmcb_save *s = &vmcb->save;                                \
                                                                                \
        (void)limits;                                                           \
        return (condition);                                                     \
    }

#define CHECK_CONTROL(name, condition)                                          \
    static bool name(const struct vmcb *vmcb, const struct vmcb_limits *limits) \
    {                                                                           \
        const struct vmcb_control *c = &vmcb->control;                          \
                                                                                \
        (void)limits;                                                           \
        return (condition);                                                     \
    }

static bool is_long_paging(const struct vmcb_save *s)
{
    return (s->efer & EFER_LME) != 0 && (s->cr0 & CR0_PG) != 0;
}

static bool is_past_memory(u64 base, u64 bytes, const struct vmcb_limits *limits)
{
    u64 end = BIT(limits->phys_bits);

    return bytes > end || base > end - bytes;
}

static bool is_bad_event(u64 event)
{
    u64 type = FIELD_GET(EVENTINJ_TYPE, event), vector = event & EVENTINJ_VECTOR;

    if ((event & EVENTINJ_V) == 0)
        return false;
    if (type == EVENTINJ_TYPE_EXCEPTION)
        return vector == VECTOR_NMI || vector >= VECTOR_COUNT;
    return type != EVENTINJ_TYPE_INTR && type != EVENTINJ_TYPE_NMI &&
           type != EVENTINJ_TYPE_SOFT_INT;
}

/* The manual's address width is the CPU's; in long mode CR3's reserved bits begin there. */
static bool is_bad_cr3(const struct vmcb_save *s, const struct vmcb_limits *limits)
{
    return is_long_paging(s) && (s->cr3 >> limits->phys_bits) != 0;
}

CHECK_SAVE(bad_svme, (s->efer & EFER_SVME) == 0)
CHECK_SAVE(bad_cr0_cache, (s->cr0 & CR0_CD) == 0 && (s->cr0 & CR0_NW) != 0)
CHECK_SAVE(bad_cr0_high, (s->cr0 & HIGH_HALF) != 0)
CHECK_SAVE(bad_cr3, is_bad_cr3(s, limits))
CHECK_SAVE(bad_cr4, (s->cr4 & CR4_MBZ & ~CR4_LA57) != 0)
CHECK_SAVE(bad_dr6, (s->dr6 & HIGH_HALF) != 0)
CHECK_SAVE(bad_dr7, (s->dr7 & HIGH_HALF) != 0)
CHECK_SAVE(bad_efer, (s->efer & EFER_MBZ) != 0)
CHECK_SAVE(bad_long_pae, is_long_paging(s) && (s->cr4 & CR4_PAE) == 0)
CHECK_SAVE(bad_long_pe, is_long_paging(s) && (s->cr0 & CR0_PE) == 0)
CHECK_SAVE(bad_long_cs, is_long_paging(s) && (s->cr4 & CR4_PAE) != 0 &&
                            (s->cs.attrib & ATTRIB_L) != 0 && (s->cs.attrib & ATTRIB_DB) != 0)
CHECK_SAVE(bad_pat, !pat_is_valid(s->g_pat))
CHECK_CONTROL(bad_vmrun, (c->intercept[INTERCEPT_MISC2] & BIT(INTERCEPT_VMRUN)) == 0)
CHECK_CONTROL(bad_asid_zero, c->guest_asid == 0)
CHECK_CONTROL(bad_asid_limit, c->guest_asid >= limits->asid_count)
CHECK_CONTROL(bad_iopm, is_past_memory(c->iopm_base_pa, IO_MAP_BYTES, limits))
CHECK_CONTROL(bad_msrpm, is_past_memory(c->msrpm_base_pa, MSRPM_BYTES, limits))
CHECK_CONTROL(bad_ncr3, is_past_memory(c->n_cr3, PAGE_SIZE, limits) || (c->n_cr3 & PAGE_MASK) != 0)
CHECK_CONTROL(bad_event, is_bad_event(c->eventinj))

static const struct check checks[] = {
    {bad_svme, "EFER.SVME is zero"},
    {bad_cr0_cache, "CR0.NW is set and CR0.CD is not"},
    {bad_cr0_high, "CR0[63:32] are not zero"},
    {bad_cr3, "CR3 has reserved bits set"},
    {bad_cr4, "CR4 has reserved bits set"},
    {bad_dr6, "DR6[63:32] are not zero"},
    {bad_dr7, "DR7[63:32] are not zero"},
    {bad_efer, "EFER has reserved bits set"},
    {bad_long_pae, "EFER.LME and CR0.PG without CR4.PAE"},
    {bad_long_pe, "EFER.LME and CR0.PG without CR0.PE"},
    {bad_long_cs, "long mode with CS.L and CS.D both set"},
    {bad_vmrun, "the VMRUN intercept is clear"},
    {bad_asid_zero, "ASID is zero"},
    {bad_asid_limit, "ASID is above the CPU's limit"},
    {bad_iopm, "IOPM_BASE_PA is outside physical memory"},
    {bad_msrpm, "MSRPM_BASE_PA is outside physical memory"},
    {bad_event, "EVENTINJ holds an illegal event"},
    {bad_ncr3, "N_CR3 is unaligned or outside physical memory"},
    {bad_pat, "G_PAT holds an illegal memory type"},
};

const char *vmcb_check(const struct vmcb *vmcb, const struct vmcb_limits *limits)
{
    for (unsigned i = 0; i < ARRAY_SIZE(checks); i++)
        if (checks[i].fails(vmcb, limits))
            return checks[i].text;
    return NULL;
}
