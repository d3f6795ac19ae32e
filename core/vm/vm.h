/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running virtual machine: memory, buses, devices, vCPUs.
 *
 * It exists from start to stop; the definition that survives it belongs to core/vmm. Built, started
 * and destroyed by the management task only; its vCPUs are reached by requests.
 */
#ifndef SOCLE_VM_VM_H
#define SOCLE_VM_VM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/bus.h"
#include "core/vm/irqchip.h"
#include "core/vm/vcpu.h"
#include "core/vm/vdev.h"
#include "mm/gmem.h"
#include "mm/slat.h"

struct hvm_vm; /* vendor part */
struct virq;   /* interrupt lines, core/vdev */
struct vpci;   /* PCI host bridge, core/vdev */

#define VM_VCPUS_MAX  64
#define VM_REASON_MAX 160

/* Why the vCPUs left their loops, or must. The first one asked for wins. */
enum vm_stop { VM_STOP_NONE, VM_STOP_POWEROFF, VM_STOP_RESET, VM_STOP_CRASH, VM_STOP_FORCED };

struct vm {
    u32 id;           /* (c) */
    const char *name; /* (c) borrowed from the definition */
    struct gmem gmem; /* has its own lock */
    struct slat slat; /* gmem's lock */
    struct bus pio;
    struct bus mmio;
    struct vdev *devices;              /* newest first; changes only while the vCPUs stand still */
    const struct irqchip_ops *irqchip; /* (c) */
    struct virq *virq;                 /* (c) */
    struct vpci *pci;                  /* (c) */
    u32 vcpu_count;                    /* (c) */
    struct vcpu *vcpus[VM_VCPUS_MAX];  /* (c) */
    struct hvm_vm *hw;                 /* (c) vendor part */
    u32 tlb_tag;                       /* (c) ASID/VPID for the vendor layer, given out by it */
    struct cpu_limit cpu_limit;        /* of all its vCPUs together; may be off */
    u64 boot_ns;                       /* (c) host time of power-on: the zero of guest clocks */
    u64 boot_tsc;                      /* (c) host TSC at power-on */
    u64 boot_unix_ns;                  /* (c) wall clock at power-on */
    bool is_realtime;  /* (c) its vCPUs have pCPUs for themselves: nothing is to disturb them */
    enum vm_stop stop; /* (a) */
    u32 vcpus_alive;   /* (a) run loops not yet left */
    char reason[VM_REASON_MAX];        /* set once, by whoever set stop to VM_STOP_CRASH */
    struct task *waiter;               /* (a) who is told when a vCPU pauses or stops */
    void (*on_stopped)(struct vm *vm); /* (c) called on the last vCPU's task, or by the stopper:
                                          wakes management */
    void (*on_ejected)(struct vm *vm); /* (c) called on a vCPU's task: the guest has given up a
                                          device; wakes management */
};

/* Context: management task. The struct is zeroed by the callee. Return: 0, -ENOMEM. */
int vm_init(struct vm *vm, u32 id, const char *name, u64 memory_bytes) must_check;

/* Destroys devices, vCPUs, memory. All vCPU tasks have been joined or never started. */
void vm_fini(struct vm *vm);

/* Asks every vCPU to leave its loop, once; later calls with other reasons change nothing. Context:
 * any. */
void vm_stop(struct vm *vm, enum vm_stop why);

/* Stops only this VM, with a reason for the user, and dumps the vCPU to the log. Context: vCPU
 * task. */
void vm_crash(struct vm *vm, struct vcpu *vcpu, const char *fmt, ...) printf_like(3, 4);

/* Context: management task. pause returns when every vCPU stands still. */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

#endif
