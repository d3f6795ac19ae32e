/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/pv_steal.c core/vm/pv_publish.c tests/fakes/fake_gmem.c */
/* Steal time as the guest finds it, and notes for TLB flushes. */
#include "core/vm/pv_steal.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vm/vm.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/unit/harness.h"

#define AT        0x1040u
#define VERSION   (AT + 8)
#define PREEMPTED (AT + 16)

static struct vm vm;
static struct vcpu vcpu;
static unsigned flushes;

static void count_flush(struct vcpu *v, enum hvm_tlb_scope scope)
{
    (void)v;
    (void)scope;
    flushes++;
}

static const struct hvm_ops ops = {.tlb_flush = count_flush};
const struct hvm_ops *hvm = &ops;

static void setup(void)
{
    fake_gmem_init(0);
    flushes = 0;
    memset(&vcpu, 0, sizeof vcpu);
    vcpu.vm = &vm;
    vcpu.task.wait_ns = 6000;
    vcpu.task.limited_ns = 1000;
}

static u64 word(u64 at, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, fake_ram + at, bytes);
    return value;
}

TEST(steal_time_is_told_at_once_and_at_every_load)
{
    setup();
    pv_steal_loaded(&vcpu);
    pv_steal_leaving(&vcpu);
    CHECK_EQ(pv_steal_set(&vcpu, AT | 1), 0);
    CHECK_EQ(word(AT, 8), 7000);
    CHECK_EQ(word(VERSION, 4), 2);
    CHECK_EQ(word(PREEMPTED, 1), 0);
    pv_steal_leaving(&vcpu);
    CHECK_EQ(word(PREEMPTED, 1), PV_PREEMPTED);
    CHECK_EQ(word(AT, 8), 7000);
    vcpu.task.wait_ns += 500;
    pv_steal_loaded(&vcpu);
    CHECK_EQ(word(PREEMPTED, 1), 0);
    CHECK_EQ(word(AT, 8), 7500);
    CHECK_EQ(word(VERSION, 4), 4);
    CHECK_EQ(flushes, 0);
    for (unsigned i = 17; i < 64; i++)
        CHECK_EQ(fake_ram[AT + i], 0);
}

TEST(a_note_means_a_flush_before_it_runs)
{
    setup();
    CHECK_EQ(pv_steal_set(&vcpu, AT | 1), 0);
    pv_steal_leaving(&vcpu);
    fake_ram[PREEMPTED] |= PV_FLUSH_TLB;
    pv_steal_loaded(&vcpu);
    CHECK_EQ(flushes, 1);
    CHECK_EQ(word(PREEMPTED, 1), 0);
    pv_steal_leaving(&vcpu);
    pv_steal_loaded(&vcpu);
    CHECK_EQ(flushes, 1);
}

TEST(turned_off_it_is_left_alone)
{
    setup();
    CHECK_EQ(pv_steal_set(&vcpu, AT | 1), 0);
    CHECK_EQ(pv_steal_set(&vcpu, 0), 0);
    memset(fake_ram, 0xaa, sizeof fake_ram);
    pv_steal_leaving(&vcpu);
    pv_steal_loaded(&vcpu);
    CHECK_EQ(word(AT, 8), 0xaaaaaaaaaaaaaaaaull);
    CHECK_EQ(word(PREEMPTED, 1), 0xaa);
    CHECK_EQ(flushes, 0);
}

TEST(hostile_addresses)
{
    static const u64 bad[] = {
        AT | 3, AT | 0x21,      AT + 0x20,      FAKE_RAM_BYTES | 1, 0xfee00000 | 1,
        ~0ull,  ~0ull << 6 | 1, 1ull << 52 | 1, FAKE_RAM_BYTES - 31};

    setup();
    CHECK_EQ(pv_steal_set(&vcpu, (FAKE_RAM_BYTES - 64) | 1), 0);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_EQ(pv_steal_set(&vcpu, bad[i]), -EINVAL);
        CHECK_EQ(vcpu.pv.steal_time, (FAKE_RAM_BYTES - 64) | 1);
    }
    CHECK_EQ(pv_steal_set(&vcpu, ~0ull << 6), 0); /* off, whatever the address */
}
