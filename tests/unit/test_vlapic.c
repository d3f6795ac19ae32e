/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_balloon.c core/vdev/virtio_balloon_map.c
 * core/vdev/virtio_net*.c drivers/net/tcp_segment.c core/vdev/virtio_pci.c core/vdev/virtio_rng.c
 * core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c core/vdev/vlapic_regs.c
 * core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c core/vdev/vpci_access.c
 * core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c core/vdev/vpit.c
 * core/vdev/vpm.c core/vdev/vrtc.c core/vdev/vrtc_time.c core/vdev/vuart.c tests/fakes/fake_board.c
 * tests/fakes/fake_board_net.c tests/fakes/fake_gmem.c tests/fakes/fake_timer.c
 * tests/fakes/assert.c
 */
/* The local APIC: priorities, modes, IPIs, errors, timer. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_timer.h"

#define PAGE 0xfee00000ull

static struct board board;

static void setup(u32 vcpus)
{
    board_init(&board, vcpus);
    for (u32 i = 0; i < vcpus; i++) {
        CHECK_EQ(vlapic_create(&board.vcpus[i]), 0);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_SVR, 0x1ff);
    }
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
}

static const struct irqchip_ops *ops(void)
{
    return board.vm.irqchip;
}

static u32 get(u32 reg)
{
    return (u32)ops()->mmio_read(&board.vcpus[0], gpa(PAGE + reg), 4);
}

static void put(u32 reg, u32 value)
{
    ops()->mmio_write(&board.vcpus[0], gpa(PAGE + reg), 4, value);
}

static int pending(u32 vcpu)
{
    return ops()->pending(&board.vcpus[vcpu]);
}

static int take(u32 vcpu)
{
    int vector = pending(vcpu);

    return vector < 0 ? vector : ops()->acknowledge(&board.vcpus[vcpu], (u8)vector);
}

static int write_msr(u32 msr, u64 value)
{
    return ops()->msr_write(&board.vcpus[0], msr, value);
}

static u64 read_msr(u32 msr)
{
    u64 value = 0;

    CHECK_EQ(ops()->msr_read(&board.vcpus[0], msr, &value), 0);
    return value;
}

static int try_read_msr(u32 msr)
{
    u64 value;

    return ops()->msr_read(&board.vcpus[0], msr, &value);
}

static void self_ipi(u8 vector)
{
    put(APIC_ICR, 0x40000u | vector);
}

TEST(reset_state)
{
    board_init(&board, 2);
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    CHECK_EQ(vlapic_create(&board.vcpus[1]), 0);
    CHECK_EQ(read_msr(0x1b), 0xfee00900);
    CHECK_EQ(vlapic_base(board.vcpus[1].vlapic), 0xfee00800);
    CHECK_EQ(get(APIC_VERSION), 0x50014);
    CHECK_EQ(get(APIC_SVR), 0xff);
    CHECK_EQ(get(APIC_DFR), 0xffffffff);
    CHECK_EQ(get(0x350), 0x700);
    CHECK_EQ(get(0x320), 0x10000);
    CHECK_EQ(vlapic_mmio_read(board.vcpus[1].vlapic, APIC_ID), 0x01000000);
    self_ipi(0x40); /* software disabled: not accepted */
    CHECK_EQ(pending(0), -1);
    put(0x320, 0x40); /* … and masks stay */
    CHECK_EQ(get(0x320), 0x10040);
    board_fini(&board);
}

TEST(priorities)
{
    setup(1);
    self_ipi(0x41);
    self_ipi(0x52);
    CHECK(board.vcpus[0].requests & VCPU_REQ_EVENT);
    CHECK_EQ(get(APIC_IRR + 0x20), 1u << 1 | 1u << 18);
    CHECK_EQ(take(0), 0x52);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(get(APIC_PPR), 0x50);
    CHECK_EQ(get(APIC_ISR + 0x20), 1u << 18);
    self_ipi(0x61);
    CHECK_EQ(take(0), 0x61);
    put(APIC_EOI, 0);
    CHECK_EQ(get(APIC_PPR), 0x50);
    put(APIC_EOI, 0);
    CHECK_EQ(take(0), 0x41);
    put(APIC_EOI, 0);
    put(APIC_EOI, 0); /* without service: nothing */
    CHECK_EQ(get(APIC_PPR), 0);
    board_fini(&board);
}

TEST(task_priority_and_cr8)
{
    setup(1);
    put(APIC_TPR, 0x45);
    CHECK_EQ(vcpu_cr8(&board.vcpus[0]), 4);
    CHECK_EQ(get(APIC_PPR), 0x45);
    self_ipi(0x4f);
    CHECK_EQ(pending(0), -1);
    vcpu_set_cr8(&board.vcpus[0], 3); /* the CPU wrote it without an exit */
    CHECK_EQ(get(APIC_TPR), 0x30);
    CHECK_EQ(pending(0), 0x4f);
    board.vcpus[0].requests = 0;
    ops()->tpr_set(&board.vcpus[0], 15);
    CHECK_EQ(pending(0), -1);
    ops()->tpr_set(&board.vcpus[0], 0);
    CHECK(board.vcpus[0].requests & VCPU_REQ_EVENT);
    CHECK_EQ(vcpu_cr8(&board.vcpus[0]), 0);
    CHECK_EQ(take(0), 0x4f);
    board_fini(&board);
}

TEST(all_vectors)
{
    setup(1);
    for (u32 v = 16; v < 256; v++)
        self_ipi((u8)v);
    for (u32 v = 255; v >= 16; v--) {
        CHECK_EQ(take(0), v);
        put(APIC_EOI, 0);
    }
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(errors)
{
    setup(1);
    put(0x370, 0x1); /* an illegal vector for the error interrupt itself */
    self_ipi(3);
    CHECK_EQ(get(APIC_ESR), 0);
    put(APIC_ESR, 0);
    CHECK_EQ(get(APIC_ESR), 0x60);
    put(0x370, 0x77);
    (void)get(0x3d0);
    CHECK_EQ(take(0), 0x77);
    put(APIC_EOI, 0);
    (void)get(0x3d0); /* not again before the ESR is written */
    CHECK_EQ(pending(0), -1);
    put(APIC_ESR, 0);
    CHECK_EQ(get(APIC_ESR), 0x80);
    put(0x0000, 1);
    CHECK_EQ(take(0), 0x77);
    board_fini(&board);
}

TEST(modes)
{
    const u32 base = 0x1b;

    setup(1);
    CHECK_EQ(write_msr(base, 0xfee00500), -EINVAL); /* extended without enabled */
    CHECK_EQ(try_read_msr(0x802), -EINVAL);
    CHECK_EQ(write_msr(base, 0xfee00d00), 0);
    CHECK_EQ(read_msr(0x802), 0);
    CHECK_EQ(read_msr(0x80d), 1);
    CHECK(!ops()->mmio_covers(&board.vcpus[0], gpa(PAGE)));
    CHECK_EQ(write_msr(base, 0xfee00900), -EINVAL); /* back to xAPIC only through disabled */
    CHECK_EQ(write_msr(base, 0xfee00100), 0);
    CHECK_EQ(try_read_msr(0x802), -EINVAL);
    CHECK_EQ(write_msr(base, 0xfee00d00), -EINVAL);
    CHECK_EQ(write_msr(base, 0xfee00900), 0);
    CHECK_EQ(get(APIC_SVR), 0xff);
    CHECK_EQ(write_msr(base, 0xfee00901), -EINVAL);
    CHECK_EQ(write_msr(base, 0xffff0000fee00900ull), -EINVAL);
    CHECK_EQ(write_msr(base, 0xd0000800), 0); /* relocated; the boot flag stays */
    CHECK_EQ(read_msr(base), 0xd0000900);
    CHECK(ops()->mmio_covers(&board.vcpus[0], gpa(0xd0000fff)));
    CHECK(!ops()->mmio_covers(&board.vcpus[0], gpa(PAGE)));
    CHECK(!ops()->mmio_covers(&board.vcpus[0], gpa(0xcfffffff)));
    CHECK_EQ(write_msr(0x10, 0), -ENOENT);
    CHECK_EQ(try_read_msr(0x900), -ENOENT);
    board_fini(&board);
}

TEST(x2_registers)
{
    setup(1);
    CHECK_EQ(write_msr(0x1b, 0xfee00d00), 0);
    CHECK_EQ(write_msr(0x80f, 0x1ff), 0);
    CHECK_EQ(write_msr(0x83f, 0x70), 0);
    CHECK_EQ(take(0), 0x70);
    CHECK_EQ(write_msr(0x80b, 1), -EINVAL);
    CHECK_EQ(write_msr(0x80b, 0), 0);
    CHECK_EQ(write_msr(0x830, 0x40071), 0);
    CHECK_EQ(take(0), 0x71);
    CHECK_EQ(write_msr(0x80b, 0), 0);
    CHECK_EQ(write_msr(0x830, 0x72), 0); /* physical destination 0 */
    CHECK_EQ(take(0), 0x72);
    CHECK_EQ(write_msr(0x80b, 0), 0);
    CHECK_EQ(write_msr(0x830, 0xffffffff00000073ull), 0);
    CHECK_EQ(take(0), 0x73);
    CHECK_EQ(read_msr(0x830), 0xffffffff00000073ull);
    CHECK_EQ(write_msr(0x802, 1), -EINVAL);
    CHECK_EQ(write_msr(0x80e, 1), -EINVAL);
    CHECK_EQ(write_msr(0x831, 1), -EINVAL);
    CHECK_EQ(write_msr(0x808, 0x100), -EINVAL);
    CHECK_EQ(write_msr(0x828, 1), -EINVAL);
    CHECK_EQ(try_read_msr(0x80b), -EINVAL);
    CHECK_EQ(try_read_msr(0x83f), -EINVAL);
    CHECK_EQ(try_read_msr(0x8ff), -EINVAL);
    for (u32 msr = 0x800; msr <= 0x8ff; msr++)
        (void)write_msr(msr, ~0ull);
    board_fini(&board);
}

TEST(ipi_destinations)
{
    setup(4);
    for (u32 i = 0; i < 4; i++)
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_LDR, 0x01000000u << i);
    put(APIC_ICR_HIGH, 0x02000000);
    put(APIC_ICR, 0x30);
    CHECK_EQ(take(2), 0x30);
    put(APIC_ICR_HIGH, 0x0a000000); /* logical flat: 1 and 3 */
    put(APIC_ICR, 0x831);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(take(1), 0x31);
    CHECK_EQ(take(3), 0x31);
    put(APIC_ICR, 0xc0040); /* all but self */
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(take(1), 0x40);
    CHECK_EQ(take(2), 0x40);
    put(APIC_ICR, 0x80050); /* all */
    CHECK_EQ(take(0), 0x50);
    CHECK_EQ(take(3), 0x50);
    /* Cluster model: cluster 1, members 0 and 1. */
    for (u32 i = 0; i < 2; i++) {
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_DFR, 0x0fffffff);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_LDR, 0x10000000u | 0x01000000u << i);
    }
    put(APIC_ICR_HIGH, 0x12000000);
    put(APIC_ICR, 0x861);
    CHECK_EQ(take(1), 0x61);
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(nmi_init_sipi)
{
    setup(2);
    put(APIC_ICR_HIGH, 0x01000000);
    put(APIC_ICR, 0x400);
    CHECK(!ops()->nmi_pending(&board.vcpus[0]));
    CHECK(ops()->nmi_pending(&board.vcpus[1]));
    CHECK(ops()->nmi_take(&board.vcpus[1]));
    CHECK(!ops()->nmi_take(&board.vcpus[1]));
    board.vcpus[1].requests = 0;
    put(APIC_ICR, 0x4500);
    CHECK_EQ(board.vcpus[1].requests, VCPU_REQ_INIT);
    put(APIC_ICR, 0x46f8); /* SIPI: begin at F8000h */
    CHECK_EQ(board.vcpus[1].requests, VCPU_REQ_INIT | VCPU_REQ_SIPI);
    CHECK_EQ(board.vcpus[1].sipi_vector, 0xf8);
    put(APIC_ICR, 0x88500); /* INIT level de-assert to all */
    CHECK_EQ(board.vcpus[0].requests & VCPU_REQ_INIT, 0);
    put(APIC_ICR_HIGH, 0);
    put(APIC_ICR, 0x610); /* SIPI to who does not wait for it */
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    put(APIC_ICR, 0x500);
    CHECK_EQ(board.vm.stop, VM_STOP_RESET);
    board_fini(&board);
}

TEST(init_keeps_mode_and_id)
{
    setup(2);
    vlapic_mmio_write(board.vcpus[1].vlapic, APIC_TPR, 0x40);
    CHECK_EQ(ops()->msr_write(&board.vcpus[1], 0x1b, 0xfee00c00), 0);
    CHECK(vlapic_set_irr(board.vcpus[1].vlapic, 0x51, false));
    ops()->vcpu_init(&board.vcpus[1]);
    CHECK(vlapic_is_x2(board.vcpus[1].vlapic));
    CHECK_EQ(vlapic_get(board.vcpus[1].vlapic, APIC_ID), 1);
    CHECK_EQ(vlapic_get(board.vcpus[1].vlapic, APIC_LDR), 2);
    CHECK_EQ(vlapic_get(board.vcpus[1].vlapic, APIC_TPR), 0);
    CHECK_EQ(pending(1), -1);
    board_fini(&board);
}

TEST(extint)
{
    setup(1);
    board_out(&board, 0x20, 0x11);
    board_out(&board, 0x21, 0x20);
    board_out(&board, 0x21, 0x04);
    board_out(&board, 0x21, 0x03);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(take(0), 0x20);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(get(APIC_ISR + 0x10), 0); /* not the local APIC's business */
    put(0x350, 0x10700);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(pending(0), -1);
    put(0x350, 0x700);
    CHECK_EQ(take(0), 0x20);
    put(0x350, 0x35); /* fixed mode: the PIC's output is one more local interrupt */
    virq_pulse(&board.vm, 0);
    CHECK_EQ(take(0), 0x35);
    board_fini(&board);
}

TEST(timer_one_shot)
{
    setup(1);
    put(0x320, 0x60);
    put(APIC_TIMER_DCR, 0xb); /* by 1: nanoseconds */
    put(APIC_TIMER_ICR, 5000000);
    CHECK_EQ(get(APIC_TIMER_CCR), 5000000);
    fake_time_advance(2000000);
    CHECK_EQ(get(APIC_TIMER_CCR), 3000000);
    CHECK_EQ(pending(0), -1);
    put(APIC_TIMER_DCR, 0x0); /* by 2: the rest takes twice as long */
    fake_time_advance(5999999);
    CHECK_EQ(pending(0), -1);
    fake_time_advance(1);
    CHECK_EQ(take(0), 0x60);
    CHECK_EQ(get(APIC_TIMER_CCR), 0);
    put(APIC_EOI, 0);
    fake_time_advance(NS_PER_S);
    CHECK_EQ(pending(0), -1);
    put(APIC_TIMER_ICR, 1000);
    put(APIC_TIMER_ICR, 0); /* stops */
    fake_time_advance(NS_PER_S);
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(timer_periodic_keeps_phase)
{
    setup(1);
    put(APIC_TIMER_DCR, 0xb);
    put(0x320, 0x20061);
    put(APIC_TIMER_ICR, 1000000);
    for (int i = 0; i < 5; i++) {
        fake_time_advance(1000000);
        CHECK_EQ(take(0), 0x61);
        put(APIC_EOI, 0);
    }
    fake_time_advance_late(3500000); /* three missed: one comes, the next on the grid */
    CHECK_EQ(take(0), 0x61);
    put(APIC_EOI, 0);
    CHECK_EQ(get(APIC_TIMER_CCR), 500000);
    fake_time_advance(499999);
    CHECK_EQ(pending(0), -1);
    fake_time_advance(1);
    CHECK_EQ(take(0), 0x61);
    board_fini(&board);
}

TEST(timer_cannot_storm)
{
    u64 fired;

    setup(1);
    put(APIC_TIMER_DCR, 0xb);
    put(0x320, 0x20061);
    put(APIC_TIMER_ICR, 1);
    fired = fake_timer_fired();
    fake_time_advance(10 * NS_PER_MS);
    CHECK(fake_timer_fired() - fired <= 101);
    board_fini(&board);
}

TEST(timer_tsc_deadline)
{
    setup(1);
    board.vcpus[0].tsc_offset = 0 - FAKE_TSC_HZ; /* the guest's TSC began with it */
    CHECK_EQ(write_msr(0x6e0, 5), 0);            /* not in this mode: ignored */
    CHECK_EQ(read_msr(0x6e0), 0);
    put(0x320, 0x40062);
    CHECK_EQ(write_msr(0x6e0, 2000000), 0); /* 1 ms */
    CHECK_EQ(read_msr(0x6e0), 2000000);
    put(APIC_TIMER_ICR, 1); /* ignored */
    fake_time_advance(NS_PER_MS);
    CHECK_EQ(pending(0), -1);
    fake_time_advance(1);
    CHECK_EQ(take(0), 0x62);
    CHECK_EQ(read_msr(0x6e0), 0);
    put(APIC_EOI, 0);
    CHECK_EQ(write_msr(0x6e0, 1), 0); /* past */
    fake_time_advance(0);
    CHECK_EQ(take(0), 0x62);
    put(APIC_EOI, 0);
    CHECK_EQ(write_msr(0x6e0, ~0ull), 0); /* never */
    fake_time_advance(NS_PER_S);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(write_msr(0x6e0, 6 * FAKE_TSC_HZ), 0);
    put(0x320, 0x62); /* leaving the mode disarms */
    fake_time_advance(10 * NS_PER_S);
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup(1);
    CHECK_EQ(ops()->mmio_read(&board.vcpus[0], gpa(PAGE + 0x20), 8), ~0ull);
    CHECK_EQ(ops()->mmio_read(&board.vcpus[0], gpa(PAGE + 0x21), 1), 0xff);
    CHECK_EQ(ops()->mmio_read(&board.vcpus[0], gpa(PAGE + 0x24), 4), 0xffffffff);
    for (u64 a = 0; a < 0x1000; a++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            (void)ops()->mmio_read(&board.vcpus[0], gpa(PAGE + a), size);
            ops()->mmio_write(&board.vcpus[0], gpa(PAGE + a), size, ~0ull);
        }
    ops()->vcpu_init(&board.vcpus[0]);
    CHECK_EQ(get(APIC_SVR), 0xff);
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

/* -- where the CPU serves the APIC
 * ------------------------------------------------------------------------------ */

static enum hvm_apic_mode fake_mode;
static unsigned fake_syncs;

static void fake_mode_set(struct vcpu *vcpu, enum hvm_apic_mode mode)
{
    (void)vcpu;
    fake_mode = mode;
}

static void fake_sync(struct vcpu *vcpu)
{
    (void)vcpu;
    fake_syncs++;
}

static void setup_virtual(void)
{
    static const struct hvm_ops fake = {.apic_mode_set = fake_mode_set, .apic_sync = fake_sync};

    hvm = &fake;
    hvm_caps.has_virtual_apic = true;
    board_init(&board, 1);
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    vlapic_mmio_write(board.vcpus[0].vlapic, APIC_SVR, 0x1ff);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    fake_syncs = 0;
}

static void end_virtual(void)
{
    board_fini(&board);
    hvm_caps.has_virtual_apic = false;
    hvm = NULL;
}

TEST(the_cpu_gets_what_was_requested)
{
    setup_virtual();
    CHECK_EQ(fake_mode, HVM_APIC_XAPIC);
    self_ipi(0x41);
    CHECK(ops()->has_pending(&board.vcpus[0]));
    CHECK_EQ(pending(0), -1); /* the CPU delivers it */
    CHECK_EQ(fake_syncs, 1);
    CHECK_EQ(*vlapic_reg(board.vcpus[0].vlapic, APIC_IRR + 0x20), 1u << 1);
    /* The CPU takes it: no longer pending, and a lower one waits behind it. */
    *vlapic_reg(board.vcpus[0].vlapic, APIC_IRR + 0x20) = 0;
    *vlapic_reg(board.vcpus[0].vlapic, APIC_ISR + 0x20) = 1u << 1;
    self_ipi(0x31);
    CHECK(!ops()->has_pending(&board.vcpus[0]));
    self_ipi(0x51);
    CHECK(ops()->has_pending(&board.vcpus[0]));
    end_virtual();
}

TEST(level_triggered_requests_are_never_posted)
{
    setup_virtual();
    CHECK(vlapic_set_irr(board.vcpus[0].vlapic, 0x61, true));
    CHECK_EQ(board.apics[0].requests[3], 0);
    CHECK_EQ(*vlapic_reg(board.vcpus[0].vlapic, APIC_TMR + 0x30), 1u << 1);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(*vlapic_reg(board.vcpus[0].vlapic, APIC_IRR + 0x30), 1u << 1);
    CHECK(fake_syncs > 0);
    CHECK(vlapic_set_irr(board.vcpus[0].vlapic, 0x62, false));
    CHECK_EQ(board.apics[0].requests[3], 1u << 2);
    end_virtual();
}

TEST(registers_written_by_the_cpu_take_effect)
{
    setup_virtual();
    board.apics[0].regs[APIC_LDR / 4] = 0xff123456;
    ops()->register_written(&board.vcpus[0], APIC_LDR);
    CHECK_EQ(get(APIC_LDR), 0xff000000);
    board.apics[0].regs[APIC_ID / 4] = 0x77000000;
    ops()->register_written(&board.vcpus[0], APIC_ID);
    CHECK_EQ(get(APIC_ID), 0);
    board.apics[0].regs[APIC_ICR / 4] = 0x40000u | 0x55;
    ops()->register_written(&board.vcpus[0], APIC_ICR);
    CHECK_EQ(board.apics[0].requests[2], 1u << 21);
    end_virtual();
}

TEST(the_mode_decides_who_serves)
{
    setup_virtual();
    CHECK_EQ(write_msr(0x1b, 0xfee00d00), 0);
    CHECK_EQ(fake_mode, HVM_APIC_X2APIC);
    CHECK_EQ(board.apics[0].regs[APIC_ID / 4], 0);
    CHECK_EQ(write_msr(0x1b, 0xfee00100), 0); /* off */
    CHECK_EQ(fake_mode, HVM_APIC_SOFTWARE);
    CHECK_EQ(write_msr(0x1b, 0xfee00900), 0);
    CHECK_EQ(fake_mode, HVM_APIC_XAPIC);
    put(APIC_SVR, 0x1ff);
    self_ipi(0x41);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(write_msr(0x1b, 0xfed00900), 0); /* moved: software finds what the CPU left */
    CHECK_EQ(fake_mode, HVM_APIC_SOFTWARE);
    CHECK_EQ(take(0), 0x41);
    end_virtual();
}
