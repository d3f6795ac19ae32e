/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's first serial line as a log and status console. */
#ifndef SOCLE_CONSOLE_UART16550_H
#define SOCLE_CONSOLE_UART16550_H

/* Sets up COM1 (115200 8N1) if there is one and adds it to the log. Context: boot. */
void uart_console_init(void);

#endif
