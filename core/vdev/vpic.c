/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two cascaded 8259A with the edge/level control registers of later chipsets.
 *
 * The slave's INT pin is followed as a level by the master's input 2, which makes a request that
 * vanishes between the two acknowledge cycles come out as the slave's spurious input 7, as on the
 * real pair.
 */
#include "core/vdev/vpic.h"

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/virq_impl.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define PIC_MASTER_PORT 0x20u
#define PIC_SLAVE_PORT  0xa0u
#define PIC_PORT_COUNT  2u
#define PIC_DATA        1u
#define ELCR_PORT       0x4d0u
#define ELCR_PORT_COUNT 2u
#define ELCR_MASTER     0xf8u /* lines 0, 1, 2 are always edge triggered */
#define ELCR_SLAVE      0xdeu /* lines 8, 13 too */

#define CASCADE        2u
#define INPUT_COUNT    8u
#define INPUT_SPURIOUS 7u
#define NO_INPUT       (-1)

#define ICW1         BIT(4)
#define ICW1_IC4     BIT(0)
#define ICW1_SNGL    BIT(1)
#define ICW2_BASE    0xf8u
#define ICW4_AEOI    BIT(1)
#define ICW4_SFNM    BIT(4)
#define OCW2_LEVEL   0x07u
#define OCW2_EOI     BIT(5)
#define OCW2_SL      BIT(6)
#define OCW2_R       BIT(7)
#define OCW3         BIT(3)
#define OCW3_RIS     BIT(0)
#define OCW3_RR      BIT(1)
#define OCW3_P       BIT(2)
#define OCW3_SMM     BIT(5)
#define OCW3_ESMM    BIT(6)
#define POLL_REQUEST BIT(7)

/* Priority rank of the highest-priority bit set (0 is highest), or INPUT_COUNT if none is. */
static unsigned best_rank(const struct i8259 *chip, u8 bits)
{
    for (unsigned rank = 0; rank < INPUT_COUNT; rank++) {
        if (bits & BIT((chip->lowest + 1u + rank) % INPUT_COUNT))
            return rank;
    }
    return INPUT_COUNT;
}

static unsigned input_at_rank(const struct i8259 *chip, unsigned rank)
{
    return (chip->lowest + 1u + rank) % INPUT_COUNT;
}

/* The input to be served now, or NO_INPUT. */
static int chip_request(const struct i8259 *chip)
{
    u8 in_service = chip->isr;
    unsigned rank;

    if (chip->state != I8259_READY)
        return NO_INPUT;
    if (chip->special_mask)
        in_service &= (u8)~chip->imr;
    if (chip->special_nested)
        in_service &= (u8)~BIT(CASCADE);
    rank = best_rank(chip, chip->irr & (u8)~chip->imr);
    return rank < best_rank(chip, in_service) ? (int)input_at_rank(chip, rank) : NO_INPUT;
}

/* Lets the master's input 2 follow the slave's output. */
static void follow_slave(struct vpic *pic)
{
    if (chip_request(&pic->slave) == NO_INPUT)
        pic->master.irr &= (u8)~BIT(CASCADE);
    else
        pic->master.irr |= BIT(CASCADE);
}

static void chip_set_input(struct i8259 *chip, unsigned input, bool level)
{
    u8 bit = (u8)BIT(input);
    bool is_rising = level && !(chip->lines & bit);

    if (level)
        chip->lines |= bit;
    else
        chip->lines &= (u8)~bit;
    if (chip->elcr & bit)
        chip->irr = (u8)((chip->irr & ~bit) | (level ? bit : 0));
    else if (is_rising)
        chip->irr |= bit;
}

void vpic_set_line(struct vpic *pic, unsigned line, bool level)
{
    if (line < INPUT_COUNT)
        chip_set_input(&pic->master, line, level);
    else
        chip_set_input(&pic->slave, line - INPUT_COUNT, level);
    follow_slave(pic);
}

static void chip_acknowledge(struct i8259 *chip, unsigned input)
{
    u8 bit = (u8)BIT(input);

    if (!(chip->elcr & bit))
        chip->irr &= (u8)~bit;
    if (!chip->auto_eoi)
        chip->isr |= bit;
    else if (chip->rotate_auto)
        chip->lowest = (u8)input;
}

bool vpic_output(const struct vpic *pic)
{
    return chip_request(&pic->master) != NO_INPUT;
}

u8 vpic_peek(const struct vpic *pic)
{
    const struct i8259 *chip = &pic->master;
    int input = chip_request(chip);

    if (input == (int)CASCADE) {
        chip = &pic->slave;
        input = chip_request(chip);
    }
    return (u8)(chip->base + (input == NO_INPUT ? INPUT_SPURIOUS : (unsigned)input));
}

u8 vpic_acknowledge(struct vpic *pic)
{
    u8 vector = vpic_peek(pic);
    int input = chip_request(&pic->master);

    if (input == NO_INPUT)
        return vector; /* spurious: sets no ISR bit */
    chip_acknowledge(&pic->master, (unsigned)input);
    if (input == (int)CASCADE) {
        input = chip_request(&pic->slave);
        if (input != NO_INPUT)
            chip_acknowledge(&pic->slave, (unsigned)input);
        follow_slave(pic);
    }
    return vector;
}

static void write_icw1(struct i8259 *chip, u8 value)
{
    *chip = (struct i8259){
        .state = I8259_ICW2,
        .lines = chip->lines,
        .irr = chip->lines & chip->elcr, /* the edge sense circuit is reset */
        .elcr = chip->elcr,
        .base = chip->base,
        .lowest = INPUT_COUNT - 1,
        .has_icw4 = (value & ICW1_IC4) != 0,
        .is_single = (value & ICW1_SNGL) != 0,
    };
}

/* End of interrupt and rotation commands. Spec: 8259A "Operation Command Word 2 (OCW2)". */
static void write_ocw2(struct i8259 *chip, u8 value)
{
    u8 in_service = chip->special_mask ? (u8)(chip->isr & ~chip->imr) : chip->isr;
    unsigned input = value & OCW2_LEVEL;

    if (!(value & OCW2_SL)) {
        if (!(value & OCW2_EOI)) {
            chip->rotate_auto = (value & OCW2_R) != 0;
            return;
        }
        if (!in_service)
            return;
        input = input_at_rank(chip, best_rank(chip, in_service));
    }
    if (value & OCW2_EOI)
        chip->isr &= (u8)~BIT(input);
    if (value & OCW2_R)
        chip->lowest = (u8)input;
}

static void write_ocw3(struct i8259 *chip, u8 value)
{
    if (value & OCW3_ESMM)
        chip->special_mask = (value & OCW3_SMM) != 0;
    if (value & OCW3_P)
        chip->poll = true;
    else if (value & OCW3_RR)
        chip->read_isr = (value & OCW3_RIS) != 0;
}

static void write_data(struct i8259 *chip, u8 value)
{
    switch (chip->state) {
    case I8259_UNINITIALISED:
    case I8259_READY:
        chip->imr = value;
        break;
    case I8259_ICW2:
        chip->base = value & ICW2_BASE;
        chip->state = I8259_ICW3;
        if (chip->is_single)
            chip->state = chip->has_icw4 ? I8259_ICW4 : I8259_READY;
        break;
    case I8259_ICW3: /* the wiring is fixed */
        chip->state = chip->has_icw4 ? I8259_ICW4 : I8259_READY;
        break;
    case I8259_ICW4:
        chip->auto_eoi = (value & ICW4_AEOI) != 0;
        chip->special_nested = (value & ICW4_SFNM) != 0;
        chip->state = I8259_READY;
        break;
    }
}

void vpic_write(struct vpic *pic, bool is_slave, bool is_data, u8 value)
{
    struct i8259 *chip = is_slave ? &pic->slave : &pic->master;

    if (is_data)
        write_data(chip, value);
    else if (value & ICW1)
        write_icw1(chip, value);
    else if (value & OCW3)
        write_ocw3(chip, value);
    else
        write_ocw2(chip, value);
    follow_slave(pic);
}

/* Spec: 8259A "Poll Command". */
static u8 read_poll(struct i8259 *chip)
{
    int input = chip_request(chip);

    chip->poll = false;
    if (input == NO_INPUT)
        return 0;
    chip_acknowledge(chip, (unsigned)input);
    return (u8)(POLL_REQUEST | (unsigned)input);
}

u8 vpic_read(struct vpic *pic, bool is_slave, bool is_data)
{
    struct i8259 *chip = is_slave ? &pic->slave : &pic->master;
    u8 value;

    if (chip->poll) {
        value = read_poll(chip);
        follow_slave(pic);
        return value;
    }
    if (is_data)
        return chip->imr;
    return chip->read_isr ? chip->isr : chip->irr;
}

void vpic_power_on(struct vpic *pic)
{
    pic->master = (struct i8259){.lowest = INPUT_COUNT - 1};
    pic->slave = pic->master;
}

static u64 port_read(struct vdev *dev, bool is_slave, u64 offset, unsigned size)
{
    struct vpic *pic = container_of(dev, struct vpic, dev);
    struct virq *virq = dev->vm->virq;
    u64 flags;
    u8 value;

    if (size != 1)
        return vdev_ones(size);
    flags = spin_lock_irqsave(&virq->lock);
    value = vpic_read(pic, is_slave, offset == PIC_DATA);
    virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
    return value;
}

static void port_write(struct vdev *dev, bool is_slave, u64 offset, unsigned size, u64 value)
{
    struct vpic *pic = container_of(dev, struct vpic, dev);
    struct virq *virq = dev->vm->virq;
    u64 flags;

    if (size != 1)
        return;
    flags = spin_lock_irqsave(&virq->lock);
    vpic_write(pic, is_slave, offset == PIC_DATA, (u8)value);
    virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
}

static u64 master_read(struct vdev *dev, u64 offset, unsigned size)
{
    return port_read(dev, false, offset, size);
}

static void master_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    port_write(dev, false, offset, size, value);
}

static u64 slave_read(struct vdev *dev, u64 offset, unsigned size)
{
    return port_read(dev, true, offset, size);
}

static void slave_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    port_write(dev, true, offset, size, value);
}

static u64 elcr_read(struct vdev *dev, u64 offset, unsigned size)
{
    const struct vpic *pic = container_of(dev, struct vpic, dev);

    if (size != 1)
        return vdev_ones(size);
    return offset == 0 ? pic->master.elcr : pic->slave.elcr;
}

static void elcr_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpic *pic = container_of(dev, struct vpic, dev);
    struct virq *virq = dev->vm->virq;
    struct i8259 *chip = offset == 0 ? &pic->master : &pic->slave;
    u64 flags;

    if (size != 1)
        return;
    flags = spin_lock_irqsave(&virq->lock);
    chip->elcr = (u8)(value & (offset == 0 ? ELCR_MASTER : ELCR_SLAVE));
    chip->irr = (u8)((chip->irr & ~chip->elcr) | (chip->lines & chip->elcr));
    follow_slave(pic);
    virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
}

static const struct bus_ops master_ops = {.read = master_read, .write = master_write};
static const struct bus_ops slave_ops = {.read = slave_read, .write = slave_write};
static const struct bus_ops elcr_ops = {.read = elcr_read, .write = elcr_write};

static void vpic_reset(struct vdev *dev)
{
    struct vpic *pic = container_of(dev, struct vpic, dev);
    struct virq *virq = dev->vm->virq;
    u64 flags = spin_lock_irqsave(&virq->lock);

    vpic_power_on(pic);
    virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
}

static void vpic_fini(struct vdev *dev)
{
    kfree(container_of(dev, struct vpic, dev));
}

static const struct vdev_ops vpic_ops = {.reset = vpic_reset, .fini = vpic_fini};

int vpic_create(struct vm *vm)
{
    struct virq *virq = virq_get(vm);
    struct vpic *pic;
    int err;

    if (!virq)
        return -ENOMEM;
    pic = kzalloc(sizeof(*pic));
    if (!pic)
        return -ENOMEM;
    vpic_power_on(pic);
    vdev_attach(vm, &pic->dev, "vpic", &vpic_ops);
    virq->pic = pic;
    err = bus_add(&vm->pio, PIC_MASTER_PORT, PIC_PORT_COUNT, &master_ops, &pic->dev);
    if (!err)
        err = bus_add(&vm->pio, PIC_SLAVE_PORT, PIC_PORT_COUNT, &slave_ops, &pic->dev);
    if (!err)
        err = bus_add(&vm->pio, ELCR_PORT, ELCR_PORT_COUNT, &elcr_ops, &pic->dev);
    return err;
}
