/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of locks. */
#ifndef SOCLE_X86_LOCK_RANK_H
#define SOCLE_X86_LOCK_RANK_H

/* Outer to inner; a lock may only be taken while holding locks of lower rank. */
enum lock_rank {
    LOCK_REGISTRY = 1,
    LOCK_VM,
    LOCK_PCI, /* a guest's PCI configuration: BARs move on the bus */
    LOCK_BUS,
    LOCK_VDEV,
    LOCK_VIRTQ,   /* one virtqueue */
    LOCK_VMSI,    /* MSI-X table, or interrupt status, of one device */
    LOCK_INTX,    /* a guest's PCI interrupt lines, shared by devices */
    LOCK_IRQCHIP, /* virtual PIC and IOAPIC: raised from under a device's lock */
    LOCK_CONSOLE, /* console byte rings */
    LOCK_POOL,    /* packet buffers, block queues */
    LOCK_RUNQ,
    LOCK_CPU_LIMIT, /* run time that vCPUs have in common */
    LOCK_TIMER,
    LOCK_GMEM, /* a guest's memory comes and goes: in accesses from under any device's lock */
    LOCK_HEAP,
    LOCK_HPT,
    LOCK_PMM,
    LOCK_HARDWARE, /* registers reached in two steps: CF8h, IOAPIC */
    LOCK_LOG,
};

#endif
