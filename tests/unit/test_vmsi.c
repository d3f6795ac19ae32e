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
/* MSI-X: messages to local APICs, masks, pending bits, and messages to nowhere. */
#include "tests/unit/harness.h"

#include "core/vdev/vdevs.h"
#include "core/vdev/vlapic.h"
#include "core/vdev/vmsi.h"
#include "tests/fakes/fake_board.h"

#define VECTORS 70u /* the pending bits need two words */

static struct board board;
static struct vmsi msi;

static void setup(void)
{
    board_init(&board, 2);
    for (u32 i = 0; i < 2; i++) {
        CHECK_EQ(vlapic_create(&board.vcpus[i]), 0);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_SVR, 0x1ff);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_LDR, 0x01000000u << i);
    }
    vmsi_init(&msi, &board.vm, VECTORS);
}

static void put(u32 vector, u64 address, u32 data, u32 control)
{
    vmsi_table_write(&msi, vector * 16ull, 8, address);
    vmsi_table_write(&msi, vector * 16ull + 8, 4, data);
    vmsi_table_write(&msi, vector * 16ull + 12, 4, control);
}

static int serve(u32 vcpu)
{
    int vector = board.vm.irqchip->pending(&board.vcpus[vcpu]);

    if (vector >= 0) {
        board.vm.irqchip->acknowledge(&board.vcpus[vcpu], (u8)vector);
        vlapic_mmio_write(board.vcpus[vcpu].vlapic, APIC_EOI, 0);
    }
    return vector;
}

static bool is_pending(u32 vector)
{
    return (vmsi_pending_read(&msi, vector / 64 * 8ull, 8) >> vector % 64) & 1;
}

TEST(messages)
{
    setup();
    vmsi_control(&msi, true, false, true);
    put(0, 0xfee00000, 0x41, 0);
    put(69, 0xfee01000, 0x42, 0);
    vmsi_raise(&msi, 0);
    CHECK_EQ(serve(0), 0x41);
    CHECK_EQ(serve(1), -1);
    vmsi_raise(&msi, 69);
    CHECK_EQ(serve(1), 0x42);
    put(1, 0xfee03004, 0x4043, 0); /* logical, both */
    vmsi_raise(&msi, 1);
    CHECK_EQ(serve(0), 0x43);
    CHECK_EQ(serve(1), 0x43);
    put(1, 0xfee0300c, 0x44, 0); /* to one of them */
    vmsi_raise(&msi, 1);
    CHECK_EQ((serve(0) == 0x44) + (serve(1) == 0x44), 1);
    put(1, 0xfee01000, 0x0400, 0); /* NMI */
    vmsi_raise(&msi, 1);
    CHECK(board.vm.irqchip->nmi_take(&board.vcpus[1]));
    vmsi_raise(&msi, VECTORS);
    vmsi_raise(&msi, 0xffff);
    CHECK_EQ(serve(0), -1);
    board_fini(&board);
}

TEST(masks_hold_back)
{
    setup();
    put(0, 0xfee00000, 0x41, 1);
    put(65, 0xfee00000, 0x42, 0);
    vmsi_control(&msi, true, false, true);
    vmsi_raise(&msi, 0);
    CHECK_EQ(serve(0), -1);
    CHECK(is_pending(0));
    vmsi_table_write(&msi, 12, 4, 0);
    CHECK(!is_pending(0));
    CHECK_EQ(serve(0), 0x41);
    vmsi_control(&msi, true, true, true);
    vmsi_raise(&msi, 65);
    vmsi_raise(&msi, 65);
    CHECK(is_pending(65));
    CHECK_EQ(vmsi_pending_read(&msi, 8, 4), 2);
    CHECK_EQ(serve(0), -1);
    vmsi_control(&msi, true, false, true);
    CHECK_EQ(serve(0), 0x42);
    CHECK_EQ(serve(0), -1); /* once */
    board_fini(&board);
}

TEST(nothing_is_sent_while_it_is_off)
{
    setup();
    put(0, 0xfee00000, 0x41, 0);
    vmsi_raise(&msi, 0);
    vmsi_control(&msi, true, false, false); /* no bus master */
    vmsi_raise(&msi, 0);
    vmsi_control(&msi, true, true, true);
    vmsi_raise(&msi, 0);
    vmsi_control(&msi, false, true, true);
    vmsi_control(&msi, true, false, true);
    CHECK_EQ(serve(0), -1);
    CHECK(!is_pending(0));
    board_fini(&board);
}

TEST(messages_to_nowhere_vanish)
{
    static const struct {
        u64 address;
        u32 data;
    } bad[] = {
        {0, 0x41},           {0x1000, 0x41},      {0xfec00000, 0x41},
        {0x1fee00000, 0x41}, {0xfee00000, 0x05},  {0xfee00000, 0x641},
        {0xfee00000, 0x241}, {0xfee00000, 0x741}, {0xfee00000, 0x8041},
        {0xfee55000, 0x41},  {0xfef00000, 0x41},
    };

    setup();
    vmsi_control(&msi, true, false, true);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        put(3, bad[i].address, bad[i].data, 0);
        vmsi_raise(&msi, 3);
        CHECK_EQ(serve(0), -1);
        CHECK_EQ(serve(1), -1);
        CHECK(!is_pending(3));
    }
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    for (u64 at = 0; at < 0x1010; at++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            (void)vmsi_table_read(&msi, at, size);
            (void)vmsi_pending_read(&msi, at, size);
            vmsi_table_write(&msi, at, size, ~0ull);
        }
    CHECK_EQ(vmsi_table_read(&msi, VECTORS * 16, 4), 0xffffffff);
    CHECK_EQ(vmsi_table_read(&msi, 12, 4), 1); /* the mask, and no reserved bit */
    CHECK_EQ(vmsi_table_read(&msi, 8, 2), 0xffff);
    CHECK_EQ(vmsi_pending_read(&msi, 16, 8), ~0ull);
    board_fini(&board);
}
