/* SPDX-License-Identifier: BSD-2-Clause */
/* 16550 on COM1, polled output. Spec: PC16550D datasheet. */
#include "drivers/console/uart16550.h"

#include "core/kern/status.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"

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
#define MCR_DTR_RTS    0x03
#define LSR_THRE       0x20
#define DIVISOR_115200 1
#define FIFO_BYTES     16
#define SPINS_MAX      100000u /* a line that never drains must not stop the host */

static bool is_stuck;

static void wait_empty(void)
{
    for (u32 i = 0; i < SPINS_MAX; i++) {
        if ((inb(COM1 + REG_LSR) & LSR_THRE) != 0)
            return;
        cpu_pause();
    }
    is_stuck = true;
}

static void write_text(void *cookie, const char *text, size_t bytes)
{
    unsigned room = 0;

    (void)cookie;
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

/* A serial line has no fixed place: the changed page is printed as a block of its own. */
static void show_status(void *cookie, const char *const *lines, unsigned count)
{
    write_text(cookie, "--\n", 3);
    for (unsigned i = 0; i < count; i++) {
        write_text(cookie, "| ", 2);
        write_text(cookie, lines[i], strlen(lines[i]));
        write_text(cookie, "\n", 1);
    }
    write_text(cookie, "--\n", 3);
}

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
    log_add_sink(&log_sink);
    status_add_sink(&status_sink);
}
