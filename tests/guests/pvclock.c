/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do KVM's clock, steal time and hypercalls work as Linux expects them? Manual: Linux
 * Documentation/virt/kvm/x86, cpuid.rst, msr.rst, hypercalls.rst. A failure makes guests' time
 * jump, loses their TLB flushes and wake-ups, or lets a wrong address harm more than the guest.
 */
#include "tests/guests/lib/smp.h"

#define MSR_WALL    0x4b564d00u
#define MSR_SYSTEM  0x4b564d01u
#define MSR_STEAL   0x4b564d03u
#define FEATURES    0x01000a28u /* clock, steal time, TLB flush, IPI, stable */
#define UNHALT      0x80u
#define GENUINE     0x756e6547u /* "Genu" */
#define RAM_END     (64ull << 20)
#define TSC_ADJUST  0x3bu
#define IPI_VECTOR  0x55u
#define ROUNDS      5000u
#define WINDOW      0x1800000ull /* a 2 MiB page that changes what it shows */
#define BEHIND      0x1a00000ull
#define HC_KICK     5u
#define HC_SEND_IPI 10u

struct clock {
    volatile u32 version;
    u32 pad;
    volatile u64 tsc, ns;
    volatile u32 mul;
    volatile signed char shift;
    volatile u8 flags, pad1[2];
} __attribute__((aligned(64)));

struct steal {
    volatile u64 ns;
    volatile u32 version, flags;
    volatile u8 preempted, pad[47];
} __attribute__((aligned(64)));

static struct clock clocks[CPUS_MAX], other_clock;
static struct steal steals[CPUS_MAX];
static volatile u32 wall[3], started, done, go, kicked;
static volatile u32 seen;
static u64 last_ns;
static volatile u32 lock;

static u64 hypercall(u64 number, u64 a, u64 b, u64 c, u64 d)
{
    if (cpuid(0, 0).ebx == GENUINE)
        __asm__ volatile("vmcall" : "+a"(number) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    else
        __asm__ volatile("vmmcall" : "+a"(number) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return number;
}

static u64 read_clock(const struct clock *clock)
{
    u32 version;
    u64 ns;

    do {
        u64 ticks;

        version = clock->version;
        __asm__ volatile("lfence" ::: "memory");
        ticks = rdtsc() - clock->tsc;
        ticks = clock->shift < 0 ? ticks >> -clock->shift : ticks << clock->shift;
        ns = clock->ns + (u64)((unsigned __int128)ticks * clock->mul >> 32);
    } while ((version & 1) || version != clock->version);
    return ns;
}

static void turn_on(u32 id)
{
    wrmsr(MSR_SYSTEM, (u64)&clocks[id] | 1);
    wrmsr(MSR_STEAL, (u64)&steals[id] | 1);
}

static void write_msr(void *arg)
{
    const u64 *a = arg;

    wrmsr((u32)a[0], a[1]);
}

static void expect_gp(u32 msr, u64 value)
{
    u64 a[2] = {msr, value}, before = rdmsr(msr);

    if (catch_trap(write_msr, a) != 13)
        failure("MSR 0x%x takes 0x%lx", msr, value);
    EXPECT_EQ(rdmsr(msr), before);
}

/* -- one vCPU
 * -------------------------------------------------------------------------------------------- */

struct moment {
    u32 pm;
    u64 ns;
};

/* Both clocks at one time: of many readings the one in which the CPU was taken away the shortest.
 */
static struct moment read_both(void)
{
    struct moment best = {0};
    u64 shortest = UINT64_MAX;

    for (unsigned turn = 0; turn < 50; turn++) {
        u64 before = read_clock(&clocks[0]);
        u32 ticks = inl(PM_TIMER);
        u64 taken = read_clock(&clocks[0]) - before;

        if (taken >= shortest)
            continue;
        shortest = taken;
        best = (struct moment){ticks, before + taken / 2};
    }
    return best;
}

static void check_rate(void)
{
    struct moment start = read_both(), end;
    u64 expected, ns;

    while (inl(PM_TIMER) - start.pm < PM_TIMER_HZ / 50)
        ;
    end = read_both();
    ns = end.ns - start.ns;
    expected = (u64)(end.pm - start.pm) * 1000000000 / PM_TIMER_HZ;
    if (ns < expected - expected / 20 || ns > expected + expected / 20)
        failure("%lu ns of the PM timer are %lu ns", expected, ns);
}

static void check_clock(void)
{
    struct clock *c = &clocks[0];
    u64 khz, told = cpuid(0x40000010, 0).eax, before, after;

    EXPECT(c->version != 0 && !(c->version & 1));
    EXPECT_EQ(c->flags & 1, 1);
    khz = 1000000ull << 32;
    khz = (c->shift < 0 ? khz << -c->shift : khz >> c->shift) / c->mul;
    EXPECT(khz + 1 >= told && khz <= told + 1);
    check_rate();

    /* The time goes on where the TSC jumps, and where the structure moves. */
    before = read_clock(c);
    wrmsr(TSC_ADJUST, 1ull << 40);
    after = read_clock(c);
    EXPECT(after >= before && after - before < 1000000000);
    EXPECT_EQ(c->flags & 1, 0);
    wrmsr(TSC_ADJUST, 0);
    EXPECT_EQ(c->flags & 1, 1);
    wrmsr(MSR_SYSTEM, (u64)&other_clock | 1);
    EXPECT_EQ(rdmsr(MSR_SYSTEM), (u64)&other_clock | 1);
    EXPECT(read_clock(&other_clock) >= after);
    wrmsr(MSR_SYSTEM, 0);
    other_clock.flags = 0;
    wrmsr(TSC_ADJUST, 0);
    EXPECT_EQ(other_clock.flags, 0);
    wrmsr(MSR_SYSTEM, (u64)c | 1);
}

static void check_wall_clock(void)
{
    wrmsr(MSR_WALL, (u64)wall);
    EXPECT(wall[0] != 0 && !(wall[0] & 1));
    EXPECT(wall[1] > 1600000000 && wall[2] < 1000000000);
}

static void check_hostile(void)
{
    static const u64 bad[] = {RAM_END, RAM_END - 16, 0xfee00000, 0x4000000000, 1ull << 52, ~63ull};

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_gp(MSR_SYSTEM, bad[i] | 1);
        expect_gp(MSR_STEAL, (bad[i] & ~63ull) + (bad[i] < RAM_END ? 64 : 0) + 1);
    }
    expect_gp(MSR_WALL, RAM_END);
    expect_gp(MSR_WALL, RAM_END - 8);
    expect_gp(MSR_WALL, (u64)wall | 2);
    expect_gp(MSR_SYSTEM, (u64)&clocks[0] | 3);
    expect_gp(MSR_STEAL, (u64)&steals[0] | 0x21);
    wrmsr(MSR_SYSTEM, (RAM_END - 32) | 1);
    wrmsr(MSR_STEAL, (RAM_END - 64) | 1);
    wrmsr(MSR_SYSTEM, (RAM_END / 2 - 16) | 1); /* on two pages */
    turn_on(0);
}

static void check_codes(void)
{
    EXPECT_EQ(hypercall(4711, 0, 0, 0, 0), -1000);
    EXPECT_EQ(hypercall(HC_SEND_IPI | 1ull << 32, 0, 0, 0, 0), -1000);
    EXPECT_EQ(hypercall(HC_SEND_IPI, 1, 0, 0, 0x540), -22); /* INIT */
    EXPECT_EQ(hypercall(HC_SEND_IPI, 1, 0, 0, 0x03), -22);  /* an exception's vector */
    EXPECT_EQ(hypercall(HC_SEND_IPI, ~0ull, ~0ull, 64, IPI_VECTOR), 0);
    EXPECT_EQ(hypercall(HC_SEND_IPI, ~0ull, ~0ull, 0xffffffff, IPI_VECTOR), 0);
    EXPECT_EQ(hypercall(HC_SEND_IPI, 1, 0, 0, IPI_VECTOR), 1);
    sti_hlt_cli();
    EXPECT_EQ(ipis[0], 1);
    EXPECT_EQ(hypercall(HC_KICK, 0, 64, 0, 0), 0);
}

/* -- several
 * -------------------------------------------------------------------------------------------- */

/* All look at the same clock in turns: nobody may see an earlier time than the one before. */
static void compare_clocks(u32 id)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        u64 now;

        while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
            __asm__ volatile("pause");
        now = read_clock(&clocks[id]);
        if (now < last_ns)
            failure("vCPU %u: %lu ns after %lu ns", id, now, last_ns);
        last_ns = now;
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(void)
{
    u32 id = my_id();

    lapic_enable();
    turn_on(id);
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    wait_for(&go, 1);
    compare_clocks(id);
    while (ipis[id] < 2 || nmis[id] < 1)
        sti_hlt_cli();
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        __asm__ volatile("hlt"); /* interrupts are off: only a kick gets here */
        seen = *(volatile u32 *)WINDOW;
        if (id == 1)
            __atomic_fetch_add(&kicked, 1, __ATOMIC_SEQ_CST);
    }
}

static void check_ipis(u32 count)
{
    u64 others = (1ull << count) - 2;

    for (u32 round = 1; round <= 2; round++) {
        EXPECT_EQ(hypercall(HC_SEND_IPI, others >> round, 0, round, IPI_VECTOR),
                  count - 1 - (round - 1));
        for (u32 id = round; id < count; id++)
            wait_for(&ipis[id], round);
        if (round == 2)
            EXPECT_EQ(hypercall(HC_SEND_IPI, 2, 0, 0, IPI_VECTOR), 1);
    }
    EXPECT_EQ(hypercall(HC_SEND_IPI, others, 0, 0, 0x400), count - 1);
    for (u32 id = 1; id < count; id++)
        wait_for(&nmis[id], 1);
    wait_for(&done, 2 * count - 1);
}

/* The entry that maps a 2 MiB page. */
static volatile u64 *large_entry(u64 address)
{
    u64 *table;

    __asm__ volatile("mov %%cr3, %0" : "=r"(table));
    table = (u64 *)(table[0] & ~0xfffull);
    table = (u64 *)(table[address >> 30] & ~0xfffull);
    return &table[(address >> 21) & 511];
}

/* A vCPU waits for a kick, and is seen to. */
static void wait_until_halted(u32 id)
{
    u64 start = rdtsc();

    while (!(__atomic_load_n(&steals[id].preempted, __ATOMIC_SEQ_CST) & 1))
        EXPECT(rdtsc() - start < PATIENCE);
}

static void kick_1(u32 round)
{
    EXPECT_EQ(hypercall(HC_KICK, 0, 1, 0, 0), 0);
    wait_for(&kicked, round);
}

/* A kick wakes a halted vCPU; a note left meanwhile makes it forget translations first. */
static void check_kick(void)
{
    volatile u64 *entry = large_entry(WINDOW);
    u64 kept = *entry;

    *(volatile u32 *)WINDOW = 1;
    *(volatile u32 *)BEHIND = 2;
    for (u32 round = 1; round <= 20; round++)
        kick_1(round);
    EXPECT_EQ(seen, 1);
    wait_until_halted(1);
    *entry = kept ^ WINDOW ^ BEHIND;
    EXPECT(__atomic_fetch_or(&steals[1].preempted, 2, __ATOMIC_SEQ_CST) & 1);
    kick_1(21);
    EXPECT_EQ(seen, 2);
    EXPECT(!(steals[1].preempted & 2));
    *entry = kept;
}

static void check_several(u32 count)
{
    u64 stolen = 0;

    for (u32 id = 1; id < count; id++) {
        cpu_start(id, ap_main);
        wait_for(&started, id);
    }
    go = 1;
    compare_clocks(0);
    wait_for(&done, count);
    check_ipis(count);
    if (cpuid(0x40000001, 0).eax & UNHALT)
        check_kick();
    for (u32 id = 0; id < count; id++) {
        EXPECT(!(steals[id].version & 1));
        stolen += steals[id].ns;
    }
    print("%u CPUs, %lu ns stolen\n", count, stolen);
}

void guest_main(void)
{
    u32 count = cpu_count();

    if (cpuid(0x40000000, 0).ebx != 0x4b4d564b) /* "KVMK" */
        skip("no KVM interface");
    EXPECT_EQ(cpuid(0x40000001, 0).eax & FEATURES, FEATURES);
    pic_disable();
    lapic_enable();
    cpus_prepare();
    count_interrupts(IPI_VECTOR);
    turn_on(0);
    EXPECT_EQ(steals[0].preempted, 0);
    EXPECT(steals[0].version != 0 && !(steals[0].version & 1));
    check_clock();
    check_wall_clock();
    check_hostile();
    check_codes();
    if (count > 1)
        check_several(count < CPUS_MAX ? count : CPUS_MAX);
}
