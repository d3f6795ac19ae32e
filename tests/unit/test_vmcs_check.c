/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: vmx/vmcs_check.c */
/* A good VMCS passes; each rule, broken alone, is named. */
#include "tests/unit/harness.h"

#include <string.h>

#include "vmx/vmcs_check.h"

#define FIELDS 0x8000

static u64 fields[FIELDS];

static const struct vmcs_limits limits = {
    .cr0_fixed0 = 0x80000021,
    .cr0_fixed1 = 0xffffffff,
    .cr4_fixed0 = 0x2000,
    .cr4_fixed1 = 0x3727ff,
    .phys_bits = 40,
};

static u64 read_field(void *cookie, u32 field)
{
    (void)cookie;
    return fields[field];
}

static const char *check(void)
{
    return vmcs_check(read_field, NULL, &limits);
}

static void segment(u32 index, u64 rights)
{
    fields[GUEST_ES_ACCESS_RIGHTS + 2 * index] = rights;
    fields[GUEST_ES_LIMIT + 2 * index] = 0xffff;
}

/* The state after power-on. */
static void real_mode(void)
{
    memset(fields, 0, sizeof fields);
    fields[IO_BITMAP_A] = 0x10000;
    fields[IO_BITMAP_B] = 0x11000;
    fields[MSR_BITMAPS] = 0x12000;
    fields[VIRTUAL_APIC_ADDRESS] = 0x13000;
    fields[VPID] = 1;
    fields[EPT_POINTER] = 0x14000 | 0x5e;
    fields[PIN_BASED_CONTROLS] = 0x3f;
    fields[SECONDARY_CONTROLS] = PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED_GUEST;
    fields[GUEST_CR0] = 0x30;
    fields[GUEST_CR4] = 0x2040;
    fields[GUEST_IA32_PAT] = 0x0007040600070406;
    fields[GUEST_RFLAGS] = 2;
    fields[GUEST_RIP] = 0xfff0;
    fields[GUEST_DR7] = 0x400;
    fields[VMCS_LINK_POINTER] = ~0ull;
    for (u32 i = 0; i < 6; i++)
        segment(i, i == 1 ? 0x9b : 0x93);
    segment(6, 0x82);
    segment(7, 0x8b);
}

static void long_mode(void)
{
    real_mode();
    fields[GUEST_CR0] = 0x80000031;
    fields[GUEST_CR4] |= 0x20;
    fields[GUEST_IA32_EFER] = 0x500;
    fields[ENTRY_CONTROLS] = ENTRY_IA32E_MODE;
    segment(1, 0x209b);
}

TEST(good_states)
{
    real_mode();
    CHECK(check() == NULL);
    long_mode();
    CHECK(check() == NULL);
    fields[GUEST_RIP] = 0xffffffff81000000;
    CHECK(check() == NULL);
    segment(0, RIGHTS_UNUSABLE);
    CHECK(check() == NULL);
}

TEST(each_rule_is_named)
{
    static const struct {
        u32 field;
        u64 value;
        const char *named;
    } rows[] = {
        {IO_BITMAP_B, 0x11001, "I/O bitmaps"},
        {MSR_BITMAPS, 1ull << 40, "MSR_BITMAPS"},
        {VIRTUAL_APIC_ADDRESS, 8, "VIRTUAL_APIC_ADDRESS"},
        {TPR_THRESHOLD, 16, "TPR_THRESHOLD"},
        {VPID, 0, "VPID"},
        {EPT_POINTER, 0x14000, "EPT_POINTER"},
        {SECONDARY_CONTROLS, PROC2_APIC_ACCESSES | PROC2_X2APIC_MODE, "at once"},
        {SECONDARY_CONTROLS, PROC2_UNRESTRICTED_GUEST, "without EPT"},
        {PIN_BASED_CONTROLS, PIN_POSTED_INTERRUPTS, "posted interrupts"},
        {ENTRY_INTERRUPTION_INFORMATION, 0x80000203, "illegal event"},
        {ENTRY_INTERRUPTION_INFORMATION, 0x80000120, "illegal event"},
        {ENTRY_INTERRUPTION_INFORMATION, 0x80000320, "illegal event"},
        {ENTRY_INTERRUPTION_INFORMATION, 0x80000830, "error code"},
        {ENTRY_INTERRUPTION_INFORMATION, 0x80000030, "guest blocks"},
        {GUEST_CR0, 0x80000011, "GUEST_CR0"},
        {GUEST_CR4, 0x20, "GUEST_CR4"},
        {GUEST_CR4, 0x800020a0, "GUEST_CR4"},
        {GUEST_CR4, 0x2040, "IA-32e mode without"},
        {GUEST_CR3, 1ull << 40, "GUEST_CR3"},
        {GUEST_DR7, 1ull << 32, "GUEST_DR7"},
        {GUEST_IA32_PAT, 2, "GUEST_IA32_PAT"},
        {GUEST_IA32_EFER, 0x1500, "reserved"},
        {GUEST_IA32_EFER, 0x100, "entry control"},
        {GUEST_IA32_EFER, 0x400, "differs from LME"},
        {GUEST_ES_ACCESS_RIGHTS + 2, 0x93, NULL}, /* unrestricted: writable data, ascending */
        {GUEST_ES_ACCESS_RIGHTS + 2, 0x91, "GUEST_CS"},
        {GUEST_ES_ACCESS_RIGHTS + 2, RIGHTS_UNUSABLE | 0x9b, "GUEST_CS"},
        {GUEST_ES_ACCESS_RIGHTS + 2, 0x609b, "L and D"},
        {GUEST_ES_ACCESS_RIGHTS + 4, 0x9b, "GUEST_SS"},
        {GUEST_ES_LIMIT + 6, 0x100000, "G against its limit"},
        {GUEST_ES_ACCESS_RIGHTS + 6, 0x13, "not present"},
        {GUEST_ES_ACCESS_RIGHTS + 14, 0x89, "busy TSS"},
        {GUEST_ES_ACCESS_RIGHTS + 14, 0x83, "busy TSS"}, /* 16-bit: not in IA-32e mode */
        {GUEST_ES_ACCESS_RIGHTS + 12, 0x83, "LDT"},
        {GUEST_GDTR_LIMIT, 0x10000, "GDTR"},
        {GUEST_IDTR_BASE, 1ull << 47, "IDTR"},
        {GUEST_RFLAGS, 0, "GUEST_RFLAGS"},
        {GUEST_RFLAGS, 0x8002, "GUEST_RFLAGS"},
        {GUEST_INTERRUPTIBILITY, 1, "INTERRUPTIBILITY"}, /* blocked by STI with IF 0 */
        {GUEST_INTERRUPTIBILITY, 3, "INTERRUPTIBILITY"},
        {VMCS_LINK_POINTER, 0, "VMCS_LINK_POINTER"},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found;

        long_mode();
        fields[rows[i].field] = rows[i].value;
        found = check();
        if (rows[i].named == NULL)
            CHECK(found == NULL);
        else if (!CHECK(found != NULL && strstr(found, rows[i].named) != NULL))
            CHECK_STR(found != NULL ? found : "accepted", rows[i].named);
    }
}

TEST(rules_outside_long_mode)
{
    real_mode();
    fields[GUEST_RIP] = 1ull << 32;
    CHECK(check() != NULL && strstr(check(), "GUEST_RIP") != NULL);
    real_mode();
    segment(2, 0xf3);
    CHECK(check() != NULL && strstr(check(), "real mode") != NULL);
    real_mode();
    fields[GUEST_CR4] |= 1u << 17;
    CHECK(check() != NULL && strstr(check(), "PCIDE") != NULL);
    real_mode();
    fields[GUEST_CR0] |= 0x80000000;
    CHECK(check() != NULL && strstr(check(), "PG without PE") != NULL);
}
