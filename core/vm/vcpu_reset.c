/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a vCPU after power-on and after INIT.
 *
 * Spec: SDM 3A "Processor State After Reset"; APM 2 "Initial Processor State".
 */
#include "core/vm/vcpu.h"
#include "core/x86/cr.h"

#define ATTRIBUTES_CODE 0x009bu /* present, code, readable, accessed */
#define ATTRIBUTES_DATA 0x0093u /* present, data, writable, accessed */
#define ATTRIBUTES_LDT  0x0082u
#define ATTRIBUTES_TSS  0x008bu /* present, busy 32-bit TSS */

#define RESET_LIMIT       0xffffu
#define RESET_CS_SELECTOR 0xf000u
#define RESET_CS_BASE     0xffff0000u
#define RESET_RIP         0xfff0u
#define RESET_DR6         0xffff0ff0u
#define RESET_DR7         0x400u
#define RESET_PAT         0x0007040600070406ull

static const struct {
    enum hvm_seg seg;
    struct hvm_segment value;
} segments[] = {
    {HVM_CS, {RESET_CS_SELECTOR, ATTRIBUTES_CODE, RESET_LIMIT, RESET_CS_BASE}},
    {HVM_SS, {0, ATTRIBUTES_DATA, RESET_LIMIT, 0}},
    {HVM_DS, {0, ATTRIBUTES_DATA, RESET_LIMIT, 0}},
    {HVM_ES, {0, ATTRIBUTES_DATA, RESET_LIMIT, 0}},
    {HVM_FS, {0, ATTRIBUTES_DATA, RESET_LIMIT, 0}},
    {HVM_GS, {0, ATTRIBUTES_DATA, RESET_LIMIT, 0}},
    {HVM_LDTR, {0, ATTRIBUTES_LDT, RESET_LIMIT, 0}},
    {HVM_TR, {0, ATTRIBUTES_TSS, RESET_LIMIT, 0}},
    {HVM_GDTR, {0, 0, RESET_LIMIT, 0}},
    {HVM_IDTR, {0, 0, RESET_LIMIT, 0}},
};

/* Both kinds of reset set these. CR0 depends on the kind. */
static const struct {
    enum hvm_reg reg;
    u64 value;
} registers[] = {
    {HVM_CR4, 0},         {HVM_EFER, 0},        {HVM_CR3, 0},
    {HVM_CR2, 0},         {HVM_DR6, RESET_DR6}, {HVM_DR7, RESET_DR7},
    {HVM_DEBUGCTL, 0},    {HVM_INTR_SHADOW, 0}, {HVM_RFLAGS, RFLAGS_FIXED},
    {HVM_RIP, RESET_RIP},
};

static const struct {
    enum hvm_reg reg;
    u64 value;
} power_on_registers[] = {
    {HVM_PAT, RESET_PAT}, {HVM_STAR, 0},         {HVM_LSTAR, 0},
    {HVM_CSTAR, 0},       {HVM_SFMASK, 0},       {HVM_KERNEL_GS_BASE, 0},
    {HVM_SYSENTER_CS, 0}, {HVM_SYSENTER_ESP, 0}, {HVM_SYSENTER_EIP, 0},
};

void vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind)
{
    u64 kept_cr0 = hvm->reg_get(vcpu, HVM_CR0) & (CR0_CD | CR0_NW); /* by INIT */

    hvm->vcpu_reset(vcpu, kind);
    if (kind == HVM_RESET_POWER_ON) {
        kept_cr0 = CR0_CD | CR0_NW;
        for (unsigned i = 0; i < ARRAY_SIZE(power_on_registers); i++)
            hvm->reg_set(vcpu, power_on_registers[i].reg, power_on_registers[i].value);
    }
    hvm->reg_set(vcpu, HVM_CR0, CR0_ET | kept_cr0);
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
        hvm->reg_set(vcpu, registers[i].reg, registers[i].value);
    for (unsigned i = 0; i < ARRAY_SIZE(segments); i++)
        hvm->seg_set(vcpu, segments[i].seg, &segments[i].value);
    vcpu->pv = (struct vcpu_pv){0};
    for (unsigned i = 0; i < GPR_COUNT; i++)
        vcpu->gpr[i] = 0;
}
