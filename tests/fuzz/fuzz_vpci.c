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
/*
 * Any sequence of accesses to the PCI bus and to a virtio device on it: configuration space, ports,
 * BARs wherever they are, MSI-X, rings in memory that changes. BARs stay inside the windows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_gmem.h"

#define MEM64 0x400000000ull
#define SLOT  (1u << 15)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board board;
static struct virtio *dev;
static struct virtq_chain chain;

static void on_notify(struct virtio *d, u16 queue)
{
    for (unsigned i = 0; i < 8 && virtio_pop(d, queue, &chain) == 0; i++) {
        (void)virtq_chain_write(&d->dev.vm->gmem, &chain, 0, "fuzz", 4);
        virtio_push(d, queue, &chain, 4);
        virtio_signal(d, queue);
    }
}

static void on_reset(struct virtio *d)
{
    (void)d;
}

static void on_fini(struct virtio *d)
{
    virtio_fini(d);
    free(d);
}

static const struct virtio_ops ops = {.notify = on_notify, .reset = on_reset, .fini = on_fini};
static const struct virtio_model model = {
    .name = "fuzz",
    .id = 42,
    .queue_count = 3,
    .queue_size = 16,
    .config_bytes = 12,
    .ops = &ops,
};

struct step {
    u8 where;
    u8 how; /* size, read or write */
    u16 at;
    u32 value;
};

static u64 place(const struct step *s)
{
    u64 bar = dev->fn.mapped[0] ? dev->fn.mapped[0] : GUEST_PCI_MEM32;

    switch (s->where % 4) {
    case 0:
        return GUEST_PCI_ECAM + SLOT + s->at % 0x100;
    case 1:
        return bar + s->at % 0x40; /* the common structure */
    case 2:
        return bar + s->at % 0x4000;
    default:
        return GUEST_PCI_ECAM + s->at * 16ull % GUEST_PCI_ECAM_BYTES;
    }
}

static void do_step(const struct step *s)
{
    unsigned size = 1u << s->how % 4;
    u64 value = s->value | (u64)s->value << 32;

    if (s->where % 8 == 7) {
        memcpy(fake_ram + s->at % (FAKE_RAM_BYTES - 4), &s->value, 4);
    } else if (s->where % 8 == 3) {
        size = MIN(size, 4u);
        if (s->how & 4)
            (void)board_in_wide(&board, (u16)(0xcf8 + s->at % 8), size);
        else
            board_out_wide(&board, (u16)(0xcf8 + s->at % 8), size, s->value);
    } else if (s->how & 4) {
        (void)bus_read(&board.vm.mmio, place(s), size, &value);
    } else {
        (void)bus_write(&board.vm.mmio, place(s), size, value);
    }
    if (dev->fn.mapped[0] != 0 && dev->fn.mapped[0] - GUEST_PCI_MEM32 >= GUEST_PCI_MEM32_BYTES &&
        dev->fn.mapped[0] - MEM64 >= GUEST_PCI_MEM64_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct step step;

    board_init(&board, 2);
    fake_gmem_init(0);
    for (u32 i = 0; i < 2; i++) {
        if (vlapic_create(&board.vcpus[i]))
            abort();
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_SVR, 0x1ff);
    }
    dev = calloc(1, sizeof(*dev));
    if (vpic_create(&board.vm) || vioapic_create(&board.vm) || vpci_create(&board.vm, MEM64) ||
        !dev || virtio_create(dev, &board.vm, &model))
        abort();
    (void)bus_write(&board.vm.mmio, GUEST_PCI_ECAM + SLOT + PCI_COMMAND, 2,
                    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
        memcpy(&step, data, sizeof(step));
        do_step(&step);
    }
    board_fini(&board);
    return 0;
}
