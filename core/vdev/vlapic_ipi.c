/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC: who a message is for, and sending them by the interrupt command register.
 *
 * INIT to the boot vCPU makes it start at the reset vector, where a PC's firmware reboots; so it
 * resets the VM. SIPI is ignored by every vCPU that is not waiting for one, as the boot vCPU never
 * is. Spec: SDM 3A "Issuing Interprocessor Interrupts", "Determining IPI Destination", "Logical
 * Destination Mode in x2APIC Mode".
 */
#include "core/vdev/vlapic.h"
#include "core/vm/vm.h"

#define ICR_VECTOR      0xffull
#define ICR_DELIVERY    0x700ull
#define ICR_LOGICAL     BIT(11)
#define ICR_ASSERT      BIT(14)
#define ICR_LEVEL       BIT(15)
#define ICR_SHORTHAND   0xc0000ull
#define ICR_WRITABLE    0xffffffff000ccfffull /* delivery status reads 0: sent at once */
#define ICR_DEST_SHIFT  32u
#define ICR_XDEST_SHIFT 56u

#define SHORTHAND_NONE   0u
#define SHORTHAND_SELF   1u
#define SHORTHAND_OTHERS 3u

#define XDEST_BROADCAST  0xffu
#define X2DEST_BROADCAST 0xffffffffu
#define DFR_MODEL_SHIFT  28u
#define DFR_MODEL_FLAT   0xfu
#define XLDR_SHIFT       24u
#define XCLUSTER_SHIFT   4u
#define XCLUSTER_IDS     0xfu
#define X2CLUSTER_SHIFT  16u
#define X2CLUSTER_IDS    0xffffu

static bool matches_logical(const struct vlapic *lapic, u32 destination)
{
    u32 ldr = vlapic_get(lapic, APIC_LDR);
    u32 model = vlapic_get(lapic, APIC_DFR) >> DFR_MODEL_SHIFT;

    if (vlapic_is_x2(lapic))
        return ldr >> X2CLUSTER_SHIFT == destination >> X2CLUSTER_SHIFT &&
               (ldr & destination & X2CLUSTER_IDS) != 0;
    ldr >>= XLDR_SHIFT;
    if (model == DFR_MODEL_FLAT)
        return (ldr & destination) != 0;
    return ldr >> XCLUSTER_SHIFT == destination >> XCLUSTER_SHIFT &&
           (ldr & destination & XCLUSTER_IDS) != 0;
}

static bool matches(const struct vlapic *lapic, const struct vlapic_message *message)
{
    u32 broadcast = message->is_wide ? X2DEST_BROADCAST : XDEST_BROADCAST;

    if (!vlapic_is_on(lapic))
        return false;
    if (message->destination == broadcast)
        return true;
    if (message->is_logical)
        return matches_logical(lapic, message->destination);
    return lapic->vcpu->index == message->destination;
}

/* Hands a message to one local APIC. Return: true if it was taken. */
static bool deliver(struct vlapic *lapic, const struct vlapic_message *message)
{
    switch (message->mode) {
    case VLAPIC_FIXED:
    case VLAPIC_LOWEST:
        return vlapic_set_irr(lapic, message->vector, message->is_level);
    case VLAPIC_NMI:
        vlapic_set_nmi(lapic);
        return true;
    case VLAPIC_INIT:
        if (lapic->vcpu->index == 0)
            vm_stop(lapic->vcpu->vm, VM_STOP_RESET);
        else
            vcpu_init(lapic->vcpu);
        return true;
    case VLAPIC_SIPI:
        vcpu_start_up(lapic->vcpu, message->vector);
        return true;
    case VLAPIC_SMI:    /* there is no system management mode */
    case VLAPIC_EXTINT: /* the PIC reaches CPUs by LINT0 only */
        break;
    }
    return false;
}

static struct vlapic *lapic_of(const struct vm *vm, u32 index)
{
    return vm->vcpus[index] ? vm->vcpus[index]->vlapic : NULL;
}

/* Spec: SDM 3A "Lowest Priority Delivery Mode": the match that runs at the lowest task priority. */
static bool send_lowest(struct vm *vm, const struct vlapic_message *message)
{
    struct vlapic *best = NULL;
    u32 best_priority = UINT32_MAX;

    for (u32 i = 0; i < vm->vcpu_count; i++) {
        struct vlapic *lapic = lapic_of(vm, i);
        u32 priority;

        if (!lapic || !matches(lapic, message))
            continue;
        priority = vlapic_get(lapic, APIC_TPR);
        if (priority < best_priority) {
            best = lapic;
            best_priority = priority;
        }
    }
    return best && deliver(best, message);
}

bool vlapic_send(struct vm *vm, const struct vlapic_message *message)
{
    bool is_taken = false;

    if (message->mode == VLAPIC_LOWEST)
        return send_lowest(vm, message);
    for (u32 i = 0; i < vm->vcpu_count; i++) {
        struct vlapic *lapic = lapic_of(vm, i);

        if (lapic && matches(lapic, message))
            is_taken |= deliver(lapic, message);
    }
    return is_taken;
}

static void send_shorthand(struct vlapic *lapic, u32 shorthand,
                           const struct vlapic_message *message)
{
    struct vm *vm = lapic->vcpu->vm;

    if (shorthand == SHORTHAND_SELF) {
        if (message->mode == VLAPIC_FIXED) /* the others are illegal with it */
            (void)deliver(lapic, message);
        return;
    }
    for (u32 i = 0; i < vm->vcpu_count; i++) {
        struct vlapic *other = lapic_of(vm, i);

        if (!other || (other == lapic && shorthand == SHORTHAND_OTHERS))
            continue;
        if (vlapic_is_on(other))
            (void)deliver(other, message);
    }
}

/* x2APIC reads it as one register of 64 bits, also from the page where the CPU does it. */
static void store_icr(struct vlapic *lapic, u64 icr, bool is_x2)
{
    vlapic_set(lapic, APIC_ICR, (u32)icr);
    vlapic_set(lapic, APIC_ICR_HIGH, (u32)(icr >> ICR_DEST_SHIFT));
    if (is_x2)
        vlapic_set(lapic, APIC_ICR + sizeof(u32), (u32)(icr >> ICR_DEST_SHIFT));
}

void vlapic_icr_write(struct vlapic *lapic, u64 icr)
{
    bool is_x2 = vlapic_is_x2(lapic);
    u32 shorthand = (u32)FIELD_GET(ICR_SHORTHAND, icr);
    struct vlapic_message message = {
        .destination = (u32)(icr >> (is_x2 ? ICR_DEST_SHIFT : ICR_XDEST_SHIFT)),
        .is_logical = (icr & ICR_LOGICAL) != 0,
        .is_wide = is_x2,
        .mode = (enum vlapic_delivery)FIELD_GET(ICR_DELIVERY, icr),
        .vector = (u8)FIELD_GET(ICR_VECTOR, icr),
    };
    bool is_vectored = message.mode == VLAPIC_FIXED || message.mode == VLAPIC_LOWEST;

    store_icr(lapic, icr & ICR_WRITABLE, is_x2);
    if (message.mode == VLAPIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return; /* INIT level de-assert: only old APICs' arbitration IDs hear it */
    if (is_vectored && message.vector < APIC_VECTOR_MIN)
        vlapic_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
    else if (shorthand == SHORTHAND_NONE)
        (void)vlapic_send(lapic->vcpu->vm, &message);
    else
        send_shorthand(lapic, shorthand, &message);
}
