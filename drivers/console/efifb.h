/* SPDX-License-Identifier: BSD-2-Clause */
/* The screen the firmware has set up, as a log and status console. */
#ifndef SOCLE_CONSOLE_EFIFB_H
#define SOCLE_CONSOLE_EFIFB_H

struct boot_framebuffer;

/* Adds the screen to the log and the status page, if there is one. Context: boot, after hpt_init.
 */
void efifb_console_init(const struct boot_framebuffer *fb);

#endif
