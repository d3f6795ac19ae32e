/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: vmx/vmx_caps.c */
/* Capability MSRs of known processors give the right control words, and refusals that name what is
 * missing. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "vmx/vmcs.h"
#include "vmx/vmx_caps.h"

static struct vmx_msrs msrs;
static struct vmx_caps caps;

/* As Bochs 3.1's models report them; see tests/README.md. */
static void skylake(void)
{
    msrs = (struct vmx_msrs){
        .features_ecx = 1u << 5,
        .feature_control = 5,
        .basic = 0x00d810000000002b,
        .pin = 0x000000ff00000016,
        .proc = 0xfff9fffe04006172,
        .exit = 0x407fffff00036dfb,
        .entry = 0x0000ffff000011fb,
        .proc2 = 0x02577fff00000000,
        .ept_vpid = 0x00000f0106734141,
        .misc = 0x600401e5,
        .cr0_fixed0 = 0x80000021,
        .cr0_fixed1 = 0xffffffff,
        .cr4_fixed0 = 0x2000,
        .cr4_fixed1 = 0x3727ff,
    };
}

static void lynnfield(void)
{
    skylake();
    msrs.pin = 0x0000007f00000016;
    msrs.proc2 = 0x0000007f00000000;
    msrs.ept_vpid = 0x00000f0106114141;
}

static void accepted(void)
{
    const char *why = NULL;

    CHECK_EQ(vmx_caps_parse(&msrs, &caps, &why), 0);
    CHECK(why == NULL);
}

static void refused(int code, const char *part)
{
    const char *why = NULL;

    CHECK_EQ(vmx_caps_parse(&msrs, &caps, &why), code);
    CHECK(why != NULL && strstr(why, part) != NULL);
    CHECK(why != NULL && why[strlen(why) - 1] == '.');
}

TEST(skylake_has_everything)
{
    skylake();
    accepted();
    CHECK_EQ(caps.revision, 0x2b);
    CHECK(caps.has_2m_pages && caps.has_1g_pages && caps.has_access_dirty);
    CHECK(caps.has_virtual_apic && caps.has_posted_irqs && caps.has_pause_loop && caps.has_rdtscp);
    CHECK_EQ(caps.controls[CONTROL_PIN], 0xff);
    CHECK(caps.has_preemption_timer);
    CHECK_EQ(caps.preemption_shift, 5);
    CHECK_EQ(caps.controls[CONTROL_PROC], 0xb6206dfa & ~(1u << 2));
    CHECK_EQ(caps.controls[CONTROL_PROC2], 0x14ea); /* the APIC's bits come with its mode */
    CHECK_EQ(caps.controls[CONTROL_EXIT], 0x3fefff);
    CHECK_EQ(caps.controls[CONTROL_ENTRY], 0xd1ff);
}

TEST(no_word_leaves_what_the_cpu_allows)
{
    skylake();
    accepted();
    const u64 words[CONTROL_WORDS] = {msrs.pin, msrs.proc, msrs.proc2, msrs.exit, msrs.entry};

    for (unsigned i = 0; i < CONTROL_WORDS; i++) {
        CHECK_EQ((u32)words[i] & ~caps.controls[i], 0);
        CHECK_EQ(caps.controls[i] & ~(u32)(words[i] >> 32), 0);
    }
}

TEST(virtual_apic_without_posted_interrupts)
{
    skylake();
    msrs.pin = 0x0000007f00000016;
    accepted();
    CHECK(caps.has_virtual_apic && !caps.has_posted_irqs);
    CHECK_EQ(caps.controls[CONTROL_PIN] & PIN_POSTED_INTERRUPTS, 0);
    CHECK_EQ(caps.controls[CONTROL_EXIT] & EXIT_ACK_INTERRUPT, 0);
}

TEST(half_a_virtual_apic_is_none)
{
    static const u64 group[] = {PROC2_APIC_ACCESSES, PROC2_X2APIC_MODE, PROC2_APIC_REGISTERS,
                                PROC2_INTERRUPT_DELIVERY};

    for (unsigned i = 0; i < 4; i++) {
        skylake();
        msrs.proc2 &= ~(group[i] << 32);
        accepted();
        CHECK(!caps.has_virtual_apic && !caps.has_posted_irqs);
    }
}

TEST(optional_controls_may_be_missing)
{
    skylake();
    msrs.proc2 &= ~((PROC2_RDTSCP | PROC2_INVPCID | PROC2_PAUSE_LOOP) << 32);
    msrs.ept_vpid &= ~(BIT(16) | BIT(17) | BIT(21));
    accepted();
    CHECK(!caps.has_rdtscp && !caps.has_pause_loop);
    CHECK(!caps.has_2m_pages && !caps.has_1g_pages && !caps.has_access_dirty);
}

TEST(refusals)
{
    skylake();
    msrs.features_ecx = 0;
    refused(-ENOENT, "no VT-x");
    skylake();
    msrs.feature_control = 1; /* locked, VMXON not allowed */
    refused(-EPERM, "firmware");
    msrs.feature_control = 0; /* open: we may turn it on */
    accepted();
    lynnfield();
    refused(-ENODEV, "unrestricted guest");
    skylake();
    msrs.proc2 &= ~(PROC2_EPT << 32);
    refused(-ENODEV, "EPT");
    skylake();
    msrs.proc &= ~(PROC_MSR_BITMAPS << 32);
    refused(-ENODEV, "MSR bitmaps");
    skylake();
    msrs.proc |= PROC_CR3_LOAD;
    refused(-ENODEV, "CR3");
    skylake();
    msrs.basic &= ~BIT(55);
    refused(-ENODEV, "too old");
    skylake();
    msrs.ept_vpid &= ~BIT(42);
    refused(-ENODEV, "INVVPID");
}

TEST(every_required_control_is_missed)
{
    unsigned refusals = 0;

    for (unsigned word = 0; word < CONTROL_WORDS; word++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            const char *why = NULL;

            skylake();
            u64 *words[CONTROL_WORDS] = {&msrs.pin, &msrs.proc, &msrs.proc2, &msrs.exit,
                                         &msrs.entry};
            if ((*words[word] >> bit) & 1)
                continue; /* fixed to 1: cannot be missing */
            *words[word] &= ~(1ull << (bit + 32));
            if (vmx_caps_parse(&msrs, &caps, &why) != 0)
                refusals++;
        }
    }
    CHECK_EQ(refusals, 28); /* those the table says are on or on demand */
}

TEST(mitigations)
{
    skylake();
    msrs.extended_edx = (1u << 10) | (1u << 28);
    accepted();
    CHECK(caps.needs_l1d_flush && caps.needs_buffer_clear);
    msrs.arch_capabilities = BIT(0) | BIT(5); /* RDCL_NO, MDS_NO */
    accepted();
    CHECK(!caps.needs_l1d_flush && !caps.needs_buffer_clear);
    msrs.arch_capabilities = BIT(3); /* a hypervisor below flushes */
    accepted();
    CHECK(!caps.needs_l1d_flush && caps.needs_buffer_clear);
    msrs.extended_edx = 0; /* nothing to do it with */
    accepted();
    CHECK(!caps.needs_l1d_flush && !caps.needs_buffer_clear);
}
