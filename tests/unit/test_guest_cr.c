/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/guest_cr.c */
/* Writes to CR0 and CR4 change what the manual says, or nothing. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "core/vm/guest_cr.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"

#define VALID (CR4_PAE | CR4_PGE | CR4_MCE | CR4_PCIDE | CR4_SMEP)

static struct guest_cr cr;

static void refused_cr0(u64 value)
{
    struct guest_cr before = cr;

    CHECK_EQ(guest_cr0_write(&cr, value), -EINVAL);
    CHECK(cr.cr0 == before.cr0 && cr.efer == before.efer);
}

TEST(cr0_combinations)
{
    cr = (struct guest_cr){.cr0 = CR0_PE | CR0_ET};
    CHECK_EQ(guest_cr0_write(&cr, CR0_PE | CR0_NE), 0);
    CHECK_EQ(cr.cr0, CR0_PE | CR0_NE | CR0_ET); /* ET is fixed */
    CHECK_EQ(guest_cr0_write(&cr, CR0_PE | CR0_CD | CR0_NW | 1ull << 6), 0);
    CHECK_EQ(cr.cr0, CR0_PE | CR0_CD | CR0_NW | CR0_ET); /* reserved bits are ignored */
    refused_cr0(CR0_PE | CR0_NW);
    refused_cr0(CR0_PG);
    refused_cr0(CR0_PE | 1ull << 32);
}

TEST(paging_and_long_mode)
{
    cr = (struct guest_cr){.cr0 = CR0_PE, .efer = EFER_LME};
    refused_cr0(CR0_PE | CR0_PG); /* without PAE */
    cr.cr4 = CR4_PAE;
    cr.is_code_64 = true;
    refused_cr0(CR0_PE | CR0_PG);
    cr.is_code_64 = false;
    CHECK_EQ(guest_cr0_write(&cr, CR0_PE | CR0_PG | CR0_NE), 0);
    CHECK_EQ(cr.efer, EFER_LME | EFER_LMA);
    CHECK(!guest_cr_has_pdptes(&cr));
    cr.is_code_64 = true;
    refused_cr0(CR0_PE);
    cr.is_code_64 = false;
    cr.cr4 |= CR4_PCIDE;
    refused_cr0(CR0_PE);
    cr.cr4 &= ~CR4_PCIDE;
    CHECK_EQ(guest_cr0_write(&cr, CR0_PE), 0);
    CHECK_EQ(cr.efer, EFER_LME);
    cr.efer = 0;
    CHECK_EQ(guest_cr0_write(&cr, CR0_PE | CR0_PG), 0);
    CHECK(guest_cr_has_pdptes(&cr));
    CHECK_EQ(cr.efer, 0);
}

TEST(cr4)
{
    cr = (struct guest_cr){.cr0 = CR0_PE | CR0_PG, .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA};
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | CR4_MCE, VALID), 0);
    CHECK_EQ(cr.cr4, CR4_PAE | CR4_MCE);
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | 1ull << 13, VALID), -EINVAL);
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | 1ull << 40, VALID), -EINVAL);
    CHECK_EQ(guest_cr4_write(&cr, CR4_MCE, VALID), -EINVAL); /* PAE stays in long mode */
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | CR4_PCIDE, VALID), 0);
    cr.cr4 = CR4_PAE;
    cr.cr3 = 0x1005;
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | CR4_PCIDE, VALID), -EINVAL);
    cr.cr3 = 0;
    cr.efer = 0;
    CHECK_EQ(guest_cr4_write(&cr, CR4_PAE | CR4_PCIDE, VALID), -EINVAL);
    CHECK_EQ(guest_cr4_write(&cr, 0, VALID), 0);
}
