/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities of AMD-V.
 *
 * Spec: APM 3 "CPUID Fn8000_000A", APM 2 "Enabling SVM".
 */
#include "svm/svm_caps.h"

#include "core/lib/errno.h"

#define CPUID_LEAF_ADDRESS_SIZE 0x80000008u
#define CPUID_LEAF_SVM          0x8000000au

#define FEATURES_ECX_SVM        BIT(2)
#define FEATURES_EDX_PAGE1GB    BIT(26)
#define FEATURES_EDX_RDTSCP     BIT(27)
#define ADDRESS_SIZE_EAX_PHYS   0xffu
#define SVM_EDX_NP              BIT(0)
#define SVM_EDX_NRIPS           BIT(3)
#define SVM_EDX_DECODE_ASSISTS  BIT(7)
#define SVM_EDX_PAUSE_FILTER    BIT(10)
#define SVM_EDX_PAUSE_THRESHOLD BIT(12)
#define SVM_EDX_VNMI            BIT(25)
#define VM_CR_SVMDIS_BIT        BIT(4)

#define PHYS_BITS_DEFAULT 36u
#define ASIDS_MIN         2u

bool svm_caps_has_svm(const struct svm_cpuid *id)
{
    return id->max_extended >= CPUID_LEAF_SVM && (id->features_ecx & FEATURES_ECX_SVM) != 0;
}

static int refuse(int code, const char *text, const char **why)
{
    *why = text;
    return code;
}

int svm_caps_parse(const struct svm_cpuid *id, struct svm_caps *caps, const char **why)
{
    *caps = (struct svm_caps){.phys_bits = PHYS_BITS_DEFAULT};
    if (!svm_caps_has_svm(id))
        return refuse(-ENOENT, "The CPU has no AMD-V (CPUID Fn8000_0001 ECX bit 2).", why);
    if ((id->vm_cr & VM_CR_SVMDIS_BIT) != 0)
        return refuse(-EPERM, "AMD-V is turned off in the firmware's settings (VM_CR.SVMDIS).",
                      why);
    if ((id->svm_edx & SVM_EDX_NP) == 0)
        return refuse(-ENODEV, "The CPU's AMD-V has no nested paging.", why);
    if (id->svm_ebx < ASIDS_MIN)
        return refuse(-ENODEV, "The CPU's AMD-V offers no ASID to guests.", why);
    caps->asid_count = id->svm_ebx;
    if (id->max_extended >= CPUID_LEAF_ADDRESS_SIZE)
        caps->phys_bits = (u8)(id->address_size_eax & ADDRESS_SIZE_EAX_PHYS);
    caps->has_nrip = (id->svm_edx & SVM_EDX_NRIPS) != 0;
    caps->has_decode_assist = (id->svm_edx & SVM_EDX_DECODE_ASSISTS) != 0;
    caps->has_vnmi = (id->svm_edx & SVM_EDX_VNMI) != 0;
    caps->has_pause_filter =
        (id->svm_edx & SVM_EDX_PAUSE_FILTER) != 0 && (id->svm_edx & SVM_EDX_PAUSE_THRESHOLD) != 0;
    caps->has_1g_pages = (id->features_edx & FEATURES_EDX_PAGE1GB) != 0;
    caps->has_rdtscp = (id->features_edx & FEATURES_EDX_RDTSCP) != 0;
    return 0;
}
