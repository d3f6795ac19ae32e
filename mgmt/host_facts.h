/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not change while the host runs: its build and how it was booted. */
#ifndef SOCLE_MGMT_HOST_FACTS_H
#define SOCLE_MGMT_HOST_FACTS_H

#include "boot/boot_info.h"
#include "core/lib/types.h"

struct host_facts {
    const char *version;
    const char *git;
    char sha256[2 * BOOT_SHA256_BYTES + 1]; /* of the hypervisor's ELF file */
    u64 source_lines;
    u64 image_bytes;
    const char *boot_method;
    u32 cpu_count;
};

/* Context: boot. */
void host_facts_init(const struct boot_info *info);

const struct host_facts *host_facts(void);

#endif
