/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device on PCI for unit tests of the host's virtio drivers: configuration space, common
 * configuration, doorbells and the device's side of its queues. Tests set what it offers, and may
 * have it answer badly.
 */
#ifndef SOCLE_FAKES_VIRTIO_H
#define SOCLE_FAKES_VIRTIO_H

#include "core/kern/irq.h"
#include "core/lib/types.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_irq.h"
#include "drivers/virtio/virtq.h"

#define FAKE_QUEUES       4u
#define FAKE_BAR_BYTES    0x4000u
#define FAKE_CONFIG_BYTES 64u

struct fake_queue {
    u16 size; /* what it offers; then what the driver chose */
    u16 notify_off;
    u16 vector;
    bool is_enabled;
    u64 desc, driver, device;
    u16 avail_idx; /* what it has taken */
    u16 used_idx;  /* what it has given back */
    u32 kicks;
};

struct fake_virtio {
    u64 offered, accepted;
    bool refuses_features;
    bool resets_never;    /* status stays what it was */
    bool takes_no_vector; /* for interrupts by MSI-X */
    bool is_restless;     /* the generation changes with every look */
    u8 status, generation, isr;
    struct fake_queue queues[FAKE_QUEUES];
    u8 config[FAKE_CONFIG_BYTES];
    u8 pci_config[256];
    u32 resets;
    bool is_master;             /* it may reach memory */
    enum pci_irq_kind irq_kind; /* what pci_irq_setup finds */
    irq_handler handler;        /* the driver's */
    void *handler_arg;
    void (*on_kick)(u16 queue); /* runs with each doorbell */
    u64 now;                    /* moves a millisecond with each look */
    u32 dma_buffers;            /* in use */
    bool dma_fails;
};

extern struct fake_virtio fake;
extern struct pci_device fake_pci;

/* A device with modern capabilities, VERSION_1 and queues of 256, 256 and 64 entries. */
void fake_virtio_init(void);

/*
 * The device takes the next available chain. Out: its head, up to `max` pieces and how many.
 * Return: false if there is none.
 */
bool fake_virtio_pop(u16 queue, u16 *head, struct virtq_desc *pieces, u32 max, u32 *count);

/* It gives a chain back; raises no interrupt by itself. */
void fake_virtio_push(u16 queue, u32 head, u32 bytes);

/* Memory as the device sees it: bus addresses are addresses of the test. */
void *fake_virtio_memory(u64 address);

#endif
