/* SPDX-License-Identifier: BSD-2-Clause */
/* 16550 on COM1: output is polled, input comes by its interrupt. Spec: PC16550D datasheet. */
#include "drivers/console/uart16550.h"

#include "core/kern/irq.h"
#include "core/kern/keys.h"
#include "core/kern/status.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/console/isa_irq.h"

#define COM1           0x3f8
#define REG_DATA       0
#define REG_IER        1
#define REG_FCR        2
#define REG_LCR        3
#define REG_MCR        4
#define REG_LSR        5
#define REG_SCR        7
#define LCR_8N1        0x03
#define LCR_DLAB       0x80
#define FCR_ENABLE     0x07 /* FIFOs on and cleared */
#define IER_RECEIVED   0x01
#define MCR_DTR_RTS    0x03
#define MCR_OUT2       0x08 /* PCs lead the interrupt through it */
#define LSR_READY      0x01
#define LSR_BAD        0x1c /* parity, framing, break */
#define LSR_THRE       0x20
#define DIVISOR_115200 1
#define FIFO_BYTES     16
#define IRQ            4
#define ASCII_LAST     0x7f
#define SPINS_MAX      100000u /* a line that never drains must not stop the host */

static bool is_there;
static bool is_stuck;
static bool is_open; /* (a) the cursor is behind a line that is being typed */

static void wait_empty(void)
{
    for (u32 i = 0; i < SPINS_MAX; i++) {
        if ((inb(COM1 + REG_LSR) & LSR_THRE) != 0)
            return;
        cpu_pause();
    }
    is_stuck = true;
}

static void send(const char *text, size_t bytes)
{
    unsigned room = 0;

    for (size_t i = 0; i < bytes && !is_stuck; i++) {
        if (room < 2) {
            wait_empty();
            room = FIFO_BYTES;
        }
        if (text[i] == '\n') {
            outb(COM1 + REG_DATA, '\r');
            room--;
        }
        outb(COM1 + REG_DATA, (u8)text[i]);
        room--;
    }
}

/* Others do not write into a line that is being typed. */
static void write_text(void *cookie, const char *text, size_t bytes)
{
    (void)cookie;
    if (__atomic_exchange_n(&is_open, false, __ATOMIC_RELAXED))
        send("\n", 1);
    send(text, bytes);
}

/* Over itself: it grows and shrinks by a character. */
static void show_typed(const char *line)
{
    __atomic_store_n(&is_open, true, __ATOMIC_RELAXED);
    send("\r| ", 3);
    send(line, strlen(line));
    send(" \b", 2);
}

/* A serial line has no fixed place: the changed page is printed as a block of its own, and of a
 * page on which somebody types only that line. */
static void show_status(void *cookie, const char *const *lines, unsigned count, unsigned same)
{
    if (same > 0 && same + 1 == count) {
        show_typed(lines[same]);
        return;
    }
    write_text(cookie, "--\n", 3);
    for (unsigned i = 0; i < count; i++) {
        send("| ", 2);
        send(lines[i], strlen(lines[i]));
        send("\n", 1);
    }
    send("--\n", 3);
}

/* Bytes that came with an error were not typed; beyond ASCII they are nobody's keys. */
static int read_key(void)
{
    u8 status = inb(COM1 + REG_LSR), byte;

    if ((status & LSR_READY) == 0)
        return KEYS_EMPTY;
    byte = inb(COM1 + REG_DATA);
    if ((status & LSR_BAD) != 0)
        return KEYS_NOTHING;
    return byte <= ASCII_LAST ? byte : 0;
}

static void allow(bool is_on)
{
    outb(COM1 + REG_IER, is_on ? IER_RECEIVED : 0);
}

static bool on_interrupt(void *arg)
{
    return keys_take(arg);
}

static struct key_source source = {.read = read_key, .allow = allow};
static struct log_sink log_sink = {.write = write_text};
static struct status_sink status_sink = {.show = show_status, .is_scrolling = true};

void uart_console_init(void)
{
    outb(COM1 + REG_SCR, 0x5a);
    if (inb(COM1 + REG_SCR) != 0x5a)
        return; /* nobody there */
    outb(COM1 + REG_IER, 0);
    outb(COM1 + REG_LCR, LCR_DLAB | LCR_8N1);
    outb(COM1 + REG_DATA, DIVISOR_115200);
    outb(COM1 + REG_IER, 0);
    outb(COM1 + REG_LCR, LCR_8N1);
    outb(COM1 + REG_FCR, FCR_ENABLE);
    outb(COM1 + REG_MCR, MCR_DTR_RTS);
    is_there = true;
    log_add_sink(&log_sink);
    status_add_sink(&status_sink);
}

void uart_console_add_keys(const struct acpi *acpi)
{
    if (!is_there)
        return;
    outb(COM1 + REG_MCR, MCR_DTR_RTS | MCR_OUT2);
    source.has_interrupt = isa_irq_attach(acpi, IRQ, on_interrupt, &source) == 0;
    keys_add_source(&source);
}
