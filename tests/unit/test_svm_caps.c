/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: svm/svm_caps.c */
/* What CPUID says is understood; what is missing is refused with a sentence for the user. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "svm/svm_caps.h"

static struct svm_caps caps;
static const char *why;

/* QEMU 7.2 -cpu EPYC,+svm,+npt */
static struct svm_cpuid emulated(void)
{
    return (struct svm_cpuid){.max_extended = 0x8000001e,
                              .features_ecx = 1 << 2,
                              .features_edx = (1 << 26) | (1 << 27),
                              .address_size_eax = 0x3028,
                              .svm_ebx = 16,
                              .svm_edx = 1};
}

TEST(emulator)
{
    struct svm_cpuid id = emulated();

    CHECK_EQ(svm_caps_parse(&id, &caps, &why), 0);
    CHECK_EQ(caps.asid_count, 16);
    CHECK_EQ(caps.phys_bits, 40);
    CHECK(caps.has_1g_pages && caps.has_rdtscp);
    CHECK(!caps.has_nrip && !caps.has_decode_assist && !caps.has_vnmi && !caps.has_pause_filter);
}

TEST(server)
{
    struct svm_cpuid id = emulated();

    id.svm_ebx = 0x8000;
    id.svm_edx = 0x1ebfbcff;
    CHECK_EQ(svm_caps_parse(&id, &caps, &why), 0);
    CHECK_EQ(caps.asid_count, 0x8000);
    CHECK(caps.has_nrip && caps.has_decode_assist && caps.has_pause_filter);
}

static void refused(struct svm_cpuid id, int code, const char *word)
{
    why = "";
    CHECK_EQ((u64)svm_caps_parse(&id, &caps, &why), (u64)code);
    CHECK(strstr(why, word) != NULL);
}

TEST(refusals)
{
    struct svm_cpuid id = emulated();

    id.features_ecx = 0;
    refused(id, -ENOENT, "no AMD-V");
    id = emulated();
    id.max_extended = 0x80000008;
    refused(id, -ENOENT, "no AMD-V");
    id = emulated();
    id.vm_cr = 1 << 4;
    refused(id, -EPERM, "firmware");
    id = emulated();
    id.svm_edx = 0;
    refused(id, -ENODEV, "nested paging");
    id = emulated();
    id.svm_ebx = 1;
    refused(id, -ENODEV, "ASID");
}
