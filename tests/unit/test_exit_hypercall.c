/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/exit_hypercall.c */
/* Hypercalls: who may ask, whom interrupts reach, and what is refused. */
#include "core/vm/exit.h"

#include <string.h>

#include "core/vm/guest_access.h"
#include "core/vm/pv_abi.h"
#include "core/vm/vm.h"
#include "tests/unit/harness.h"

#define CPUS 6u

static struct vm vm;
static struct vcpu vcpus[CPUS];
static u8 cpl;
static enum insn_mode mode;
static u32 fixed[CPUS], nmis[CPUS];
static u8 vector_seen;
static u32 deaf; /* its local APIC takes nothing */

u8 vcpu_cpl(struct vcpu *vcpu)
{
    (void)vcpu;
    return cpl;
}

enum insn_mode guest_mode(struct vcpu *vcpu)
{
    (void)vcpu;
    return mode;
}

void vcpu_request(struct vcpu *vcpu, u32 bits)
{
    vcpu->requests |= bits;
}

static bool send_fixed(struct vcpu *to, u8 vector)
{
    fixed[to->index]++;
    vector_seen = vector;
    return to->index != deaf;
}

static bool send_nmi(struct vcpu *to)
{
    nmis[to->index]++;
    return to->index != deaf;
}

static const struct irqchip_ops chip = {.send_fixed = send_fixed, .send_nmi = send_nmi};

static void setup(void)
{
    memset(&vm, 0, sizeof vm);
    memset(vcpus, 0, sizeof vcpus);
    memset(fixed, 0, sizeof fixed);
    memset(nmis, 0, sizeof nmis);
    vm.irqchip = &chip;
    vm.vcpu_count = CPUS;
    for (u32 i = 0; i < CPUS; i++) {
        vcpus[i].vm = &vm;
        vcpus[i].index = i;
        vm.vcpus[i] = &vcpus[i];
    }
    cpl = 0;
    mode = INSN_MODE_64;
    deaf = UINT32_MAX;
}

static u64 call(u64 number, u64 rbx, u64 rcx, u64 rdx, u64 rsi)
{
    static const struct vm_exit exit;
    u64 *gpr = vcpus[0].gpr;

    gpr[GPR_RAX] = number;
    gpr[GPR_RBX] = rbx;
    gpr[GPR_RCX] = rcx;
    gpr[GPR_RDX] = rdx;
    gpr[GPR_RSI] = rsi;
    CHECK_EQ(exit_hypercall(&vcpus[0], &exit), EXIT_ADVANCE);
    return gpr[GPR_RAX];
}

TEST(numbers_and_rights)
{
    setup();
    CHECK_EQ(call(0, 0, 0, 0, 0), (u64)-1000);
    CHECK_EQ(call(~0ull, 0, 0, 0, 0), (u64)-1000);
    CHECK_EQ(call(PV_HC_SEND_IPI | 1ull << 32, 1, 0, 0, 0x40), (u64)-1000);
    cpl = 3;
    CHECK_EQ(call(PV_HC_SEND_IPI, 1, 0, 0, 0x40), (u64)-1);
    CHECK_EQ(call(12345, 0, 0, 0, 0), (u64)-1);
    CHECK_EQ(fixed[0], 0);
}

TEST(interrupts_reach_whom_the_bitmap_names)
{
    setup();
    CHECK_EQ(call(PV_HC_SEND_IPI, 0x2a, 0, 0, 0x40), 3);
    CHECK(fixed[1] == 1 && fixed[3] == 1 && fixed[5] == 1);
    CHECK(fixed[0] == 0 && fixed[2] == 0 && fixed[4] == 0);
    CHECK_EQ(vector_seen, 0x40);
    CHECK_EQ(call(PV_HC_SEND_IPI, 3, 0, 4, 0x4041), 2); /* from a base on */
    CHECK(fixed[4] == 1 && fixed[5] == 2);
    CHECK_EQ(call(PV_HC_SEND_IPI, 1, 0, 2, 0x400), 1);
    CHECK_EQ(nmis[2], 1);
    deaf = 1;
    CHECK_EQ(call(PV_HC_SEND_IPI, 7, 0, 0, 0x40), 2);
}

TEST(apic_ids_that_nobody_has)
{
    setup();
    CHECK_EQ(call(PV_HC_SEND_IPI, ~0ull, ~0ull, 0, 0x40), CPUS);
    CHECK_EQ(call(PV_HC_SEND_IPI, ~0ull, ~0ull, CPUS, 0x40), 0);
    CHECK_EQ(call(PV_HC_SEND_IPI, ~0ull, ~0ull, 0xffffffff, 0x40), 0);
    CHECK_EQ(call(PV_HC_SEND_IPI, ~0ull, ~0ull, 0xffffffc0, 0x40), 0);
    CHECK_EQ(call(PV_HC_SEND_IPI, 0, 0, 0, 0x40), 0);
    CHECK_EQ(fixed[5], 1);
}

TEST(what_an_interrupt_may_not_be)
{
    static const u64 bad[] = {0x00,  0x0f,   0x140,  0x240,   0x540,   0x640,   0x740,
                              0x840, 0x1040, 0x8040, 0x40040, 0x80040, 0xc0040, 1ull << 32 | 0x40,
                              ~0ull};

    setup();
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(call(PV_HC_SEND_IPI, 1, 0, 0, bad[i]), (u64)-22);
    CHECK_EQ(fixed[0] + nmis[0], 0);
}

TEST(registers_of_32_bits)
{
    u64 junk = 0xdeadbeefull << 32;

    setup();
    mode = INSN_MODE_32;
    CHECK_EQ(call(junk | PV_HC_SEND_IPI, junk | 1, junk, junk | 2, junk | 0x40), 1);
    CHECK_EQ(fixed[2], 1);
    CHECK_EQ(call(PV_HC_SEND_IPI, 0, 2, 0xffffffe0 - 32, 0x40), 0);
    vm.vcpu_count = CPUS;
    CHECK_EQ(call(PV_HC_SEND_IPI, 0, 1, 0, 0x40), 0); /* the second word begins at 32 */
    CHECK_EQ(call(junk | 77, 0, 0, 0, 0), 0xfffffc18u);
}

TEST(kick)
{
    setup();
    CHECK_EQ(call(PV_HC_KICK, 0, 3, 0, 0), 0);
    CHECK_EQ(vcpus[3].requests, VCPU_REQ_KICK);
    CHECK_EQ(call(PV_HC_KICK, 0, CPUS, 0, 0), 0);
    CHECK_EQ(call(PV_HC_KICK, 0, ~0ull, 0, 0), 0);
}
