/* SPDX-License-Identifier: BSD-2-Clause */
/* Build and boot, gathered once. */
#include "mgmt/host_facts.h"

#include "core/lib/printf.h"
#include "core/x86/percpu.h"

#include "build_id.h"

static struct host_facts facts;

static const char *method_name(u32 method)
{
    static const char *const names[] = {
        [BOOT_FROM_DISK] = "disk",
        [BOOT_FROM_USB] = "usb",
        [BOOT_FROM_PXE] = "pxe",
        [BOOT_FROM_HTTP] = "http",
    };

    return method < ARRAY_SIZE(names) ? names[method] : "unknown";
}

void host_facts_init(const struct boot_info *info)
{
    facts.version = BUILD_VERSION;
    facts.git = BUILD_GIT;
    for (u32 i = 0; i < BOOT_SHA256_BYTES; i++)
        ksnprintf(facts.sha256 + 2 * i, 3, "%02x", info->kernel_sha256[i]);
    facts.source_lines = BUILD_LINES;
    facts.image_bytes = info->image_bytes;
    facts.boot_method = method_name(info->method);
    facts.cpu_count = pcpu_count();
}

const struct host_facts *host_facts(void)
{
    return &facts;
}
