/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is every instruction form a driver uses on device memory emulated with the right
 * result? Manual: APM vol. 3, the instructions named. A failure means drivers misread registers.
 *
 * The local APIC's divide, spurious and ICR-high registers serve as plain read/write words.
 */
#include "tests/guests/lib/guest.h"

#define WORD (LAPIC_BASE + LAPIC_ICR_HIGH) /* bits 31-24 are read/write */

static void set_word(u32 v)
{
    mmio_write(WORD, v << 24);
}

static u32 get_word(void)
{
    return mmio_read(WORD) >> 24;
}

static void moves(void)
{
    u64 r;

    set_word(0x5a);
    __asm__ volatile("movl (%1), %%eax" : "=a"(r) : "r"(WORD));
    EXPECT_EQ(r, 0x5a000000);
    __asm__ volatile("mov $-1, %%r11\n movl (%1), %%r11d\n mov %%r11, %0"
                     : "=r"(r)
                     : "r"(WORD)
                     : "r11");
    EXPECT_EQ(r, 0x5a000000);
    __asm__ volatile("movl 4(%1,%2,4), %k0" : "=r"(r) : "r"(WORD - 12), "r"(2ull));
    EXPECT_EQ((u32)r, 0x5a000000);
    __asm__ volatile("movabs 0xfee00310, %%eax" : "=a"(r));
    EXPECT_EQ((u32)r, 0x5a000000);
    __asm__ volatile("movl $0x33000000, (%0)" ::"r"(WORD) : "memory");
    EXPECT_EQ(get_word(), 0x33);
    __asm__ volatile("mov %0, %%r15d\n movl %%r15d, (%1)" ::"r"(0x44000000u), "r"(WORD)
                     : "r15", "memory");
    EXPECT_EQ(get_word(), 0x44);
    __asm__ volatile("movabs %%eax, 0xfee00310" ::"a"(0x55000000u) : "memory");
    EXPECT_EQ(get_word(), 0x55);
}

static void arithmetic(void)
{
    u32 r;
    u8 zf;

    set_word(0x0f);
    __asm__ volatile("orl %0, (%1)" ::"r"(0xf0000000u), "r"(WORD) : "memory", "cc");
    EXPECT_EQ(get_word(), 0xff);
    __asm__ volatile("andl $0x3c000000, (%0)" ::"r"(WORD) : "memory", "cc");
    EXPECT_EQ(get_word(), 0x3c);
    __asm__ volatile("xorl %0, (%1)" ::"r"(0xff000000u), "r"(WORD) : "memory", "cc");
    EXPECT_EQ(get_word(), 0xc3);
    __asm__ volatile("testl $0x01000000, (%1)\n setz %0" : "=r"(zf) : "r"(WORD) : "cc");
    EXPECT_EQ(zf, 0);
    __asm__ volatile("cmpl %2, (%1)\n setz %0" : "=r"(zf) : "r"(WORD), "r"(0xc3000000u) : "cc");
    EXPECT_EQ(zf, 1);
    r = 0x01000000;
    __asm__ volatile("addl (%1), %0" : "+r"(r) : "r"(WORD) : "cc");
    EXPECT_EQ(r, 0xc4000000);
    r = 0x77000000;
    __asm__ volatile("xchgl %0, (%1)" : "+r"(r) : "r"(WORD) : "memory");
    EXPECT_EQ(r, 0xc3000000);
    EXPECT_EQ(get_word(), 0x77);
    __asm__ volatile("btl $24, (%1)\n setc %0" : "=r"(zf) : "r"(WORD) : "cc");
    EXPECT_EQ(zf, 1);
}

static void strings(void)
{
    u32 out[2] = {0, 0};
    const u64 reg = WORD;
    u64 rsi = reg, rdi = (u64)out, rcx = 1;

    set_word(0x21);
    __asm__ volatile("cld; rep movsl" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory");
    EXPECT_EQ(out[0], 0x21000000);
    EXPECT_EQ(rsi, reg + 4);
    EXPECT_EQ(rdi, (u64)&out[1]);
    rdi = reg;
    __asm__ volatile("cld; stosl" : "+D"(rdi) : "a"(0x12000000u) : "memory");
    EXPECT_EQ(get_word(), 0x12);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    EXPECT((lapic_read(LAPIC_VERSION) & 0xff) >= 0x10);
    EXPECT_EQ(lapic_read(LAPIC_ID) >> 24, 0);
    EXPECT_EQ(lapic_read(LAPIC_SVR), 0x1ff);
    moves();
    arithmetic();
    strings();

    /* The IOAPIC: 24 pins, all masked, one that can be programmed. */
    EXPECT_EQ((ioapic_read(1) >> 16) & 0xff, 23);
    EXPECT(ioapic_read(0x10) & 0x10000);
    ioapic_write(0x13, 0x03000000);
    EXPECT_EQ(ioapic_read(0x13), 0x03000000);
}
