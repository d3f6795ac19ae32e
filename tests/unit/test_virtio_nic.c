/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_balloon.c core/vdev/virtio_balloon_map.c
 * core/vdev/virtio_net*.c drivers/net/tcp_segment.c core/vdev/virtio_pci.c
 * core/vdev/virtio_rng.c core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c
 * core/vdev/vlapic_regs.c core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c
 * core/vdev/vpci_access.c core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c
 * core/vdev/vpit.c core/vdev/vpm.c core/vdev/vrtc.c core/vdev/vrtc_time.c core/vdev/vuart.c
 * tests/fakes/fake_board.c tests/fakes/fake_board_net.c tests/fakes/fake_gmem.c
 * tests/fakes/fake_timer.c tests/fakes/assert.c
 */
/* The emulated network card: frames both ways, checksums, doorbells, back-pressure, hostile rings.
 */
#include "tests/unit/virtio_nic_rig.h"

TEST(configuration)
{
    setup(0);
    CHECK_EQ(get(CONFIG, 4), 0x00000002);
    CHECK_EQ(get(CONFIG + 4, 2), 0x0100);
    CHECK_EQ(get(CONFIG + 6, 2), 1);
    CHECK_EQ(get(CONFIG + 10, 2), 1500);
    fake_port->link_up = false;
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
    CHECK_EQ(get(CONFIG + 6, 2), 0);
    teardown();
}

TEST(no_network_no_card)
{
    const struct netport_config cfg = {.network = "nowhere"};

    setup(0);
    fake_attach_rc = -ENOENT;
    CHECK_EQ(virtio_net_create(&board.vm, &cfg), -ENOENT);
    teardown();
}

TEST(a_frame_is_sent_and_its_buffer_given_back)
{
    struct pktbuf *pkt;

    setup(0);
    memset(fake_ram + BUFFER + HEADER, 0x77, 60);
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    CHECK_EQ(used(TX), 1);
    CHECK_EQ(fake_flushes, 1);
    pkt = sent();
    CHECK(pkt && pkt->len == 60 && pktbuf_data(pkt)[59] == 0x77);
    CHECK_EQ(pkt->csum, PKTBUF_CSUM_UNKNOWN);
    pktbuf_free(pkt);
    teardown();
}

TEST(doorbells_are_off_while_there_is_traffic)
{
    struct pktbuf *pkt;

    setup(0);
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    CHECK(is_muted(TX));
    CHECK_EQ(fake_asks, 1);
    add(TX, BUFFER, HEADER + 60); /* without a doorbell */
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
    CHECK_EQ(used(TX), 2);
    CHECK_EQ(fake_asks, 2);
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
    CHECK(!is_muted(TX));
    CHECK_EQ(fake_asks, 2);
    while ((pkt = sent()) != NULL)
        pktbuf_free(pkt);
    teardown();
}

TEST(a_card_without_the_bus_does_not_go_round_for_nothing)
{
    const u64 pci_command = GUEST_PCI_ECAM + (SLOT << 15) + PCI_COMMAND;
    struct pktbuf *pkt;

    setup(0);
    put(pci_command, 2, PCI_COMMAND_MEMORY);
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    CHECK_EQ(used(TX), 0);
    CHECK_EQ(fake_asks, 0);
    CHECK(!is_muted(TX));
    put(pci_command, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    ring(TX);
    CHECK_EQ(used(TX), 1);
    pkt = sent();
    if (CHECK(pkt != NULL))
        pktbuf_free(pkt);
    teardown();
}

TEST(a_full_port_holds_the_sender_back)
{
    struct pktbuf *pkt;

    setup(0);
    for (u32 i = 0; i < NETPORT_VM_QUEUE; i++) {
        add(TX, BUFFER, HEADER + 60);
        ring(TX);
    }
    CHECK_EQ(used(TX), NETPORT_VM_QUEUE);
    add(TX, BUFFER, HEADER + 60);
    fake_asks = 0;
    ring(TX);
    CHECK_EQ(used(TX), NETPORT_VM_QUEUE);
    CHECK(fake_port->wants_room && is_muted(TX));
    CHECK_EQ(fake_asks, 0); /* or the port's task would go round for nothing */
    pktbuf_free(sent());
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
    CHECK_EQ(used(TX), NETPORT_VM_QUEUE + 1);
    while ((pkt = sent()) != NULL)
        pktbuf_free(pkt);
    teardown();
}

TEST(frames_that_are_none_are_lost_alone)
{
    static const u32 lengths[] = {0, 1, HEADER, HEADER + 13, HEADER + 1519, 0x2000};
    u32 n = ARRAY_SIZE(lengths);

    setup(F_CSUM);
    for (u32 i = 0; i < n; i++) {
        add(TX, BUFFER, lengths[i]);
        ring(TX);
        CHECK_EQ(used(TX), i + 1);
    }
    fake_ram[BUFFER + 1] = 1; /* segmentation, which was not offered */
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    fake_ram[BUFFER + 1] = 0;
    fake_ram[BUFFER] = 1; /* a checksum outside the frame */
    memset(fake_ram + BUFFER + 6, 0xff, 4);
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    CHECK_EQ(used(TX), n + 2);
    CHECK_EQ(fake_port->counters.tx_drops, n + 2);
    CHECK(!sent());
    teardown();
}

TEST(checksums_are_left_to_others_if_agreed)
{
    const u16 place[2] = {34, 16};
    struct pktbuf *pkt;

    for (u32 agreed = 0; agreed < 2; agreed++) {
        setup(agreed ? F_CSUM : 0);
        fake_ram[BUFFER] = 1;
        memcpy(fake_ram + BUFFER + 6, place, sizeof(place));
        add(TX, BUFFER, HEADER + 60);
        ring(TX);
        pkt = sent();
        CHECK_EQ(pkt->csum, agreed ? PKTBUF_CSUM_PARTIAL : PKTBUF_CSUM_UNKNOWN);
        CHECK(!agreed || (pkt->csum_start == 34 && pkt->csum_offset == 16));
        pktbuf_free(pkt);
        teardown();
    }
}

TEST(received_frames_say_what_is_known_of_them)
{
    setup(F_GUEST_CSUM);
    for (u32 i = 0; i < 3; i++) {
        add(RX, BUFFER + i * 0x800, 0x800);
        arrive(100, (u8)i);
        CHECK_EQ(used(RX), i + 1);
        CHECK_EQ(used_bytes(RX, i), HEADER + 100);
        CHECK_EQ(fake_ram[BUFFER + i * 0x800 + 10], 1); /* num_buffers */
        CHECK_EQ(fake_ram[BUFFER + i * 0x800 + HEADER + 99], 0x5a);
    }
    CHECK_EQ(fake_ram[BUFFER], 0);
    CHECK_EQ(fake_ram[BUFFER + 0x800], 2);
    CHECK_EQ(fake_ram[BUFFER + 0x1000], 1);
    CHECK_EQ(fake_completions, 0);
    start(0); /* again, without the feature */
    fake_gmem_init(0);
    add(RX, BUFFER, 0x800);
    arrive(100, PKTBUF_CSUM_PARTIAL);
    CHECK_EQ(fake_ram[BUFFER], 0);
    CHECK_EQ(fake_completions, 1);
    teardown();
}

TEST(frames_wait_for_buffers)
{
    setup(0);
    arrive(100, 0);
    CHECK_EQ(used(RX), 0);
    CHECK_EQ(ring_count(&fake_port->inbox), 1);
    CHECK(!is_muted(RX));
    add(RX, BUFFER, 0x800);
    ring(RX);
    CHECK_EQ(used(RX), 1);
    teardown();
}

TEST(a_buffer_too_small_loses_its_frame)
{
    setup(0);
    add(RX, BUFFER, HEADER + 99);
    arrive(100, 0);
    CHECK_EQ(used(RX), 1);
    CHECK_EQ(used_bytes(RX, 0), 0);
    CHECK_EQ(fake_ram[BUFFER + HEADER], 0);
    CHECK_EQ(fake_port->counters.rx_drops, 1);
    teardown();
}

TEST(an_empty_pool_loses_frames)
{
    setup(0);
    fake_pktbufs_max = 0;
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    fake_pktbufs_max = 256;
    CHECK_EQ(used(TX), 1);
    CHECK_EQ(fake_port->counters.tx_drops, 1);
    teardown();
}

TEST(a_hostile_ring_stops_its_own_card)
{
    u16 far_ahead = 1000;

    setup(0);
    memcpy(fake_ram + DRIVER(TX) + 2, &far_ahead, 2);
    ring(TX);
    CHECK(get(BAR + COMMON_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET);
    ring(TX);
    arrive(100, 0);
    start(0);
    add(RX, (u64)FAKE_RAM_BYTES << 8, 0x800); /* no memory there */
    ring(RX);
    CHECK(get(BAR + COMMON_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET);
    fake_gmem_init(0);
    start(0); /* what waited in the port comes to who is there now */
    add(RX, BUFFER, 0x800);
    ring(RX);
    CHECK_EQ(used(RX), 1);
    teardown();
}
