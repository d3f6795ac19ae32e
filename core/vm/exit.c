/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of exit handlers, names and statistics. */
#include "core/vm/exit.h"

#include "core/vm/guest_access.h"
#include "core/vm/vcpu.h"
#include "core/x86/tsc.h"

static const struct {
    const char *name;
    exit_handler handler;
} kinds[EXIT_KIND_COUNT] = {
    [EXIT_HOST_IRQ] = {"host_irq", exit_nothing},
    [EXIT_IRQ_WINDOW] = {"irq_window", exit_window},
    [EXIT_NMI_WINDOW] = {"nmi_window", exit_window},
    [EXIT_IO] = {"io", exit_io},
    [EXIT_SLAT_FAULT] = {"slat_fault", exit_slat_fault},
    [EXIT_CPUID] = {"cpuid", exit_cpuid},
    [EXIT_HLT] = {"hlt", exit_hlt},
    [EXIT_MSR] = {"msr", exit_msr},
    [EXIT_CR] = {"cr", exit_cr},
    [EXIT_XSETBV] = {"xsetbv", exit_xsetbv},
    [EXIT_HYPERCALL] = {"hypercall", exit_hypercall},
    [EXIT_CACHE] = {"cache", exit_skip},
    [EXIT_PAUSE] = {"pause", exit_pause},
    [EXIT_RDPMC] = {"rdpmc", exit_rdpmc},
    [EXIT_UNDEFINED] = {"undefined", exit_undefined},
    [EXIT_EXCEPTION] = {"exception", exit_exception},
    [EXIT_TPR] = {"tpr", exit_nothing},
    [EXIT_APIC_WRITE] = {"apic_write", exit_apic_write},
    [EXIT_APIC_EOI] = {"apic_eoi", exit_apic_eoi},
    [EXIT_TASK_SWITCH] = {"task_switch", exit_task_switch},
    [EXIT_SHUTDOWN] = {"shutdown", exit_shutdown},
    [EXIT_INIT] = {"init", exit_nothing},
    [EXIT_ENTRY_FAILED] = {"entry_failed", exit_fatal},
    [EXIT_UNKNOWN] = {"unknown", exit_fatal},
};

const char *exit_kind_name(enum vm_exit_kind kind)
{
    return kind < EXIT_KIND_COUNT ? kinds[kind].name : "unknown";
}

void exit_account(struct vcpu *vcpu, u64 now_tsc)
{
    time_stats_count(&vcpu->exits[vcpu->exit.kind], tsc_to_ns(now_tsc - vcpu->exit_tsc));
    vcpu->exit_tsc = 0;
}

void exit_dispatch(struct vcpu *vcpu, const struct vm_exit *exit)
{
    int length;

    if (kinds[exit->kind].handler(vcpu, exit) != EXIT_ADVANCE)
        return;
    length = exit->insn_len != 0 ? exit->insn_len : guest_insn_length(vcpu, exit);
    if (length > 0)
        vcpu_advance(vcpu, (unsigned)length);
}
