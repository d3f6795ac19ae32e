/* SPDX-License-Identifier: BSD-2-Clause */
/* A VMCS as text, for the log of a crashed VM. */
#include "core/lib/printf.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

#define LINE_BYTES 120

struct field {
    const char *name;
    u16 encoding;
};

#define FIELD(name) \
    {               \
#name, name \
    }

static const struct field fields[] = {
    FIELD(EXIT_REASON),
    FIELD(EXIT_QUALIFICATION),
    FIELD(GUEST_LINEAR_ADDRESS),
    FIELD(GUEST_PHYSICAL_ADDRESS),
    FIELD(EXIT_INTERRUPTION_INFORMATION),
    FIELD(EXIT_INTERRUPTION_ERROR_CODE),
    FIELD(IDT_VECTORING_INFORMATION),
    FIELD(IDT_VECTORING_ERROR_CODE),
    FIELD(EXIT_INSTRUCTION_LENGTH),
    FIELD(VM_INSTRUCTION_ERROR),
    FIELD(ENTRY_INTERRUPTION_INFORMATION),
    FIELD(PIN_BASED_CONTROLS),
    FIELD(PROCESSOR_BASED_CONTROLS),
    FIELD(SECONDARY_CONTROLS),
    FIELD(EXIT_CONTROLS),
    FIELD(ENTRY_CONTROLS),
    FIELD(EXCEPTION_BITMAP),
    FIELD(VPID),
    FIELD(EPT_POINTER),
    FIELD(TSC_OFFSET),
    FIELD(TPR_THRESHOLD),
    FIELD(GUEST_RIP),
    FIELD(GUEST_RSP),
    FIELD(GUEST_RFLAGS),
    FIELD(GUEST_CR0),
    FIELD(CR0_READ_SHADOW),
    FIELD(GUEST_CR3),
    FIELD(GUEST_CR4),
    FIELD(CR4_READ_SHADOW),
    FIELD(GUEST_IA32_EFER),
    FIELD(GUEST_IA32_PAT),
    FIELD(GUEST_DR7),
    FIELD(GUEST_INTERRUPTIBILITY),
    FIELD(GUEST_ACTIVITY),
    FIELD(GUEST_PENDING_DEBUG),
    FIELD(GUEST_SYSENTER_CS),
    FIELD(GUEST_SYSENTER_ESP),
    FIELD(GUEST_SYSENTER_EIP),
};

static const char *const segment_names[HVM_SEG_COUNT] = {
    [HVM_ES] = "es", [HVM_CS] = "cs", [HVM_SS] = "ss",     [HVM_DS] = "ds",     [HVM_FS] = "fs",
    [HVM_GS] = "gs", [HVM_TR] = "tr", [HVM_LDTR] = "ldtr", [HVM_GDTR] = "gdtr", [HVM_IDTR] = "idtr",
};

static void dump_fields(hvm_sink sink, void *cookie)
{
    char line[LINE_BYTES];

    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        ksnprintf(line, sizeof line, "%-30s %016llx", fields[i].name,
                  (unsigned long long)vmread(fields[i].encoding));
        sink(cookie, line);
    }
}

void vmx_dump(struct vcpu *vcpu, hvm_sink sink, void *cookie)
{
    bool begun = vmcs_use_begin(vcpu->hw);
    char line[LINE_BYTES];
    struct hvm_segment s;

    dump_fields(sink, cookie);
    vmcs_use_end(vcpu->hw, begun);
    for (unsigned i = 0; i < HVM_SEG_COUNT; i++) {
        vmx_seg_get(vcpu, (enum hvm_seg)i, &s);
        ksnprintf(line, sizeof line, "%-4s %04x base %016llx limit %08x attributes %04x",
                  segment_names[i], s.selector, (unsigned long long)s.base, s.limit, s.attributes);
        sink(cookie, line);
    }
    ksnprintf(line, sizeof line, "xcr0 %llx, cr2 %llx, dr6 %llx",
              (unsigned long long)vmx_reg_get(vcpu, HVM_XCR0),
              (unsigned long long)vmx_reg_get(vcpu, HVM_CR2),
              (unsigned long long)vmx_reg_get(vcpu, HVM_DR6));
    sink(cookie, line);
}
