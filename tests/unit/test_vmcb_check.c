/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: svm/vmcb_check.c */
/* Each rule of VMRUN's consistency checks catches its own fault, and a good VMCB passes. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "svm/vmcb_check.h"

static struct vmcb v;
static const struct vmcb_limits limits = {.asid_count = 16, .phys_bits = 40};

/* 64-bit guest in the middle of its life. */
static void good(void)
{
    memset(&v, 0, sizeof v);
    v.control.intercept[INTERCEPT_MISC2] = 1u << INTERCEPT_VMRUN;
    v.control.guest_asid = 1;
    v.control.iopm_base_pa = 0x100000;
    v.control.msrpm_base_pa = 0x200000;
    v.control.n_cr3 = 0x300000;
    v.save.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    v.save.cr0 = CR0_PE | CR0_PG | CR0_ET;
    v.save.cr4 = CR4_PAE;
    v.save.cs.attrib = 0x29b;
    v.save.dr6 = 0xffff0ff0;
    v.save.dr7 = 0x400;
    v.save.g_pat = 0x0007040600070406ull;
}

static void fails(const char *word)
{
    const char *text = vmcb_check(&v, &limits);

    CHECK(text != NULL && strstr(text, word) != NULL);
    good();
}

TEST(good_state)
{
    good();
    CHECK(vmcb_check(&v, &limits) == NULL);
    v.save.efer = EFER_SVME; /* real mode after reset */
    v.save.cr0 = CR0_ET | CR0_CD | CR0_NW;
    v.save.cr4 = 0;
    v.save.cs.attrib = 0x9b;
    CHECK(vmcb_check(&v, &limits) == NULL);
}

TEST(state)
{
    good();
    v.save.efer &= ~EFER_SVME;
    fails("SVME");
    v.save.cr0 |= CR0_NW;
    fails("CR0.NW");
    v.save.cr0 |= 1ull << 32;
    fails("CR0[63:32]");
    v.save.cr3 = 1ull << 40;
    fails("CR3");
    v.save.cr4 |= 1ull << 63;
    fails("CR4");
    v.save.cr4 |= 1ull << 13;
    fails("CR4");
    v.save.dr6 |= 1ull << 32;
    fails("DR6");
    v.save.dr7 |= 1ull << 63;
    fails("DR7");
    v.save.efer |= 1ull << 1;
    fails("EFER");
    v.save.cr4 = 0;
    fails("CR4.PAE");
    v.save.cr0 &= ~CR0_PE;
    fails("CR0.PE");
    v.save.cs.attrib |= 0x400;
    fails("CS.L");
    v.save.g_pat = 2;
    fails("G_PAT");
    v.save.g_pat = 0x08ull << 56;
    fails("G_PAT");
}

TEST(control)
{
    good();
    v.control.intercept[INTERCEPT_MISC2] = 0;
    fails("VMRUN");
    v.control.guest_asid = 0;
    fails("ASID is zero");
    v.control.guest_asid = 16;
    fails("ASID is above");
    v.control.iopm_base_pa = (1ull << 40) - 2 * PAGE_SIZE;
    fails("IOPM");
    v.control.msrpm_base_pa = (1ull << 40) - PAGE_SIZE;
    fails("MSRPM");
    v.control.msrpm_base_pa = ~0ull;
    fails("MSRPM");
    v.control.n_cr3 = 0x1008;
    fails("N_CR3");
}

TEST(events)
{
    good();
    v.control.eventinj = EVENTINJ_V | (3 << 8) | 2; /* an NMI is no exception */
    fails("EVENTINJ");
    v.control.eventinj = EVENTINJ_V | (3 << 8) | 32;
    fails("EVENTINJ");
    v.control.eventinj = EVENTINJ_V | (1 << 8) | 32;
    fails("EVENTINJ");
    v.control.eventinj = EVENTINJ_V | (7 << 8) | 32;
    fails("EVENTINJ");
    v.control.eventinj = (7 << 8); /* not valid, hence not looked at */
    CHECK(vmcb_check(&v, &limits) == NULL);
    v.control.eventinj = EVENTINJ_V | 0xff;
    CHECK(vmcb_check(&v, &limits) == NULL);
    v.control.eventinj = EVENTINJ_V | (2 << 8) | 2;
    CHECK(vmcb_check(&v, &limits) == NULL);
    v.control.eventinj = EVENTINJ_V | EVENTINJ_EV | (3 << 8) | VECTOR_PF;
    CHECK(vmcb_check(&v, &limits) == NULL);
}
