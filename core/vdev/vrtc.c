/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time clock: host time plus an offset, so it runs on over resets and costs nothing unless
 * an interrupt is enabled.
 *
 * Flags are brought up to date when register C is read or the timer fires. The clock stops while
 * the guest holds SET and goes on from what the guest then left in the time registers.
 */
#include "core/vdev/vrtc.h"

#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vdev/vrtc_time.h"
#include "core/vm/vm.h"
#include "core/vmm/guest_layout.h"
#include "mm/kheap.h"

#define RTC_PORT_COUNT 2u
#define RTC_INDEX_MASK 0x7fu /* bit 7 masks NMIs; there are none by this way */

#define RTC_SECONDS       0x00u
#define RTC_SECONDS_ALARM 0x01u
#define RTC_MINUTES       0x02u
#define RTC_MINUTES_ALARM 0x03u
#define RTC_HOURS         0x04u
#define RTC_HOURS_ALARM   0x05u
#define RTC_WEEKDAY       0x06u
#define RTC_DAY           0x07u
#define RTC_MONTH         0x08u
#define RTC_YEAR          0x09u
#define RTC_REG_A         0x0au
#define RTC_REG_B         0x0bu
#define RTC_REG_C         0x0cu
#define RTC_REG_D         0x0du
#define RTC_CENTURY       0x32u

#define REG_A_UIP     BIT(7)
#define REG_A_DV      0x70u
#define REG_A_DV_RUN  0x20u
#define REG_A_RS      0x0fu
#define REG_A_RESET   0x26u /* 32 kHz time base, 1024 Hz periodic rate */
#define REG_B_SET     BIT(7)
#define REG_B_PIE     BIT(6)
#define REG_B_AIE     BIT(5)
#define REG_B_UIE     BIT(4)
#define REG_B_DM      BIT(2) /* binary, else BCD */
#define REG_B_24H     BIT(1)
#define REG_B_ENABLES (REG_B_PIE | REG_B_AIE | REG_B_UIE)
#define REG_C_IRQF    BIT(7)
#define REG_C_PF      BIT(6)
#define REG_C_AF      BIT(5)
#define REG_C_UF      BIT(4)
#define REG_D_VRT     BIT(7) /* valid RAM and time: the battery is good */
#define ALARM_ANY     0xc0u
#define HOUR_PM       BIT(7)

#define TIME_BASE_HZ     32768u
#define UIP_NS           (244 * NS_PER_US) /* UIP comes this much before the update */
#define ALARM_CATCH_UP_S 120u              /* seconds looked back at for a missed alarm */

/* Memory sizes as PC firmware stores them. */
#define CMOS_BASE_KIB  0x15u /* 16 bits */
#define CMOS_EXT_KIB   0x17u /* 16 bits: 1 MiB to 64 MiB */
#define CMOS_EXT_KIB2  0x30u /* the same again */
#define CMOS_ABOVE_16M 0x34u /* 16 bits, in 64 KiB */
#define CMOS_ABOVE_4G  0x5bu /* 24 bits, in 64 KiB */
#define BASE_KIB       640u
#define BLOCK_BYTES    (64 * KiB)

static u64 clock_ns(const struct vrtc *rtc, u64 now)
{
    return rtc->epoch_ns + now;
}

static u8 encode(const struct vrtc *rtc, u32 value)
{
    return (u8)(rtc->cmos[RTC_REG_B] & REG_B_DM ? value : value / 10 % 10 << 4 | value % 10);
}

static u32 decode(const struct vrtc *rtc, u8 reg)
{
    return rtc->cmos[RTC_REG_B] & REG_B_DM ? reg : (reg >> 4) * 10u + (reg & 0xfu);
}

static u8 encode_hour(const struct vrtc *rtc, u32 hour)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_24H)
        return encode(rtc, hour);
    return (u8)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}

static u32 decode_hour(const struct vrtc *rtc, u8 reg)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_24H)
        return decode(rtc, reg);
    return decode(rtc, reg & (u8)~HOUR_PM) % 12 + (reg & HOUR_PM ? 12 : 0);
}

static bool is_set(const struct vrtc *rtc)
{
    return (rtc->cmos[RTC_REG_B] & REG_B_SET) != 0;
}

/* Fills the time registers from a clock reading. */
static void show_time(struct vrtc *rtc, u64 unix_s)
{
    struct rtc_time t = rtc_time_from_unix(unix_s);

    rtc->cmos[RTC_SECONDS] = encode(rtc, t.second);
    rtc->cmos[RTC_MINUTES] = encode(rtc, t.minute);
    rtc->cmos[RTC_HOURS] = encode_hour(rtc, t.hour);
    rtc->cmos[RTC_WEEKDAY] = encode(rtc, t.weekday);
    rtc->cmos[RTC_DAY] = encode(rtc, t.day);
    rtc->cmos[RTC_MONTH] = encode(rtc, t.month);
    rtc->cmos[RTC_YEAR] = encode(rtc, t.year % 100);
    rtc->cmos[RTC_CENTURY] = encode(rtc, t.year / 100);
}

/* Sets the clock to what the time registers say. */
static void take_time(struct vrtc *rtc, u64 now)
{
    struct rtc_time t = {
        .second = decode(rtc, rtc->cmos[RTC_SECONDS]),
        .minute = decode(rtc, rtc->cmos[RTC_MINUTES]),
        .hour = decode_hour(rtc, rtc->cmos[RTC_HOURS]),
        .day = decode(rtc, rtc->cmos[RTC_DAY]),
        .month = decode(rtc, rtc->cmos[RTC_MONTH]),
        .year = decode(rtc, rtc->cmos[RTC_CENTURY]) * 100 + decode(rtc, rtc->cmos[RTC_YEAR]),
    };

    rtc->epoch_ns = rtc_time_to_unix(&t) * NS_PER_S - now;
    rtc->second_seen = clock_ns(rtc, now) / NS_PER_S;
}

static bool alarm_matches(const struct vrtc *rtc, u64 unix_s)
{
    struct rtc_time t = rtc_time_from_unix(unix_s);
    u8 second = rtc->cmos[RTC_SECONDS_ALARM], minute = rtc->cmos[RTC_MINUTES_ALARM];
    u8 hour = rtc->cmos[RTC_HOURS_ALARM];

    return ((second & ALARM_ANY) == ALARM_ANY || decode(rtc, second) == t.second) &&
           ((minute & ALARM_ANY) == ALARM_ANY || decode(rtc, minute) == t.minute) &&
           ((hour & ALARM_ANY) == ALARM_ANY || decode_hour(rtc, hour) == t.hour);
}

/* Length of the periodic interval, 0 if off. Spec: MC146818A "Periodic Interrupt Rate and Square
 * Wave Output". */
static u64 periodic_interval_ns(const struct vrtc *rtc)
{
    u32 rate = rtc->cmos[RTC_REG_A] & REG_A_RS;

    if (rate == 0 || (rtc->cmos[RTC_REG_A] & REG_A_DV) != REG_A_DV_RUN)
        return 0;
    if (rate <= 2)
        rate += 7; /* 1 and 2 are those of 8 and 9 */
    return vdev_ns_from_ticks(BIT(rate - 1), TIME_BASE_HZ);
}

/* Sets the flags of everything that has happened until now. */
static void account(struct vrtc *rtc, u64 now)
{
    u64 second = clock_ns(rtc, now) / NS_PER_S;
    u64 from = rtc->second_seen;

    if (!is_set(rtc) && second > from) {
        rtc->cmos[RTC_REG_C] |= REG_C_UF;
        from = MAX(from, second - MIN(second, (u64)ALARM_CATCH_UP_S));
        for (u64 s = from + 1; s <= second; s++) {
            if (alarm_matches(rtc, s))
                rtc->cmos[RTC_REG_C] |= REG_C_AF;
        }
    }
    rtc->second_seen = second;
    if (now >= rtc->periodic_ns) {
        rtc->cmos[RTC_REG_C] |= REG_C_PF;
        rtc->periodic_ns = vdev_next_period(rtc->periodic_ns, periodic_interval_ns(rtc), now);
    }
}

/* Line 8 is high as long as register C has not been read. */
static void update_line(struct vrtc *rtc)
{
    if (rtc->cmos[RTC_REG_B] & rtc->cmos[RTC_REG_C] & REG_B_ENABLES)
        rtc->cmos[RTC_REG_C] |= REG_C_IRQF;
    virq_set(rtc->dev.vm, GUEST_RTC_LINE, (rtc->cmos[RTC_REG_C] & REG_C_IRQF) != 0);
}

/* Arms the timer for the next event that would interrupt; polled flags need none. */
static void arm(struct vrtc *rtc, u64 now)
{
    u8 b = rtc->cmos[RTC_REG_B];
    u64 deadline = VDEV_NEVER_NS;

    if ((b & (REG_B_AIE | REG_B_UIE)) && !is_set(rtc))
        deadline = now + NS_PER_S - clock_ns(rtc, now) % NS_PER_S;
    if (b & REG_B_PIE)
        deadline = MIN(deadline, rtc->periodic_ns);
    rtc->deadline_ns = deadline;
    if (deadline != VDEV_NEVER_NS)
        timer_arm(&rtc->timer, deadline);
}

static void on_timer(void *arg)
{
    struct vrtc *rtc = arg;
    u64 flags = spin_lock_irqsave(&rtc->dev.lock);
    u64 now = time_ns();

    if (rtc->deadline_ns != VDEV_NEVER_NS) {
        account(rtc, now);
        update_line(rtc);
        arm(rtc, now);
    }
    spin_unlock_irqrestore(&rtc->dev.lock, flags);
}

static bool is_time_register(u8 reg)
{
    return reg <= RTC_YEAR
               ? reg != RTC_SECONDS_ALARM && reg != RTC_MINUTES_ALARM && reg != RTC_HOURS_ALARM
               : reg == RTC_CENTURY;
}

static bool is_updating(const struct vrtc *rtc, u64 now)
{
    return !is_set(rtc) && clock_ns(rtc, now) % NS_PER_S >= NS_PER_S - UIP_NS;
}

static u8 read_c(struct vrtc *rtc, u64 now)
{
    u8 value;

    account(rtc, now);
    update_line(rtc);
    value = rtc->cmos[RTC_REG_C];
    rtc->cmos[RTC_REG_C] = 0;
    update_line(rtc);
    arm(rtc, now);
    return value;
}

static u8 read_register(struct vrtc *rtc, u8 reg)
{
    u64 now = time_ns();

    if (is_time_register(reg) && !is_set(rtc))
        show_time(rtc, clock_ns(rtc, now) / NS_PER_S);
    switch (reg) {
    case RTC_REG_A:
        return (u8)(rtc->cmos[reg] | (is_updating(rtc, now) ? REG_A_UIP : 0));
    case RTC_REG_C:
        return read_c(rtc, now);
    case RTC_REG_D:
        return REG_D_VRT;
    default:
        return rtc->cmos[reg];
    }
}

static void restart_periodic(struct vrtc *rtc, u64 now)
{
    u64 interval = periodic_interval_ns(rtc);

    rtc->periodic_ns = interval ? now + interval : VDEV_NEVER_NS;
}

static void write_a(struct vrtc *rtc, u8 value, u64 now)
{
    u8 old = rtc->cmos[RTC_REG_A];

    rtc->cmos[RTC_REG_A] = value & (u8)~REG_A_UIP;
    if (rtc->cmos[RTC_REG_A] != old)
        restart_periodic(rtc, now);
}

static void write_b(struct vrtc *rtc, u8 value, u64 now)
{
    bool was_set = is_set(rtc);

    if (!was_set && (value & REG_B_SET))
        show_time(rtc, clock_ns(rtc, now) / NS_PER_S);
    if (value & REG_B_SET)
        value &= (u8)~REG_B_UIE; /* SET clears it */
    rtc->cmos[RTC_REG_B] = value;
    if (was_set && !(value & REG_B_SET))
        take_time(rtc, now);
}

static void write_register(struct vrtc *rtc, u8 reg, u8 value)
{
    u64 now = time_ns();

    account(rtc, now);
    if (reg == RTC_REG_A) {
        write_a(rtc, value, now);
    } else if (reg == RTC_REG_B) {
        write_b(rtc, value, now);
    } else if (is_time_register(reg) && !is_set(rtc)) {
        show_time(rtc, clock_ns(rtc, now) / NS_PER_S);
        rtc->cmos[reg] = value;
        take_time(rtc, now);
    } else if (reg != RTC_REG_C && reg != RTC_REG_D) {
        rtc->cmos[reg] = value;
    }
    update_line(rtc);
    arm(rtc, now);
}

static u64 vrtc_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vrtc *rtc = container_of(dev, struct vrtc, dev);
    u64 flags;
    u8 value;

    if (size != 1 || offset == 0) /* the index register cannot be read */
        return vdev_ones(size);
    flags = spin_lock_irqsave(&dev->lock);
    value = read_register(rtc, rtc->index);
    spin_unlock_irqrestore(&dev->lock, flags);
    return value;
}

static void vrtc_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vrtc *rtc = container_of(dev, struct vrtc, dev);
    u64 flags;

    if (size != 1)
        return;
    flags = spin_lock_irqsave(&dev->lock);
    if (offset == 0)
        rtc->index = value & RTC_INDEX_MASK;
    else
        write_register(rtc, rtc->index, (u8)value);
    spin_unlock_irqrestore(&dev->lock, flags);
}

static const struct bus_ops vrtc_bus_ops = {.read = vrtc_read, .write = vrtc_write};

/* Little-endian number over several registers. */
static void store(struct vrtc *rtc, unsigned reg, unsigned bytes, u64 value)
{
    value = MIN(value, BIT(bytes * 8) - 1);
    for (unsigned i = 0; i < bytes; i++)
        rtc->cmos[reg + i] = (u8)(value >> i * 8);
}

static void store_memory_sizes(struct vrtc *rtc, u64 low_bytes, u64 high_bytes)
{
    u64 extended = low_bytes > MiB ? low_bytes - MiB : 0;
    u64 above_16m = low_bytes > 16 * MiB ? low_bytes - 16 * MiB : 0;

    store(rtc, CMOS_BASE_KIB, 2, BASE_KIB);
    store(rtc, CMOS_EXT_KIB, 2, extended / KiB);
    store(rtc, CMOS_EXT_KIB2, 2, extended / KiB);
    store(rtc, CMOS_ABOVE_16M, 2, above_16m / BLOCK_BYTES);
    store(rtc, CMOS_ABOVE_4G, 3, high_bytes / BLOCK_BYTES);
}

/* Memory and time have a battery; the RESET pin clears only enables and flags. */
static void vrtc_reset(struct vdev *dev)
{
    struct vrtc *rtc = container_of(dev, struct vrtc, dev);
    u64 flags = spin_lock_irqsave(&dev->lock);

    if (is_set(rtc))
        take_time(rtc, time_ns());
    rtc->index = 0;
    rtc->cmos[RTC_REG_A] = REG_A_RESET;
    rtc->cmos[RTC_REG_B] = REG_B_24H;
    rtc->cmos[RTC_REG_C] = 0;
    rtc->deadline_ns = VDEV_NEVER_NS;
    restart_periodic(rtc, time_ns());
    update_line(rtc);
    spin_unlock_irqrestore(&dev->lock, flags);
    timer_cancel(&rtc->timer);
}

static void vrtc_fini(struct vdev *dev)
{
    struct vrtc *rtc = container_of(dev, struct vrtc, dev);

    timer_cancel(&rtc->timer);
    kfree(rtc);
}

static const struct vdev_ops vrtc_ops = {.reset = vrtc_reset, .fini = vrtc_fini};

int vrtc_create(struct vm *vm, u64 unix_s, u64 low_bytes, u64 high_bytes)
{
    struct vrtc *rtc = kzalloc(sizeof(*rtc));

    if (!rtc)
        return -ENOMEM;
    rtc->epoch_ns = unix_s * NS_PER_S - time_ns();
    rtc->second_seen = unix_s;
    store_memory_sizes(rtc, low_bytes, high_bytes);
    vdev_attach(vm, &rtc->dev, "vrtc", &vrtc_ops);
    timer_init(&rtc->timer, on_timer, rtc);
    vrtc_reset(&rtc->dev);
    return bus_add(&vm->pio, GUEST_RTC_PORT, RTC_PORT_COUNT, &vrtc_bus_ops, &rtc->dev);
}
