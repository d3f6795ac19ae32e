/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console: one port, on a console of the VM.
 *
 * Output costs an exit per write of the guest and not, as with the serial port, two per byte. What
 * a guest may write is a budget: beyond it the queue waits for a timer, so that one that writes
 * without end does not keep its pCPU in the hypervisor. Spec: Virtio 1.2, 5.3 "Console Device".
 *
 * Not offered: further ports, the size of the terminal, emergency writes.
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/vdev/vconsole.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define RX_QUEUE       0u
#define TX_QUEUE       1u
#define QUEUE_COUNT    2u
#define CON_QUEUE_SIZE 64u
#define CON_CLASS      0x078000u     /* a simple communication controller, other */
#define PIECE_BYTES    256u          /* copied at once */
#define BUDGET_BYTES   (64u * 1024u) /* of output, from one filling to the next */
#define BUDGET_NS      (5 * NS_PER_MS)
#define CHAIN_COST     64u /* a chain of nothing is work, too */

struct vcon {
    struct virtio virtio; /* its lock protects everything below */
    struct vconsole *console;
    u64 budget_bytes;
    u64 filled_ns; /* when the budget was last full */
    struct timer timer;
    bool is_writing;        /* `out` has been taken, and not all of it written: */
    u64 written_bytes;      /* that much */
    struct virtq_chain out; /* the output at work */
    struct virtq_chain in;  /* the same for input */
    u8 piece[PIECE_BYTES];
};

static struct vcon *con_of(struct virtio *dev)
{
    return container_of(dev, struct vcon, virtio);
}

/* -- output --------------------------------------------------------------------------------------
 */

static void top_up(struct vcon *con)
{
    u64 now = time_ns();

    if (now - con->filled_ns < BUDGET_NS)
        return;
    con->filled_ns = now;
    con->budget_bytes = BUDGET_BYTES;
}

static void pay(struct vcon *con, u64 bytes)
{
    con->budget_bytes -= MIN(con->budget_bytes, bytes);
}

/* As much of the chain as the budget allows. Return: true: all of it. */
static bool write_chain(struct vcon *con)
{
    const struct gmem *gmem = &con->virtio.dev.vm->gmem;

    while (con->written_bytes < con->out.read_bytes && con->budget_bytes > 0) {
        size_t n =
            virtq_chain_read(gmem, &con->out, con->written_bytes, con->piece, sizeof(con->piece));

        vconsole_write(con->console, con->piece, n);
        con->written_bytes += n;
        pay(con, n);
        if (n == 0) /* the rest cannot be read: it is lost */
            con->written_bytes = con->out.read_bytes;
    }
    return con->written_bytes == con->out.read_bytes;
}

/* Return: false: there is none. */
static bool next_chain(struct vcon *con)
{
    if (con->is_writing)
        return true;
    con->is_writing = virtio_pop(&con->virtio, TX_QUEUE, &con->out) == 0;
    con->written_bytes = 0;
    if (con->is_writing)
        pay(con, CHAIN_COST);
    return con->is_writing;
}

/* Context: lock held. */
static void send(struct vcon *con)
{
    bool has_sent = false;

    top_up(con);
    while (con->budget_bytes > 0 && next_chain(con) && write_chain(con)) {
        virtio_push(&con->virtio, TX_QUEUE, &con->out, 0);
        con->is_writing = false;
        has_sent = true;
    }
    if (has_sent)
        virtio_signal(&con->virtio, TX_QUEUE);
    if (con->budget_bytes == 0)
        timer_arm(&con->timer, con->filled_ns + BUDGET_NS);
}

/* Context: timer's interrupt. */
static void on_refill(void *arg)
{
    struct vcon *con = arg;
    u64 flags = spin_lock_irqsave(&con->virtio.dev.lock);

    send(con);
    spin_unlock_irqrestore(&con->virtio.dev.lock, flags);
}

/* -- input ---------------------------------------------------------------------------------------
 */

/* Return: bytes put into the chain. */
static u32 fill_chain(struct vcon *con)
{
    const struct gmem *gmem = &con->virtio.dev.vm->gmem;
    u64 room = MIN(con->in.write_bytes, (u64)VCONSOLE_INPUT_MAX);
    u32 done = 0;

    while (done < room) {
        u32 n = 0, wanted = (u32)MIN(room - done, (u64)PIECE_BYTES);

        while (n < wanted && vconsole_get(con->console, &con->piece[n]))
            n++;
        (void)virtq_chain_write(gmem, &con->in, done, con->piece, n);
        done += n;
        if (n < wanted)
            break;
    }
    return done;
}

/* Context: lock held. There is at most VCONSOLE_INPUT_MAX to do; each chain takes one byte of it or
 * it is given back as it came, which the guest pays for. */
static void receive(struct vcon *con)
{
    bool has_received = false;

    for (u32 i = 0; i < CON_QUEUE_SIZE && vconsole_has_input(con->console); i++) {
        if (virtio_pop(&con->virtio, RX_QUEUE, &con->in))
            break;
        virtio_push(&con->virtio, RX_QUEUE, &con->in, fill_chain(con));
        has_received = true;
    }
    if (has_received)
        virtio_signal(&con->virtio, RX_QUEUE);
}

/* Context: whoever gives input, no lock held. */
static void on_input(void *arg)
{
    struct vcon *con = arg;
    u64 flags = spin_lock_irqsave(&con->virtio.dev.lock);

    receive(con);
    spin_unlock_irqrestore(&con->virtio.dev.lock, flags);
}

/* -- the device ----------------------------------------------------------------------------------
 */

static void con_notify(struct virtio *dev, u16 queue)
{
    struct vcon *con = con_of(dev);

    if (queue == TX_QUEUE)
        on_refill(con);
    else
        on_input(con);
}

/* The budget outlives a reset, or resetting would be a way around it. */
static void con_reset(struct virtio *dev)
{
    con_of(dev)->is_writing = false;
}

static void con_fini(struct virtio *dev)
{
    struct vcon *con = con_of(dev);

    vconsole_attach(con->console, NULL, NULL);
    timer_cancel(&con->timer);
    virtio_fini(dev);
    kfree(con);
}

static const struct virtio_ops con_ops = {
    .notify = con_notify, .reset = con_reset, .fini = con_fini};

static const struct virtio_model con_model = {
    .name = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .class_code = CON_CLASS,
    .queue_count = QUEUE_COUNT,
    .queue_size = CON_QUEUE_SIZE,
    .ops = &con_ops,
};

int virtio_console_create(struct vm *vm, struct vconsole *console)
{
    struct vcon *con = kzalloc(sizeof(*con));
    int rc;

    if (!con)
        return -ENOMEM;
    con->console = console;
    timer_init(&con->timer, on_refill, con);
    con->filled_ns = time_ns();
    con->budget_bytes = BUDGET_BYTES;
    rc = virtio_create(&con->virtio, vm, &con_model);
    if (rc == -ENOMEM)
        kfree(con);
    else
        vconsole_attach(console, on_input, con);
    return rc;
}
