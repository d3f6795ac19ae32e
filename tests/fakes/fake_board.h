/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM without CPUs to run, for tests of emulated devices: buses that dispatch, vCPUs that count
 * requests.
 *
 * Defines what core/vm and mm/kheap.h give to devices.
 */
#ifndef SOCLE_FAKES_BOARD_H
#define SOCLE_FAKES_BOARD_H

#include "core/vm/vm.h"

#define BOARD_VCPUS_MAX 8

struct board {
    struct vm vm;
    struct vcpu vcpus[BOARD_VCPUS_MAX];
    struct vcpu_apic apics[BOARD_VCPUS_MAX];
};

/* Tasks do not run: wakes are counted, and who waits calls this. */
extern u32 fake_task_wakes;
extern void (*fake_task_on_wait)(void);

/* Starts time at one second and makes a VM with vCPUs but no devices. */
void board_init(struct board *board, u32 vcpu_count);

/* Frees the devices. */
void board_fini(struct board *board);

/* Resets the devices. */
void board_reset(struct board *board);

/* Byte, word and long accesses to ports; *_mmio to 32-bit registers. */
u8 board_in(struct board *board, u16 port);
void board_out(struct board *board, u16 port, u8 value);
u64 board_in_wide(struct board *board, u16 port, unsigned size);
void board_out_wide(struct board *board, u16 port, unsigned size, u64 value);
u32 board_read(struct board *board, u64 address);
void board_write(struct board *board, u64 address, u32 value);

#endif
