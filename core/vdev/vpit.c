/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8254, computed from time.
 *
 * Simplification: a new count in modes 2 and 3 takes effect at once, not at the end of the running
 * period. Channel 0's periodic edges keep their phase, missed ones are dropped, and none come
 * faster than VDEV_MIN_PERIOD_NS.
 */
#include "core/vdev/vpit.h"

#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vm/vm.h"
#include "core/vmm/guest_layout.h"
#include "mm/kheap.h"

#define PIT_PORT       0x40u
#define PIT_PORT_COUNT 4u
#define PIT_CONTROL    3u
#define SPEAKER_PORT   0x61u

#define CONTROL_BCD        BIT(0)
#define CONTROL_MODE       0x0eu
#define CONTROL_ACCESS     0x30u
#define CONTROL_CHANNEL    0xc0u
#define ACCESS_LATCH       0u
#define ACCESS_LOW         1u
#define ACCESS_HIGH        2u
#define ACCESS_BOTH        3u
#define CHANNEL_READBACK   3u
#define READBACK_NO_COUNT  BIT(5)
#define READBACK_NO_STATUS BIT(4)
#define READBACK_CHANNEL   BIT(1) /* of channel 0; the others follow */
#define STATUS_CONTROL     0x3fu
#define STATUS_NULL        BIT(6)
#define STATUS_OUT         BIT(7)

#define COUNT_MAX     0x10000u
#define BCD_COUNT_MAX 10000u

#define PORT61_GATE2    BIT(0)
#define PORT61_WRITABLE 0x0fu
#define PORT61_REFRESH  BIT(4)
#define PORT61_OUT2     BIT(5)
#define REFRESH_NS      15085u /* half period of the DRAM refresh request */

/* Modes as decoded: 6 and 7 are 2 and 3. */
enum pit_mode {
    PIT_TERMINAL_COUNT,
    PIT_ONE_SHOT,
    PIT_RATE,
    PIT_SQUARE,
    PIT_SOFT_STROBE,
    PIT_HARD_STROBE
};

static enum pit_mode mode_of(const struct i8254 *ch)
{
    unsigned mode = (unsigned)FIELD_GET(CONTROL_MODE, ch->control);

    return (enum pit_mode)(mode > PIT_HARD_STROBE ? mode - 4 : mode);
}

static bool is_periodic(const struct i8254 *ch)
{
    return mode_of(ch) == PIT_RATE || mode_of(ch) == PIT_SQUARE;
}

static bool is_gate_triggered(const struct i8254 *ch)
{
    return mode_of(ch) == PIT_ONE_SHOT || mode_of(ch) == PIT_HARD_STROBE;
}

static bool is_counting(const struct i8254 *ch)
{
    if (!ch->is_loaded)
        return false;
    return is_gate_triggered(ch) ? ch->is_triggered : ch->gate;
}

/* Ticks since the count was loaded or the gate triggered. */
static u64 elapsed(const struct i8254 *ch, u64 now)
{
    if (!is_counting(ch))
        return ch->ticks_before;
    return ch->ticks_before + vdev_ticks_from_ns(now - ch->start_ns, VPIT_HZ);
}

static bool output(const struct i8254 *ch, u64 now)
{
    u64 ticks = elapsed(ch, now);

    switch (mode_of(ch)) {
    case PIT_TERMINAL_COUNT:
        return ch->is_loaded && ticks >= ch->count;
    case PIT_ONE_SHOT:
        return !ch->is_triggered || ticks >= ch->count;
    case PIT_RATE:
        return !is_counting(ch) || ticks % ch->count != ch->count - 1;
    case PIT_SQUARE:
        return !is_counting(ch) || ticks % ch->count < (ch->count + 1) / 2;
    case PIT_SOFT_STROBE:
    case PIT_HARD_STROBE:
        break;
    }
    return !is_counting(ch) || ticks != ch->count;
}

static u16 to_bcd(u32 value)
{
    return (u16)(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                 value % 10);
}

static u32 from_bcd(u32 bcd)
{
    return (bcd >> 12) * 1000 + (bcd >> 8 & 0xf) * 100 + (bcd >> 4 & 0xf) * 10 + (bcd & 0xf);
}

static u16 counter(const struct i8254 *ch, u64 now)
{
    bool is_bcd = (ch->control & CONTROL_BCD) != 0;
    u32 wrap = is_bcd ? BCD_COUNT_MAX : COUNT_MAX;
    u64 ticks = elapsed(ch, now);
    u32 value;

    if (mode_of(ch) == PIT_SQUARE) /* counts by two, twice per period; odd bits never show */
        value = ch->count - (u32)(2 * ticks % ch->count & ~1ull);
    else if (mode_of(ch) == PIT_RATE)
        value = ch->count - (u32)(ticks % ch->count);
    else
        value = (u32)((ch->count + (u64)wrap - ticks % wrap) % wrap);
    return is_bcd ? to_bcd(value) : (u16)value;
}

/* Channel 0's next rising edge. */
static u64 next_edge(const struct i8254 *ch, u64 now)
{
    u64 ticks = elapsed(ch, now);
    u64 run_ns = vdev_ns_from_ticks(ch->count, VPIT_HZ);

    if (!is_counting(ch))
        return VDEV_NEVER_NS;
    if (is_periodic(ch))
        return ch->start_ns + MAX(run_ns, VDEV_MIN_PERIOD_NS);
    return ticks < ch->count ? now + vdev_ns_from_ticks(ch->count - ticks, VPIT_HZ) : VDEV_NEVER_NS;
}

static void arm(struct vpit *pit, u64 deadline_ns)
{
    pit->deadline_ns = deadline_ns;
    if (deadline_ns != VDEV_NEVER_NS)
        timer_arm(&pit->timer, deadline_ns);
}

/* Channel 0 was programmed: its line goes low and rises at the next edge. */
static void restart_channel0(struct vpit *pit, u64 now)
{
    virq_set(pit->dev.vm, GUEST_PIT_LINE, false);
    arm(pit, next_edge(&pit->channel[0], now));
}

static void on_edge(void *arg)
{
    struct vpit *pit = arg;
    struct i8254 *ch = &pit->channel[0];
    u64 flags = spin_lock_irqsave(&pit->dev.lock);
    u64 now = time_ns();
    u64 period;

    if (now < pit->deadline_ns) {
        arm(pit, pit->deadline_ns);
    } else {
        virq_set(pit->dev.vm, GUEST_PIT_LINE, false);
        virq_set(pit->dev.vm, GUEST_PIT_LINE, true);
        period = MAX(vdev_ns_from_ticks(ch->count, VPIT_HZ), VDEV_MIN_PERIOD_NS);
        arm(pit, is_periodic(ch) ? vdev_next_period(pit->deadline_ns, period, now) : VDEV_NEVER_NS);
    }
    spin_unlock_irqrestore(&pit->dev.lock, flags);
}

static void load(struct vpit *pit, unsigned index, u32 raw)
{
    struct i8254 *ch = &pit->channel[index];
    bool is_bcd = (ch->control & CONTROL_BCD) != 0;
    u32 count = is_bcd ? from_bcd(raw) : raw;

    ch->count = count != 0 ? count : is_bcd ? BCD_COUNT_MAX : COUNT_MAX;
    ch->is_loaded = true;
    ch->ticks_before = 0;
    ch->start_ns = time_ns();
    if (index == 0)
        restart_channel0(pit, ch->start_ns);
}

static void write_count(struct vpit *pit, unsigned index, u8 value)
{
    struct i8254 *ch = &pit->channel[index];

    switch (FIELD_GET(CONTROL_ACCESS, ch->control)) {
    case ACCESS_LOW:
        load(pit, index, value);
        break;
    case ACCESS_HIGH:
        load(pit, index, (u32)value << 8);
        break;
    default:
        if (ch->expects_high)
            load(pit, index, (u32)value << 8 | ch->write_low);
        else if (mode_of(ch) == PIT_TERMINAL_COUNT)
            ch->is_loaded = false; /* the first byte stops the count */
        ch->write_low = value;
        ch->expects_high = !ch->expects_high;
        break;
    }
}

static void latch_count(struct i8254 *ch, u64 now)
{
    if (ch->has_latched_count)
        return;
    ch->latched_count = counter(ch, now);
    ch->has_latched_count = true;
}

static void latch_status(struct i8254 *ch, u64 now)
{
    if (ch->has_latched_status)
        return;
    ch->latched_status = (u8)((ch->control & STATUS_CONTROL) | (ch->is_loaded ? 0 : STATUS_NULL) |
                              (output(ch, now) ? STATUS_OUT : 0));
    ch->has_latched_status = true;
}

/* Spec: 82C54 "Read-Back Command". */
static void read_back(struct vpit *pit, u8 command, u64 now)
{
    for (unsigned i = 0; i < VPIT_CHANNEL_COUNT; i++) {
        if (!(command & READBACK_CHANNEL << i))
            continue;
        if (!(command & READBACK_NO_COUNT))
            latch_count(&pit->channel[i], now);
        if (!(command & READBACK_NO_STATUS))
            latch_status(&pit->channel[i], now);
    }
}

static void write_control(struct vpit *pit, u8 value)
{
    unsigned index = (unsigned)FIELD_GET(CONTROL_CHANNEL, value);
    u64 now = time_ns();
    struct i8254 *ch;

    if (index == CHANNEL_READBACK) {
        read_back(pit, value, now);
        return;
    }
    ch = &pit->channel[index];
    if (FIELD_GET(CONTROL_ACCESS, value) == ACCESS_LATCH) {
        latch_count(ch, now);
        return;
    }
    *ch = (struct i8254){.control = value & STATUS_CONTROL, .gate = ch->gate, .count = COUNT_MAX};
    if (index == 0)
        restart_channel0(pit, now);
}

static u8 read_count(struct i8254 *ch)
{
    unsigned access = (unsigned)FIELD_GET(CONTROL_ACCESS, ch->control);
    u16 value;
    bool is_high;

    if (ch->has_latched_status) {
        ch->has_latched_status = false;
        return ch->latched_status;
    }
    value = ch->has_latched_count ? ch->latched_count : counter(ch, time_ns());
    is_high = access == ACCESS_HIGH || (access == ACCESS_BOTH && ch->reads_high);
    if (access == ACCESS_BOTH)
        ch->reads_high = !ch->reads_high;
    if (access != ACCESS_BOTH || is_high)
        ch->has_latched_count = false;
    return (u8)(is_high ? value >> 8 : value);
}

static void set_gate(struct i8254 *ch, bool gate)
{
    u64 now = time_ns();
    bool is_rising = gate && !ch->gate;

    if (gate == ch->gate)
        return;
    if (!is_gate_triggered(ch))
        ch->ticks_before = elapsed(ch, now);
    ch->gate = gate;
    if (!is_rising)
        return;
    ch->start_ns = now;
    if (is_gate_triggered(ch))
        ch->is_triggered = ch->is_loaded;
    if (is_gate_triggered(ch) || is_periodic(ch))
        ch->ticks_before = 0; /* a rising gate starts these over */
}

static u64 pit_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);
    u64 flags;
    u8 value;

    if (size != 1 || offset >= VPIT_CHANNEL_COUNT) /* the control word cannot be read */
        return vdev_ones(size);
    flags = spin_lock_irqsave(&dev->lock);
    value = read_count(&pit->channel[offset]);
    spin_unlock_irqrestore(&dev->lock, flags);
    return value;
}

static void pit_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);
    u64 flags;

    if (size != 1)
        return;
    flags = spin_lock_irqsave(&dev->lock);
    if (offset == PIT_CONTROL)
        write_control(pit, (u8)value);
    else
        write_count(pit, (unsigned)offset, (u8)value);
    spin_unlock_irqrestore(&dev->lock, flags);
}

static u64 port61_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);
    u64 value, flags, now;

    (void)offset;
    flags = spin_lock_irqsave(&dev->lock);
    now = time_ns();
    value = pit->port61;
    if (now / REFRESH_NS % 2)
        value |= PORT61_REFRESH;
    if (output(&pit->channel[2], now))
        value |= PORT61_OUT2;
    spin_unlock_irqrestore(&dev->lock, flags);
    return value & vdev_ones(size);
}

static void port61_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);
    u64 flags;

    (void)offset;
    (void)size;
    flags = spin_lock_irqsave(&dev->lock);
    pit->port61 = value & PORT61_WRITABLE;
    set_gate(&pit->channel[2], (value & PORT61_GATE2) != 0);
    spin_unlock_irqrestore(&dev->lock, flags);
}

static const struct bus_ops pit_bus_ops = {.read = pit_read, .write = pit_write};
static const struct bus_ops port61_ops = {.read = port61_read, .write = port61_write};

static void power_on(struct vpit *pit)
{
    for (unsigned i = 0; i < VPIT_CHANNEL_COUNT; i++)
        pit->channel[i] = (struct i8254){.gate = i != 2, .count = COUNT_MAX};
    pit->port61 = 0;
    pit->deadline_ns = VDEV_NEVER_NS;
}

static void vpit_reset(struct vdev *dev)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);
    u64 flags = spin_lock_irqsave(&dev->lock);

    power_on(pit);
    virq_set(dev->vm, GUEST_PIT_LINE, false);
    spin_unlock_irqrestore(&dev->lock, flags);
    timer_cancel(&pit->timer);
}

static void vpit_fini(struct vdev *dev)
{
    struct vpit *pit = container_of(dev, struct vpit, dev);

    timer_cancel(&pit->timer);
    kfree(pit);
}

static const struct vdev_ops vpit_ops = {.reset = vpit_reset, .fini = vpit_fini};

int vpit_create(struct vm *vm)
{
    struct vpit *pit = kzalloc(sizeof(*pit));
    int err;

    if (!pit)
        return -ENOMEM;
    vdev_attach(vm, &pit->dev, "vpit", &vpit_ops);
    timer_init(&pit->timer, on_edge, pit);
    power_on(pit);
    err = bus_add(&vm->pio, PIT_PORT, PIT_PORT_COUNT, &pit_bus_ops, &pit->dev);
    if (!err)
        err = bus_add(&vm->pio, SPEAKER_PORT, 1, &port61_ops, &pit->dev);
    return err;
}
