/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts application processors. Spec: SDM vol. 3 "MP Initialization Protocol Algorithm". */
#include "core/x86/smp.h"

#include "boot/ap_trampoline.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/idt.h"
#include "core/x86/insn.h"
#include "core/x86/lapic.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "core/x86/tsc.h"

#define INIT_WAIT_US    200u /* the manual's 10 ms are for discrete APICs; modern CPUs need none */
#define STARTUP_WAIT_US 200u
#define ONLINE_WAIT_US  500000u

static void (*ap_kernel_entry)(void);

static void ap_main(void *arg)
{
    pcpu_activate(arg);
    idt_load();
    cpu_features_enable();
    lapic_cpu_enable();
    ap_kernel_entry();
}

void smp_online(void)
{
    __atomic_store_n(&this_pcpu()->is_online, true, __ATOMIC_RELEASE);
}

static bool wait_online(const struct pcpu *p, u64 us)
{
    u64 end = rdtsc() + tsc_from_ns(us * NS_PER_US);

    while (rdtsc() < end) {
        if (__atomic_load_n(&p->is_online, __ATOMIC_ACQUIRE))
            return true;
        cpu_pause();
    }
    return false;
}

static void prepare_page(const struct smp_resources *res, struct pcpu *p)
{
    struct ap_params params = {
        .handover_cr3 = res->handover_cr3,
        .kernel_cr3 = res->kernel_cr3,
        .stack_top = res->stack_top,
        .entry = (u64)ap_main,
        .arg = (u64)p,
    };

    memcpy(res->page, ap_trampoline_start, (size_t)(ap_trampoline_end - ap_trampoline_start));
    memcpy(res->page + AP_PARAMS_OFFSET, &params, sizeof params);
}

int smp_start(u32 apic_id, const struct smp_resources *res, void (*entry)(void))
{
    struct pcpu *p = pcpu_add(apic_id, res->ist_stacks);
    u8 vector = (u8)(res->page_address >> PAGE_SHIFT);

    if (p == NULL)
        return -ENOSPC;
    ap_kernel_entry = entry;
    prepare_page(res, p);
    lapic_send_init(apic_id);
    tsc_delay_us(INIT_WAIT_US);
    lapic_send_startup(apic_id, vector);
    if (wait_online(p, STARTUP_WAIT_US))
        return 0;
    lapic_send_startup(apic_id, vector);
    if (wait_online(p, ONLINE_WAIT_US))
        return 0;
    log_error("smp", "the CPU with APIC ID %u did not start and is left out", apic_id);
    return -ETIMEDOUT;
}
