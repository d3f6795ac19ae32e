/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UART.
 *
 * Its line is infinitely fast: a byte written is sent at once, so the transmitter is always empty;
 * bytes from the console enter the receive FIFO as it has room, so nothing is ever lost. A receive
 * FIFO below its trigger level has no more bytes to come, so its character time-out is due at once.
 */
#include "core/vdev/vuart.h"

#include "core/lib/errno.h"
#include "core/vdev/vconsole.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define UART_PORT_COUNT 8u

/* Registers; 0 and 1 are the divisor while LCR_DLAB is set. */
#define REG_DATA 0u
#define REG_IER  1u
#define REG_IIR  2u /* read */
#define REG_FCR  2u /* write */
#define REG_LCR  3u
#define REG_MCR  4u
#define REG_LSR  5u
#define REG_MSR  6u
#define REG_SCR  7u

#define IER_RDA       BIT(0)
#define IER_THRE      BIT(1)
#define IER_LINE      BIT(2)
#define IER_MODEM     BIT(3)
#define IER_MASK      0x0fu
#define IIR_NONE      0x01u
#define IIR_MODEM     0x00u
#define IIR_THRE      0x02u
#define IIR_RDA       0x04u
#define IIR_LINE      0x06u
#define IIR_TIMEOUT   0x0cu
#define IIR_FIFO      0xc0u
#define FCR_ENABLE    BIT(0)
#define FCR_CLEAR_RX  BIT(1)
#define FCR_TRIGGER   0xc0u
#define FCR_KEPT      0xc9u /* enable, DMA mode, trigger level; the clear bits act and vanish */
#define LCR_DLAB      BIT(7)
#define MCR_DTR       BIT(0)
#define MCR_RTS       BIT(1)
#define MCR_OUT1      BIT(2)
#define MCR_OUT2      BIT(3) /* on a PC: connects the interrupt */
#define MCR_LOOP      BIT(4)
#define MCR_MASK      0x1fu
#define LSR_DR        BIT(0)
#define LSR_OE        BIT(1)
#define LSR_THRE      BIT(5)
#define LSR_TEMT      BIT(6)
#define MSR_DELTA_RI  BIT(2)
#define MSR_CTS       BIT(4)
#define MSR_DSR       BIT(5)
#define MSR_RI        BIT(6)
#define MSR_DCD       BIT(7)
#define MSR_STATUS    0xf0u
#define MSR_CONNECTED (MSR_CTS | MSR_DSR | MSR_DCD)
#define DLL_RESET     12u /* 9600 baud */

static u32 fifo_capacity(const struct vuart *uart)
{
    return uart->fcr & FCR_ENABLE ? VUART_FIFO_BYTES : 1;
}

static u32 trigger_level(const struct vuart *uart)
{
    static const u8 levels[] = {1, 4, 8, 14};

    return uart->fcr & FCR_ENABLE ? levels[FIELD_GET(FCR_TRIGGER, uart->fcr)] : 1;
}

/* The highest-priority interrupt, as IIR shows it. Spec: PC16550D "Interrupt Control Functions". */
static u8 interrupt_id(const struct vuart *uart)
{
    if ((uart->ier & IER_LINE) && uart->has_overrun)
        return IIR_LINE;
    if ((uart->ier & IER_RDA) && uart->rx_count >= trigger_level(uart))
        return IIR_RDA;
    if ((uart->ier & IER_RDA) && uart->rx_count > 0)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THRE) && uart->thr_event)
        return IIR_THRE;
    if ((uart->ier & IER_MODEM) && uart->msr_delta)
        return IIR_MODEM;
    return IIR_NONE;
}

/* After every change of state. */
static void update(struct vuart *uart)
{
    bool level =
        (uart->mcr & MCR_OUT2) && !(uart->mcr & MCR_LOOP) && interrupt_id(uart) != IIR_NONE;
    bool is_direct = !(uart->lcr & LCR_DLAB) && !(uart->mcr & MCR_LOOP) && !(uart->ier & IER_THRE);

    __atomic_store_n(&uart->tx_direct, is_direct, __ATOMIC_RELAXED);
    if (level == uart->irq_level)
        return;
    uart->irq_level = level;
    virq_set(uart->dev.vm, uart->line, level);
}

static void rx_push(struct vuart *uart, u8 byte)
{
    if (uart->rx_count >= fifo_capacity(uart)) {
        uart->has_overrun = true; /* in loopback only; input waits in the console */
        return;
    }
    uart->rx[(uart->rx_first + uart->rx_count) % VUART_FIFO_BYTES] = byte;
    uart->rx_count++;
}

static void rx_fill(struct vuart *uart)
{
    u8 byte;

    if (uart->mcr & MCR_LOOP)
        return;
    while (uart->rx_count < fifo_capacity(uart) && vconsole_get(uart->console, &byte))
        rx_push(uart, byte);
}

static void on_input(void *arg)
{
    struct vuart *uart = arg;
    u64 flags = spin_lock_irqsave(&uart->dev.lock);

    rx_fill(uart);
    update(uart);
    spin_unlock_irqrestore(&uart->dev.lock, flags);
}

static u8 rx_pop(struct vuart *uart)
{
    u8 byte;

    if (uart->rx_count == 0)
        return 0;
    byte = uart->rx[uart->rx_first];
    uart->rx_first = (u8)((uart->rx_first + 1) % VUART_FIFO_BYTES);
    uart->rx_count--;
    rx_fill(uart);
    return byte;
}

static u8 modem_lines(const struct vuart *uart)
{
    u8 mcr = uart->mcr;

    if (!(mcr & MCR_LOOP))
        return MSR_CONNECTED;
    return (u8)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
                (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void write_mcr(struct vuart *uart, u8 value)
{
    u8 before = modem_lines(uart), after, delta;

    uart->mcr = value & MCR_MASK;
    after = modem_lines(uart);
    delta = (u8)((before ^ after) >> 4);
    if (after & MSR_RI) /* only the ring indicator's trailing edge counts */
        delta &= (u8)~MSR_DELTA_RI;
    uart->msr_delta |= delta;
    rx_fill(uart);
}

static void write_fcr(struct vuart *uart, u8 value)
{
    if (((value ^ uart->fcr) & FCR_ENABLE) || (value & FCR_CLEAR_RX))
        uart->rx_count = 0;
    uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    rx_fill(uart);
}

static void write_data(struct vuart *uart, u8 value)
{
    if (uart->mcr & MCR_LOOP)
        rx_push(uart, value);
    else
        vconsole_put(uart->console, value);
    uart->thr_event = true;
}

static void write_ier(struct vuart *uart, u8 value)
{
    /* The transmitter is empty: enabling its interrupt raises it. */
    if ((value & IER_THRE) && !(uart->ier & IER_THRE))
        uart->thr_event = true;
    uart->ier = value & IER_MASK;
}

static void write_register(struct vuart *uart, u64 reg, u8 value)
{
    bool is_divisor = (uart->lcr & LCR_DLAB) != 0;

    switch (reg) {
    case REG_DATA:
        if (is_divisor)
            uart->dll = value;
        else
            write_data(uart, value);
        break;
    case REG_IER:
        if (is_divisor)
            uart->dlm = value;
        else
            write_ier(uart, value);
        break;
    case REG_FCR:
        write_fcr(uart, value);
        break;
    case REG_LCR:
        uart->lcr = value;
        break;
    case REG_MCR:
        write_mcr(uart, value);
        break;
    case REG_SCR:
        uart->scr = value;
        break;
    default: /* LSR and MSR are for reading */
        break;
    }
}

static u8 read_iir(struct vuart *uart)
{
    u8 id = interrupt_id(uart);

    if (id == IIR_THRE)
        uart->thr_event = false;
    return (u8)(id | (uart->fcr & FCR_ENABLE ? IIR_FIFO : 0));
}

static u8 read_lsr(struct vuart *uart)
{
    u8 lsr = LSR_THRE | LSR_TEMT;

    if (uart->rx_count > 0)
        lsr |= LSR_DR;
    if (uart->has_overrun)
        lsr |= LSR_OE;
    uart->has_overrun = false;
    return lsr;
}

static u8 read_msr(struct vuart *uart)
{
    u8 msr = modem_lines(uart) | uart->msr_delta;

    uart->msr_delta = 0;
    return msr;
}

static u8 read_register(struct vuart *uart, u64 reg)
{
    bool is_divisor = (uart->lcr & LCR_DLAB) != 0;

    switch (reg) {
    case REG_DATA:
        return is_divisor ? uart->dll : rx_pop(uart);
    case REG_IER:
        return is_divisor ? uart->dlm : uart->ier;
    case REG_IIR:
        return read_iir(uart);
    case REG_LCR:
        return uart->lcr;
    case REG_MCR:
        return uart->mcr;
    case REG_LSR:
        return read_lsr(uart);
    case REG_MSR:
        return read_msr(uart);
    default:
        return uart->scr;
    }
}

static u64 vuart_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vuart *uart = container_of(dev, struct vuart, dev);
    u64 flags;
    u8 value;

    if (size != 1)
        return vdev_ones(size);
    flags = spin_lock_irqsave(&dev->lock);
    value = read_register(uart, offset);
    update(uart);
    spin_unlock_irqrestore(&dev->lock, flags);
    return value;
}

/* Sending, by far the most frequent access, takes the console's lock only. */
static void vuart_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vuart *uart = container_of(dev, struct vuart, dev);
    u64 flags;

    if (size != 1)
        return;
    if (offset == REG_DATA && likely(__atomic_load_n(&uart->tx_direct, __ATOMIC_RELAXED))) {
        vconsole_put(uart->console, (u8)value);
        return;
    }
    flags = spin_lock_irqsave(&dev->lock);
    write_register(uart, offset, (u8)value);
    update(uart);
    spin_unlock_irqrestore(&dev->lock, flags);
}

static const struct bus_ops vuart_bus_ops = {.read = vuart_read, .write = vuart_write};

static void vuart_reset(struct vdev *dev)
{
    struct vuart *uart = container_of(dev, struct vuart, dev);
    u64 flags = spin_lock_irqsave(&dev->lock);

    uart->ier = 0;
    uart->fcr = 0;
    uart->lcr = 0;
    uart->mcr = 0;
    uart->scr = 0;
    uart->dll = DLL_RESET;
    uart->dlm = 0;
    uart->msr_delta = 0;
    uart->has_overrun = false;
    uart->thr_event = false;
    uart->rx_first = 0;
    uart->rx_count = 0;
    rx_fill(uart);
    update(uart);
    spin_unlock_irqrestore(&dev->lock, flags);
}

static void vuart_fini(struct vdev *dev)
{
    struct vuart *uart = container_of(dev, struct vuart, dev);

    vconsole_attach(uart->console, NULL, NULL);
    kfree(uart);
}

static const struct vdev_ops vuart_ops = {.reset = vuart_reset, .fini = vuart_fini};

int vuart_create(struct vm *vm, u16 port, unsigned line, struct vconsole *console)
{
    struct vuart *uart = kzalloc(sizeof(*uart));

    if (!uart)
        return -ENOMEM;
    uart->console = console;
    uart->line = line;
    vdev_attach(vm, &uart->dev, "vuart", &vuart_ops);
    vuart_reset(&uart->dev);
    vconsole_attach(console, on_input, uart);
    return bus_add(&vm->pio, port, UART_PORT_COUNT, &vuart_bus_ops, &uart->dev);
}
