/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-guests' library: console, verdicts, interrupt table, trap catching. */
#include "tests/guests/lib/guest.h"

#include <stdarg.h>

struct idt_entry {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_mid;
    u32 offset_high, reserved;
};

static struct idt_entry idt[256] __attribute__((aligned(16)));
static void (*handlers[256])(struct trap *t);
extern u8 isr_stubs[];

volatile u64 trap_error;
volatile u64 trap_cr2;
static void *volatile catch_buf[5]; /* __builtin_setjmp buffer */
static volatile bool catching;
static volatile u32 caught;

void *memset(void *dst, int value, size_t n)
{
    u8 *d = dst;

    for (size_t i = 0; i < n; i++)
        d[i] = (u8)value;
    return dst;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    for (size_t i = 0; i < n; i++)
        d[i] = s[i];
    return dst;
}

static void put(char c)
{
    while (!(inb(COM1 + 5) & 0x20))
        ;
    outb(COM1, (u8)c);
}

static void put_number(u64 v, unsigned base, int width)
{
    char digits[24];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    for (int i = n; i < width; i++)
        put('0');
    while (n > 0)
        put(digits[--n]);
}

static void put_string(const char *s)
{
    while (*s != '\0')
        put(*s++);
}

static const char *put_field(const char *p, va_list *args)
{
    int width = 0;
    bool is_long = false;
    u64 v;

    for (; *p >= '0' && *p <= '9'; p++)
        width = width * 10 + (*p - '0');
    for (; *p == 'l'; p++)
        is_long = true;
    switch (*p) {
    case 's':
        put_string(va_arg(*args, const char *));
        break;
    case 'c':
        put((char)va_arg(*args, int));
        break;
    case 'd':
        v = is_long ? va_arg(*args, u64) : (u64)va_arg(*args, int);
        if ((int64_t)v < 0) {
            put('-');
            v = -v;
        }
        put_number(v, 10, width);
        break;
    case 'u':
    case 'x':
        v = is_long ? va_arg(*args, u64) : va_arg(*args, u32);
        put_number(v, *p == 'x' ? 16 : 10, width);
        break;
    default:
        put(*p);
    }
    return p;
}

static void vprint(const char *fmt, va_list args)
{
    va_list copy;

    va_copy(copy, args);
    for (const char *p = fmt; *p != '\0'; p++) {
        if (*p == '%')
            p = put_field(p + 1, &copy);
        else
            put(*p);
    }
    va_end(copy);
}

void print(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprint(fmt, args);
    va_end(args);
}

void power_off(void)
{
    while (!(inb(COM1 + 5) & 0x40))
        ;
    outw(PM1A_CNT, (5 << 10) | (1 << 13)); /* SLP_TYP 5, SLP_EN */
    outw(PM1A_CNT, (0 << 10) | (1 << 13)); /* QEMU's boards know S5 as type 0 */
    for (;;)
        __asm__ volatile("cli; hlt");
}

void success(void)
{
    print("VERDICT SUCCESS\n");
    power_off();
}

void skip(const char *fmt, ...)
{
    va_list args;

    print("VERDICT SKIP: ");
    va_start(args, fmt);
    vprint(fmt, args);
    va_end(args);
    print("\n");
    power_off();
}

void failure(const char *fmt, ...)
{
    va_list args;

    cli();
    print("VERDICT FAILURE: ");
    va_start(args, fmt);
    vprint(fmt, args);
    va_end(args);
    print("\n");
    power_off();
}

void on_trap(u8 vector, void (*handler)(struct trap *t))
{
    handlers[vector] = handler;
}

void guest_trap(struct trap *t);
void guest_trap(struct trap *t)
{
    u64 cr2;

    if (handlers[t->vector] != NULL) {
        handlers[t->vector](t);
        return;
    }
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    if (catching && t->vector < 32) {
        catching = false;
        caught = (u32)t->vector;
        trap_error = t->error;
        trap_cr2 = cr2;
        __builtin_longjmp((void **)catch_buf, 1);
    }
    print("VERDICT ERROR: unexpected vector %lu error 0x%lx rip 0x%lx cr2 0x%lx\n", t->vector,
          t->error, t->rip, cr2);
    power_off();
}

__attribute__((noinline)) u32 catch_trap(void (*fn)(void *arg), void *arg)
{
    caught = NO_TRAP;
    if (__builtin_setjmp((void **)catch_buf) == 0) {
        catching = true;
        fn(arg);
    }
    catching = false;
    return caught;
}

void sort(u64 *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        u64 v = values[i];
        unsigned j = i;

        for (; j > 0 && values[j - 1] > v; j--)
            values[j] = values[j - 1];
        values[j] = v;
    }
}

void pic_disable(void)
{
    outb(0x20, 0x11);
    outb(0x21, 0x20);
    outb(0x21, 0x04);
    outb(0x21, 0x01);
    outb(0xa0, 0x11);
    outb(0xa1, 0x28);
    outb(0xa1, 0x02);
    outb(0xa1, 0x01);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void guest_boot(void);
void guest_boot(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (u64)idt};

    for (unsigned i = 0; i < 256; i++) {
        u64 stub = (u64)isr_stubs + 16 * i;

        idt[i] = (struct idt_entry){.offset_low = (u16)stub,
                                    .selector = 0x08,
                                    .type = 0x8e,
                                    .offset_mid = (u16)(stub >> 16),
                                    .offset_high = (u32)(stub >> 32)};
    }
    __asm__ volatile("lidt %0" ::"m"(pointer));
    guest_main();
    success();
}
