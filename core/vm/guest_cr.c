/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules for writes to CR0 and CR4. */
#include "core/vm/guest_cr.h"

#include "core/lib/errno.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"

/* The other bits of the low half are ignored, those of the high half are refused. */
#define CR0_VALID \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR0_HIGH 0xffffffff00000000ull
#define CR3_PCID 0xfffull

static int turn_paging_on(struct guest_cr *cr)
{
    if ((cr->efer & EFER_LME) == 0)
        return 0;
    if ((cr->cr4 & CR4_PAE) == 0 || cr->is_code_64)
        return -EINVAL;
    cr->efer |= EFER_LMA;
    return 0;
}

static int turn_paging_off(struct guest_cr *cr)
{
    if (cr->is_code_64 || (cr->cr4 & CR4_PCIDE) != 0)
        return -EINVAL;
    cr->efer &= ~EFER_LMA;
    return 0;
}

int guest_cr0_write(struct guest_cr *cr, u64 value)
{
    bool paged = (cr->cr0 & CR0_PG) != 0, pages = (value & CR0_PG) != 0;
    int rc = 0;

    if ((value & CR0_HIGH) != 0 || (pages && (value & CR0_PE) == 0) ||
        ((value & CR0_NW) != 0 && (value & CR0_CD) == 0))
        return -EINVAL;
    if (paged != pages)
        rc = pages ? turn_paging_on(cr) : turn_paging_off(cr);
    if (rc == 0)
        cr->cr0 = (value & CR0_VALID) | CR0_ET;
    return rc;
}

int guest_cr4_write(struct guest_cr *cr, u64 value, u64 valid)
{
    bool is_long = (cr->efer & EFER_LMA) != 0;

    if ((value & ~valid) != 0 || (is_long && (value & CR4_PAE) == 0))
        return -EINVAL;
    if ((value & ~cr->cr4 & CR4_PCIDE) != 0 && (!is_long || (cr->cr3 & CR3_PCID) != 0))
        return -EINVAL;
    cr->cr4 = value;
    return 0;
}

bool guest_cr_has_pdptes(const struct guest_cr *cr)
{
    return (cr->cr0 & CR0_PG) != 0 && (cr->cr4 & CR4_PAE) != 0 && (cr->efer & EFER_LMA) == 0;
}
