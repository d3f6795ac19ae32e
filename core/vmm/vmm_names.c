/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and UUIDs for what was given none. */
#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/sha256.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/registry.h"

void vmm_uuid_make(const char *name, u8 uuid[16])
{
    static u64 made;
    u64 seed[3] = {++made, time_ns(), clock_unix_ns()};
    struct sha256 hash;
    u8 digest[32];

    sha256_init(&hash);
    sha256_update(&hash, seed, sizeof(seed));
    sha256_update(&hash, name, strlen(name));
    sha256_final(&hash, digest);
    memcpy(uuid, digest, 16);
    uuid[6] = (u8)((uuid[6] & 0x0f) | 0x80); /* version 8: made up */
    uuid[8] = (u8)((uuid[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
}

void vmm_name_make(char name[VM_NAME_MAX + 1])
{
    u32 n = 0;

    do
        ksnprintf(name, VM_NAME_MAX + 1, "vm-%u", ++n);
    while (registry_find_name(name));
}
