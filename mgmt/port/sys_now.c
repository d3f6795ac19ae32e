/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's clock, random numbers and diagnostics, in terms of the kernel. */
#include "lwip/sys.h"

#include <stdarg.h>

#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/x86/cpu_features.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"

u32_t sys_now(void)
{
    return (u32_t)(time_ns() / NS_PER_MS);
}

/* splitmix64: spreads the bits of its state; used only over sources of entropy. */
static u64 mix(u64 x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

unsigned int port_random(void)
{
    static u64 state;
    u64 hardware = 0;

    if (!cpu_features.has_rdrand || !rdrand(&hardware))
        hardware = rdtsc();
    state = mix(state + hardware + 0x9e3779b97f4a7c15ull);
    return (unsigned int)(state >> 32);
}

void port_diag(const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log_debug("lwip", "%s", text);
}
