/* SPDX-License-Identifier: BSD-2-Clause */
/* A VMCB as text, for the log of a crashed VM. */
#include "core/lib/printf.h"
#include "svm/svm_state.h"

#define LINE_BYTES 120

struct field {
    const char *name;
    u16 offset;
    u8 bytes;
};

#define CONTROL(member)                                   \
    {                                                     \
#member, offsetof(struct vmcb, control.member),   \
            sizeof(((struct vmcb *)NULL)->control.member) \
    }
#define SAVE(member)                                                                            \
    {                                                                                           \
#member, offsetof(struct vmcb, save.member), sizeof(((struct vmcb *)NULL)->save.member) \
    }

static const struct field fields[] = {
    CONTROL(exitcode),
    CONTROL(exitinfo1),
    CONTROL(exitinfo2),
    CONTROL(exitintinfo),
    CONTROL(eventinj),
    CONTROL(vintr),
    CONTROL(interrupt_shadow),
    CONTROL(guest_asid),
    CONTROL(tlb_control),
    CONTROL(tsc_offset),
    CONTROL(n_cr3),
    CONTROL(np_enable),
    CONTROL(iopm_base_pa),
    CONTROL(msrpm_base_pa),
    CONTROL(nrip),
    SAVE(rip),
    SAVE(rsp),
    SAVE(rflags),
    SAVE(rax),
    SAVE(cpl),
    SAVE(cr0),
    SAVE(cr2),
    SAVE(cr3),
    SAVE(cr4),
    SAVE(efer),
    SAVE(g_pat),
    SAVE(dr6),
    SAVE(dr7),
    SAVE(star),
    SAVE(lstar),
    SAVE(cstar),
    SAVE(sfmask),
    SAVE(kernel_gs_base),
    SAVE(sysenter_cs),
    SAVE(sysenter_esp),
    SAVE(sysenter_eip),
};

static const char *const segment_names[HVM_SEG_COUNT] = {
    [HVM_ES] = "es", [HVM_CS] = "cs", [HVM_SS] = "ss",     [HVM_DS] = "ds",     [HVM_FS] = "fs",
    [HVM_GS] = "gs", [HVM_TR] = "tr", [HVM_LDTR] = "ldtr", [HVM_GDTR] = "gdtr", [HVM_IDTR] = "idtr",
};

static const char *const word_names[INTERCEPT_WORDS] = {
    [INTERCEPT_CR] = "CR",      [INTERCEPT_DR] = "DR",      [INTERCEPT_EXCEPTIONS] = "exceptions",
    [INTERCEPT_MISC1] = "00Ch", [INTERCEPT_MISC2] = "010h", [INTERCEPT_MISC3] = "014h",
};

static u64 field_value(const struct vmcb *vmcb, const struct field *f)
{
    const u8 *bytes = (const u8 *)vmcb + f->offset;
    u64 value = 0;

    for (unsigned i = 0; i < f->bytes; i++)
        value |= (u64)bytes[i] << (8 * i);
    return value;
}

void svm_dump(struct vcpu *vcpu, hvm_sink sink, void *cookie)
{
    static const char *const nmi_names[] = {"open", "masked", "iret", "stepping"};
    const struct vmcb *vmcb = svm_vmcb(vcpu);
    char line[LINE_BYTES];
    struct hvm_segment s;

    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        ksnprintf(line, sizeof line, "%-18s %016llx", fields[i].name,
                  (unsigned long long)field_value(vmcb, &fields[i]));
        sink(cookie, line);
    }
    for (unsigned i = 0; i < INTERCEPT_WORDS; i++) {
        ksnprintf(line, sizeof line, "intercept %-10s %08x", word_names[i],
                  vmcb->control.intercept[i]);
        sink(cookie, line);
    }
    for (unsigned i = 0; i < HVM_SEG_COUNT; i++) {
        svm_seg_get(vcpu, (enum hvm_seg)i, &s);
        ksnprintf(line, sizeof line, "%-4s %04x base %016llx limit %08x attributes %04x",
                  segment_names[i], s.selector, (unsigned long long)s.base, s.limit, s.attributes);
        sink(cookie, line);
    }
    ksnprintf(line, sizeof line, "xcr0 %llx, NMI %s",
              (unsigned long long)svm_reg_get(vcpu, HVM_XCR0), nmi_names[vcpu->hw->nmi]);
    sink(cookie, line);
}
