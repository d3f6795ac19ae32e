/* SPDX-License-Identifier: BSD-2-Clause */
/* The board's functions; blocks come from the C library, so that the sanitizers watch them. */
#include "tests/fakes/fake_board.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mm/kheap.h"
#include "tests/fakes/fake_timer.h"

void *kmalloc(size_t bytes)
{
    return malloc(bytes);
}

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

void kfree(void *p)
{
    free(p);
}

static struct task fake_current;
u32 fake_task_wakes;
void (*fake_task_on_wait)(void);

struct task *task_current(void)
{
    return &fake_current;
}

int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg)
{
    (void)name, (void)class, (void)pcpu;
    task->entry = entry;
    task->arg = arg;
    return 0;
}

void task_join(struct task *task)
{
    task->entry = NULL;
}

void task_wake(struct task *task)
{
    (void)task;
    fake_task_wakes++;
}

void task_wait(void)
{
    fake_task_on_wait();
}

bool task_wait_until(u64 deadline_ns)
{
    (void)deadline_ns;
    fake_task_on_wait();
    return false;
}

void vdev_attach(struct vm *vm, struct vdev *dev, const char *name, const struct vdev_ops *ops)
{
    dev->name = name;
    dev->ops = ops;
    dev->vm = vm;
    spin_init(&dev->lock, name, LOCK_VDEV);
    dev->next = vm->devices;
    vm->devices = dev;
}

void vdev_detach(struct vdev *dev)
{
    struct vdev **link = &dev->vm->devices;

    while (*link != dev)
        link = &(*link)->next;
    *link = dev->next;
}

int bus_add(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops, struct vdev *dev)
{
    if (bus->count == BUS_REGIONS_MAX)
        return -ENOSPC;
    for (u32 i = 0; i < bus->count; i++) {
        if (base < bus->regions[i].base + bus->regions[i].size &&
            bus->regions[i].base < base + size)
            return -EEXIST;
    }
    bus->regions[bus->count++] = (struct bus_region){base, size, ops, dev};
    return 0;
}

int bus_remove_at(struct bus *bus, u64 base, const struct vdev *dev)
{
    for (u32 i = 0; i < bus->count; i++) {
        if (bus->regions[i].base != base || bus->regions[i].dev != dev)
            continue;
        bus->regions[i] = bus->regions[--bus->count];
        return 0;
    }
    return -ENOENT;
}

static const struct bus_region *find(const struct bus *bus, u64 address, unsigned size)
{
    for (u32 i = 0; i < bus->count; i++) {
        const struct bus_region *r = &bus->regions[i];

        if (address >= r->base && address + size <= r->base + r->size)
            return r;
    }
    return NULL;
}

bool bus_read(struct bus *bus, u64 address, unsigned size, u64 *value)
{
    const struct bus_region *r = find(bus, address, size);

    *value = size == 8 ? ~0ull : BIT(size * 8) - 1;
    if (r)
        *value = r->ops->read(r->dev, address - r->base, size);
    return r != NULL;
}

bool bus_write(struct bus *bus, u64 address, unsigned size, u64 value)
{
    const struct bus_region *r = find(bus, address, size);

    if (r)
        r->ops->write(r->dev, address - r->base, size, value);
    return r != NULL;
}

void vcpu_request(struct vcpu *vcpu, u32 bits)
{
    vcpu->requests |= bits;
}

void vcpu_init(struct vcpu *vcpu)
{
    vcpu->requests &= ~(u32)VCPU_REQ_SIPI;
    vcpu_request(vcpu, VCPU_REQ_INIT);
}

void vcpu_start_up(struct vcpu *vcpu, u8 vector)
{
    vcpu->sipi_vector = vector;
    vcpu_request(vcpu, VCPU_REQ_SIPI);
}

void vcpu_notify(struct vcpu *vcpu)
{
    vcpu->apic->has_requests = 1;
    vcpu_request(vcpu, VCPU_REQ_EVENT);
}

const struct hvm_ops *hvm; /* a test that needs the CPU's part sets both */
struct hvm_caps hvm_caps;

void vm_stop(struct vm *vm, enum vm_stop why)
{
    if (vm->stop == VM_STOP_NONE)
        vm->stop = why;
}

void board_init(struct board *board, u32 vcpu_count)
{
    memset(board, 0, sizeof(*board));
    fake_time_set(NS_PER_S);
    board->vm.boot_ns = NS_PER_S;
    board->vm.vcpu_count = vcpu_count;
    for (u32 i = 0; i < vcpu_count; i++) {
        board->vcpus[i].vm = &board->vm;
        board->vcpus[i].index = i;
        board->vcpus[i].apic = &board->apics[i];
        board->vm.vcpus[i] = &board->vcpus[i];
    }
}

void board_fini(struct board *board)
{
    while (board->vm.devices) {
        struct vdev *dev = board->vm.devices;

        board->vm.devices = dev->next;
        dev->ops->fini(dev);
    }
}

void board_reset(struct board *board)
{
    for (struct vdev *dev = board->vm.devices; dev; dev = dev->next)
        dev->ops->reset(dev);
}

u64 board_in_wide(struct board *board, u16 port, unsigned size)
{
    u64 value;

    (void)bus_read(&board->vm.pio, port, size, &value);
    return value;
}

void board_out_wide(struct board *board, u16 port, unsigned size, u64 value)
{
    (void)bus_write(&board->vm.pio, port, size, value);
}

u8 board_in(struct board *board, u16 port)
{
    return (u8)board_in_wide(board, port, 1);
}

void board_out(struct board *board, u16 port, u8 value)
{
    board_out_wide(board, port, 1, value);
}

u32 board_read(struct board *board, u64 address)
{
    u64 value;

    (void)bus_read(&board->vm.mmio, address, 4, &value);
    return (u32)value;
}

void board_write(struct board *board, u64 address, u32 value)
{
    (void)bus_write(&board->vm.mmio, address, 4, value);
}
