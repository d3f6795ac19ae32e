/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vm/pv_clock.c core/vm/pv_publish.c tests/fakes/fake_gmem.c
 * tests/fakes/fake_timer.c
 */
/* The clock's scale to the last bit, and its structures as the guest finds them. */
#include "core/vm/pv_clock.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vm/vm.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/fakes/fake_timer.h"
#include "tests/unit/harness.h"

#define AT   0x1004u /* aligned to 4, and to nothing more */
#define ENDS (FAKE_RAM_BYTES - sizeof(struct pv_system_time))

static struct vm vm;
static struct vcpu vcpu;

static void setup(void)
{
    fake_gmem_init(0xee);
    vm = (struct vm){.boot_tsc = 1000, .boot_unix_ns = 1700000000ull * NS_PER_S + 5};
    memset(&vcpu, 0, sizeof vcpu);
    vcpu.vm = &vm;
    vcpu.tsc_offset = 0 - vm.boot_tsc;
}

/* As guests compute it. */
static u64 to_ns(struct pv_scale scale, u64 ticks)
{
    ticks = scale.shift < 0 ? ticks >> -scale.shift : ticks << scale.shift;
    return (u64)(((unsigned __int128)ticks * scale.mul) >> 32);
}

static u64 word(u64 at, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, fake_ram + at, bytes);
    return value;
}

/* One second, one hour and one year of ticks, at rates around every border. */
TEST(scale_is_exact_to_one_in_a_billion)
{
    static const u64 seconds[] = {1, 3600, 31536000};
    static const u64 rates[] = {1000000,    1000001,    16777216,   500000000,   999999999,
                                1000000000, 1000000001, 1999999999, 2000000000,  2000000001,
                                2495998123, 3000000000, 4294967295, 4294967296,  4294967297,
                                5800000000, 8000000000, 9999999999, 10000000000, 123456789};

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pv_scale scale = pv_clock_scale(rates[i]);

        CHECK(scale.mul >= 0x80000000u);
        for (unsigned s = 0; s < sizeof seconds / sizeof seconds[0]; s++) {
            u64 exact = seconds[s] * 1000000000u;
            u64 got = to_ns(scale, rates[i] * seconds[s]);

            CHECK(got <= exact && exact - got <= exact / 1000000000 + 1);
        }
    }
}

TEST(scale_of_round_rates)
{
    CHECK_EQ(pv_clock_scale(1000000000).mul, 0x80000000u);
    CHECK_EQ(pv_clock_scale(1000000000).shift, 1);
    CHECK_EQ(pv_clock_scale(2000000000).mul, 0x80000000u);
    CHECK_EQ(pv_clock_scale(2000000000).shift, 0);
    CHECK_EQ(pv_clock_scale(4000000000).shift, (u64)-1);
    CHECK_EQ(pv_clock_scale(1).shift, 30);
    CHECK_EQ(to_ns(pv_clock_scale(1), 1), 1000000000u);
    CHECK(pv_clock_scale(1ull << 62).mul >= 0x80000000u);
}

TEST(system_time_bit_for_bit)
{
    setup();
    CHECK_EQ(pv_clock_set_system(&vcpu, AT | 1), 0);
    CHECK_EQ(vcpu.pv.system_time, AT | 1);
    CHECK_EQ(word(AT, 4), 2);                /* version */
    CHECK_EQ(word(AT + 8, 8), 0);            /* TSC at power-on */
    CHECK_EQ(word(AT + 16, 8), 0);           /* time then */
    CHECK_EQ(word(AT + 24, 4), 0x80000000u); /* multiplier for 2 GHz */
    CHECK_EQ(word(AT + 28, 1), 0);           /* shift */
    CHECK_EQ(word(AT + 29, 1), 1);           /* stable */
    CHECK_EQ(word(AT - 4, 4), 0xeeeeeeeeu);  /* nothing else was touched */
    CHECK_EQ(word(AT + 4, 4), 0xeeeeeeeeu);
    CHECK_EQ(word(AT + 32, 4), 0xeeeeeeeeu);
}

static unsigned hook_writes;

static void version_is_odd_around_the_body(u64 at, size_t bytes)
{
    (void)bytes;
    if (hook_writes++ > 0)
        CHECK(word(AT, 4) & 1);
    CHECK_EQ(at, hook_writes == 2 ? AT + 8 : AT);
}

TEST(version_protocol)
{
    setup();
    hook_writes = 0;
    fake_gmem_hook = version_is_odd_around_the_body;
    CHECK_EQ(pv_clock_set_system(&vcpu, AT | 1), 0);
    CHECK_EQ(hook_writes, 3);
    fake_gmem_hook = NULL;
    memset(fake_ram + AT, 0xff, 4); /* what the guest writes there does not count */
    pv_clock_resumed(&vcpu);
    CHECK_EQ(word(AT, 4), 4);
    CHECK_EQ(word(AT + 29, 1), 3); /* stable, has been stopped */
}

TEST(a_moved_tsc_gets_a_line_of_its_own)
{
    setup();
    CHECK_EQ(pv_clock_set_system(&vcpu, AT | 1), 0);
    vcpu.tsc_offset += 12345;
    pv_clock_tsc_moved(&vcpu);
    CHECK_EQ(word(AT + 8, 8), 12345);
    CHECK_EQ(word(AT + 16, 8), 0);
    CHECK_EQ(word(AT + 29, 1), 0); /* other vCPUs must not use it */
    vcpu.tsc_offset -= 12345;
    pv_clock_tsc_moved(&vcpu);
    CHECK_EQ(word(AT + 29, 1), 1);
}

TEST(turned_off_it_is_left_alone)
{
    setup();
    pv_clock_tsc_moved(&vcpu);
    pv_clock_resumed(&vcpu);
    CHECK_EQ(pv_clock_set_system(&vcpu, AT | 1), 0);
    CHECK_EQ(pv_clock_set_system(&vcpu, 0), 0);
    memset(fake_ram, 0, sizeof fake_ram);
    pv_clock_tsc_moved(&vcpu);
    CHECK_EQ(word(AT, 4), 0);
    CHECK_EQ(pv_clock_set_system(&vcpu, ENDS | 1), 0); /* and on again, elsewhere */
    CHECK(word(ENDS, 4) != 0);
    CHECK_EQ(pv_clock_set_system(&vcpu, ~1ull), 0); /* off, whatever the address */
}

TEST(hostile_addresses)
{
    static const u64 bad[] = {AT | 3,         ENDS + 5,  FAKE_RAM_BYTES | 1, 0xfee00001,
                              1ull << 52 | 1, ~0ull - 2, ~0ull - 30,         ~0ull};

    setup();
    CHECK_EQ(pv_clock_set_system(&vcpu, AT | 1), 0);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_EQ(pv_clock_set_system(&vcpu, bad[i]), -EINVAL);
        CHECK_EQ(vcpu.pv.system_time, AT | 1); /* the old one stays */
        CHECK_EQ(pv_clock_set_wall(&vcpu, bad[i]), -EINVAL);
        CHECK_EQ(vcpu.pv.wall_clock, 0);
    }
}

TEST(wall_clock)
{
    setup();
    CHECK_EQ(pv_clock_set_wall(&vcpu, AT), 0);
    CHECK_EQ(vcpu.pv.wall_clock, AT);
    CHECK_EQ(word(AT, 4), 2);
    CHECK_EQ(word(AT + 4, 4), 1700000000);
    CHECK_EQ(word(AT + 8, 4), 5);
    CHECK_EQ(word(AT + 12, 4), 0xeeeeeeeeu);
    CHECK_EQ(pv_clock_set_wall(&vcpu, 0), 0); /* nothing is written at 0 */
    CHECK_EQ(word(0, 4), 0xeeeeeeeeu);
    CHECK_EQ(pv_clock_set_wall(&vcpu, FAKE_RAM_BYTES - 12), 0);
    CHECK_EQ(pv_clock_set_wall(&vcpu, FAKE_RAM_BYTES - 8), -EINVAL);
}
