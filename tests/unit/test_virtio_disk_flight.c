/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_blk.c core/vdev/virtio_blk_request.c core/vdev/virtio_pci.c
 * core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c core/vdev/vlapic_regs.c
 * core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c core/vdev/vpci_access.c
 * core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c core/vdev/vpm.c
 * drivers/block/blk_segs.c drivers/block/volume.c drivers/net/net_limit.c tests/fakes/arena.c
 * tests/fakes/fake_board.c tests/fakes/fake_gmem.c tests/fakes/fake_timer.c tests/fakes/assert.c
 */
/* The emulated disk: answers that take time, limits, and disks that go while requests are in
 * flight. */
#include "tests/unit/virtio_disk_rig.h"

TEST(answers_that_take_time)
{
    setup();
    answers_later = true;
    CHECK_EQ(request(T_IN, 3, 512), 0xee);
    CHECK_EQ(used(), 0);
    CHECK_EQ(fake_gmem_pins, 1); /* the memory stays where it is */
    answer();
    CHECK_EQ(used(), 1);
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    CHECK_EQ(fake_ram[DATA], 4);
    CHECK_EQ(fake_gmem_pins, 0);
    CHECK_EQ(blk->virtio.lent, 0);
    start(0); /* write through: two requests, one after the other */
    (void)request(T_OUT, 0, 512);
    CHECK_EQ(held_count, 1);
    answer();
    CHECK_EQ(held_count, 1);
    CHECK_EQ(last_op, BLK_FLUSH);
    CHECK_EQ(used(), 0);
    answer();
    CHECK_EQ(used(), 1);
    teardown();
}

/* A reset is over when the disk no longer uses the guest's memory. */
TEST(reset_with_requests_in_flight)
{
    setup();
    answers_later = true;
    (void)request(T_IN, 3, 512);
    put(BAR + COMMON_STATUS, 1, 0);
    CHECK(get(BAR + COMMON_STATUS, 1) != 0);
    answer();
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0);
    CHECK_EQ(used(), 0); /* nothing came back */
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    start(0);
    (void)request(T_IN, 0, 512);
    answer();
    CHECK_EQ(used(), 1);
    teardown();
}

TEST(the_end_waits_for_what_is_in_flight)
{
    setup();
    answers_later = true;
    (void)request(T_IN, 3, 512);
    (void)request(T_OUT, 3, 512);
    teardown();
    CHECK_EQ(held_count, 0);
}

static void end_task(void)
{
    blk->is_ending = true;
}

/* What the device's task does until it waits. */
static void run_task(void)
{
    fake_task_on_wait = end_task;
    blk->task.entry(blk->task.arg);
    blk->is_ending = false;
}

static void flush_request(void)
{
    u16 head = descriptors % SIZE;

    buffer(HEADER, 16, false, false);
    buffer(STATUS, 1, true, true);
    add(head);
}

TEST(so_many_in_flight_and_no_more)
{
    setup();
    answers_later = true;
    header(T_FLUSH, 0);
    for (u32 i = 0; i < BLK_IN_FLIGHT_MAX; i++)
        flush_request();
    ring();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    descriptors = 0; /* the first ones' places are free: the device has read them */
    flush_request();
    flush_request();
    ring();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    fake_task_wakes = 0;
    answer();
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    answer();
    run_task();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    answer_all();
    CHECK_EQ(used(), BLK_IN_FLIGHT_MAX + 2);
    teardown();
}

/* A slot made to look for chains, and given back for there are none, wakes nobody: the task, which
 * looks by itself, would never sleep. */
TEST(nothing_to_do_while_others_are_in_flight)
{
    setup();
    answers_later = true;
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 5; i++)
        flush_request();
    ring();
    CHECK_EQ(held_count, 5);
    fake_task_wakes = 0;
    for (u32 i = 0; i < 4; i++)
        ring();
    for (u32 i = 0; i < 3; i++)
        run_task();
    CHECK_EQ(fake_task_wakes, 0);
    answer_all();
    CHECK_EQ(fake_task_wakes, 0);
    CHECK_EQ(used(), 5);
    teardown();
}

TEST(a_doorbell_does_not_work_for_ever)
{
    setup();
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 64; i++)
        flush_request();
    descriptors = 0;
    for (u32 i = 0; i < 36; i++)
        flush_request();
    fake_task_wakes = 0;
    ring();
    CHECK_EQ(used(), 64);
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(used(), 100);
    teardown();
}

TEST(limits)
{
    struct virtio_blk_config cfg;

    setup();
    cfg = blk->cfg;
    cfg.limits = (struct net_limits){.frames_per_s = 100};
    teardown();
    setup_with(&cfg);
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 20; i++)
        flush_request();
    ring();
    CHECK_EQ(used(), 10); /* a tenth of a second's worth */
    fake_task_wakes = 0;
    fake_time_advance(50 * NS_PER_MS);
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(used(), 15);
    fake_time_advance(NS_PER_S);
    run_task();
    CHECK_EQ(used(), 20);
    cfg.limits = (struct net_limits){.bytes_per_s = 51200, .burst_bytes = 5120};
    teardown();
    setup_with(&cfg);
    (void)request(T_IN, 0, 0x2000); /* more than was saved up, but it was not empty */
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    flush_request();
    ring();
    CHECK_EQ(used(), 1);
    fake_time_advance(100 * NS_PER_MS);
    run_task();
    CHECK_EQ(used(), 2);
    teardown();
}

TEST(taken_off_while_a_request_is_in_flight)
{
    struct vdev *dev = NULL;

    setup();
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), SLOT);
    answers_later = true;
    (void)request(T_IN, 3, 512);
    CHECK_EQ(held_count, 1);
    dev = virtio_blk_unplug(&board.vm, SLOT);
    CHECK(dev == &blk->virtio.dev && board.vm.devices != dev);
    CHECK(virtio_blk_unplug(&board.vm, SLOT) == NULL);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), 0);
    CHECK_EQ(get(GUEST_PCI_ECAM + (SLOT << 15), 4), 0xffffffff);
    put(NOTIFY, 2, 0); /* nobody is there */
    CHECK_EQ(held_count, 1);
    fake_task_on_wait = answer_all;
    dev->ops->fini(dev); /* waits for it */
    CHECK_EQ(held_count, 0);
    CHECK_EQ(used(), 0); /* its ring is not written any more */
    CHECK_EQ(fake_gmem_pins, 0);
    teardown();
}

TEST(a_disk_without_its_volume_fails_all_requests)
{
    struct virtio_blk_config cfg;
    u32 before;

    setup();
    cfg = blk->cfg;
    cfg.limits = (struct net_limits){.frames_per_s = 10};
    teardown();
    setup_with(&cfg);
    answers_later = true;
    (void)request(T_IN, 3, 512);
    fake_task_on_wait = answer_all;
    virtio_blk_kill(&board.vm, "root"); /* waits for it */
    CHECK_EQ(used(), 1);
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    before = ops;
    answers_later = false;
    for (u32 i = 0; i < 20; i++) /* the limit does not hold them up */
        CHECK_EQ(request(i % 2 ? T_IN : T_OUT, 0, 512), BLK_S_IOERR);
    CHECK_EQ(request(T_FLUSH, 0, 0), BLK_S_IOERR);
    CHECK_EQ(request(T_GET_ID, 0, 20), BLK_S_IOERR);
    CHECK_EQ(ops, before);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), 0); /* the name is free */
    CHECK(virtio_blk_stats(&board.vm, "root") == NULL);
    CHECK_EQ(virtio_blk_create(&board.vm, &cfg), 0);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), SLOT + 1);
    virtio_blk_kill(&board.vm, "none");
    teardown();
}
