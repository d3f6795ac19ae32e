/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard controller 8042, first port. Spec: IBM PS/2 Technical Reference "Keyboard and
 * Auxiliary Device Controller".
 *
 * A byte that is not read raises no second interrupt: to silence the device is not to read. All
 * waiting is bounded, because a firmware's emulation may answer nothing.
 */
#include "drivers/console/i8042.h"

#include "core/kern/irq.h"
#include "core/kern/keys.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/console/isa_irq.h"
#include "drivers/console/scancode.h"

#define PORT_DATA   0x60
#define PORT_STATUS 0x64 /* commands when written */
#define IRQ         1

#define STATUS_OUTPUT 0x01 /* a byte for us */
#define STATUS_INPUT  0x02 /* the controller has not taken ours */
#define STATUS_AUX    0x20 /* the byte is the mouse's */
#define STATUS_ERRORS 0xc0 /* time-out, parity */
#define NOBODY        0xff

#define COMMAND_READ_CONFIG  0x20
#define COMMAND_WRITE_CONFIG 0x60
#define COMMAND_AUX_OFF      0xa7
#define COMMAND_KEYBOARD_OFF 0xad
#define COMMAND_KEYBOARD_ON  0xae

#define CONFIG_INTERRUPT     0x01
#define CONFIG_AUX_INTERRUPT 0x02
#define CONFIG_KEYBOARD_OFF  0x10
#define CONFIG_TRANSLATE     0x40 /* scan codes of set 2 become those of set 1 */

#define BUFFERED_MAX 32u
#define SPINS_MAX    20000u /* a port access takes about a microsecond */

static struct scancode_state scancodes;

static bool wait_status(u8 mask, u8 wanted)
{
    for (u32 i = 0; i < SPINS_MAX; i++) {
        if ((inb(PORT_STATUS) & mask) == wanted)
            return true;
        cpu_pause();
    }
    return false;
}

static bool command(u8 what)
{
    if (!wait_status(STATUS_INPUT, 0))
        return false;
    outb(PORT_STATUS, what);
    return true;
}

static void drop_buffered(void)
{
    for (u32 i = 0; i < BUFFERED_MAX && (inb(PORT_STATUS) & STATUS_OUTPUT) != 0; i++)
        (void)inb(PORT_DATA);
}

/* Return: false if the controller does not answer as one does. */
static bool set_up(void)
{
    u8 config;

    if (!command(COMMAND_KEYBOARD_OFF) || !command(COMMAND_AUX_OFF))
        return false;
    drop_buffered();
    if (!command(COMMAND_READ_CONFIG) || !wait_status(STATUS_OUTPUT, STATUS_OUTPUT))
        return false;
    config = inb(PORT_DATA) & (u8) ~(CONFIG_AUX_INTERRUPT | CONFIG_KEYBOARD_OFF);
    config |= CONFIG_INTERRUPT | CONFIG_TRANSLATE;
    if (!command(COMMAND_WRITE_CONFIG) || !wait_status(STATUS_INPUT, 0))
        return false;
    outb(PORT_DATA, config);
    return command(COMMAND_KEYBOARD_ON);
}

static int read_key(void)
{
    u8 status = inb(PORT_STATUS), code;

    if (status == NOBODY || (status & STATUS_OUTPUT) == 0)
        return KEYS_EMPTY;
    code = inb(PORT_DATA);
    if ((status & (STATUS_AUX | STATUS_ERRORS)) != 0)
        return KEYS_NOTHING;
    return scancode_key(&scancodes, code);
}

static void allow(bool is_on)
{
    (void)is_on;
}

static struct key_source source = {.read = read_key, .allow = allow};

static bool on_interrupt(void *arg)
{
    return keys_take(arg);
}

void i8042_init(const struct acpi *acpi)
{
    if (!acpi_has_i8042(acpi) || inb(PORT_STATUS) == NOBODY)
        return;
    if (!set_up()) {
        log_info("i8042", "the keyboard controller does not answer: keys of the console come by "
                          "the serial line only");
        return;
    }
    source.has_interrupt = isa_irq_attach(acpi, IRQ, on_interrupt, &source) == 0;
    keys_add_source(&source);
}
