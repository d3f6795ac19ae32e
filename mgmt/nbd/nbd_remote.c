/* SPDX-License-Identifier: BSD-2-Clause */
/* Remote volumes, and requests to them: taken, repeated, given up. */
#include "mgmt/nbd/nbd_remote.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/nbd/nbd_remote_impl.h"
#include "mm/kheap.h"

static struct list remotes = LIST_INIT(remotes);
static u32 remote_count;

static struct nbd_remote *remote_of(struct volume *volume)
{
    return container_of(volume, struct nbd_remote, volume);
}

/* Its begin_ns tells when it has waited too long. Context: any task. */
static bool submit(struct volume *volume, struct volume_req *req)
{
    struct nbd_remote *r = remote_of(volume);
    u64 flags;

    req->blk.begin_ns = time_ns();
    flags = spin_lock_irqsave(&r->lock);
    list_push_back(&r->submitted, &req->link);
    spin_unlock_irqrestore(&r->lock, flags);
    agent_wake();
    return false;
}

static struct volume_req *take_submitted(struct nbd_remote *r)
{
    struct volume_req *req = NULL;
    u64 flags = spin_lock_irqsave(&r->lock);

    if (!list_empty(&r->submitted)) {
        req = list_entry(r->submitted.next, struct volume_req, link);
        list_remove(&req->link);
    }
    spin_unlock_irqrestore(&r->lock, flags);
    return req;
}

/* -- losing the server
 * -------------------------------------------------------------------------------------------
 */

static bool is_flush(const struct volume_req *req)
{
    return req->op == BLK_FLUSH;
}

/* Flushes under way were for writes of the connection that is gone. */
static void fail_flushes(struct nbd_remote *r)
{
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        struct nbd_remote_command *command = &r->commands[i];

        if (command->state == NBD_REMOTE_FREE || !is_flush(command->req))
            continue;
        r->has_lost = false;
        nbd_remote_finish(command, -EIO);
    }
}

void nbd_remote_lost(struct nbd_remote *r)
{
    r->is_online = false;
    r->sending = NULL;
    if (r->down_ns == 0)
        r->down_ns = time_ns();
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        struct nbd_remote_command *command = &r->commands[i];

        if (command->state == NBD_REMOTE_SENT && !command->req)
            *command = (struct nbd_remote_command){0};
        else if (command->state == NBD_REMOTE_SENT)
            command->state = NBD_REMOTE_WAITS;
    }
    if (r->written == r->flushed)
        return;
    r->flushed = r->written;
    r->has_lost = true;
    fail_flushes(r);
}

/* -- the agent's turn
 * --------------------------------------------------------------------------------------------
 */

static struct nbd_remote_command *free_command(struct nbd_remote *r)
{
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        if (r->commands[i].state == NBD_REMOTE_FREE)
            return &r->commands[i];
    }
    return NULL;
}

static void take_requests(struct nbd_remote *r)
{
    struct nbd_remote_command *command;
    struct volume_req *req;

    while ((command = free_command(r)) != NULL && (req = take_submitted(r)) != NULL) {
        *command = (struct nbd_remote_command){
            .state = NBD_REMOTE_WAITS,
            .req = req,
            .cookie = ++r->last_cookie,
            .is_read = req->op == BLK_READ,
            .is_flush = is_flush(req),
        };
    }
}

/* As many as there are now: done() may bring new ones. */
static void give_up(struct nbd_remote *r)
{
    struct volume_req *req;

    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        if (r->commands[i].state == NBD_REMOTE_WAITS)
            nbd_remote_finish(&r->commands[i], -EIO);
    }
    for (u32 i = 0; i < NBD_COMMANDS_MAX && (req = take_submitted(r)) != NULL; i++) {
        req->status = -EIO;
        req->done(req);
    }
}

/* It may have begun after `now`. */
static bool is_late(const struct volume_req *req, u64 now)
{
    return req && now > req->blk.begin_ns && now - req->blk.begin_ns > NBD_SILENCE_NS;
}

/* All that is under way may be what nobody waits for any more: then the list tells. */
static bool is_silent(struct nbd_remote *r, u64 now)
{
    bool is_one = false;
    u64 flags;

    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++)
        is_one |= is_late(r->commands[i].req, now);
    flags = spin_lock_irqsave(&r->lock);
    if (!list_empty(&r->submitted))
        is_one |= is_late(list_entry(r->submitted.next, struct volume_req, link), now);
    spin_unlock_irqrestore(&r->lock, flags);
    return is_one;
}

/* A server that leaves one command without an answer is asked anew, by another connection. */
static void check_time(struct nbd_remote *r, u64 now)
{
    if (!is_silent(r, now))
        return;
    if (r->is_online)
        nbd_remote_drop(r, "left a command without an answer for 30 s");
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        if (is_late(r->commands[i].req, now))
            nbd_remote_finish(&r->commands[i], -ETIMEDOUT);
    }
}

static void poll(struct nbd_remote *r, u64 now)
{
    if (!r->o && now >= r->retry_ns)
        nbd_remote_connect(r);
    check_time(r, now);
    if (r->down_ns != 0 && now > r->down_ns && now - r->down_ns > NBD_SILENCE_NS)
        give_up(r);
    take_requests(r);
    nbd_remote_pump(r);
}

void nbd_remote_poll(void)
{
    u64 now = time_ns();

    list_for_each(pos, &remotes) poll(list_entry(pos, struct nbd_remote, link), now);
}

/* -- the volume
 * --------------------------------------------------------------------------------------------------
 */

static void cancel_submitted(struct nbd_remote *r,
                             bool (*is_meant)(const struct volume_req *req, void *arg), void *arg)
{
    struct list meant = LIST_INIT(meant);
    u64 flags = spin_lock_irqsave(&r->lock);

    list_for_each_safe(pos, after, &r->submitted)
    {
        if (!is_meant(list_entry(pos, struct volume_req, link), arg))
            continue;
        list_remove(pos);
        list_push_back(&meant, pos);
    }
    spin_unlock_irqrestore(&r->lock, flags);
    while (!list_empty(&meant)) {
        struct volume_req *req = list_entry(meant.next, struct volume_req, link);

        list_remove(&req->link);
        req->status = -EIO;
        req->done(req);
    }
}

/* The reply of one that was sent is waited for without it; one of which a part was sent cannot be
 * taken back but with the connection. */
static void cancel(struct volume *volume, bool (*is_meant)(const struct volume_req *req, void *arg),
                   void *arg)
{
    struct nbd_remote *r = remote_of(volume);

    cancel_submitted(r, is_meant, arg);
    if (r->sending && is_meant(r->sending->req, arg))
        nbd_remote_drop(r, "is asked anew: a VM was powered off in the middle of a command");
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        struct nbd_remote_command *command = &r->commands[i];
        struct nbd_remote_command sent = *command;

        if (!command->req || !is_meant(command->req, arg))
            continue;
        nbd_remote_finish(command, -EIO);
        if (sent.state != NBD_REMOTE_SENT)
            continue;
        sent.req = NULL;
        *command = sent;
    }
}

static u64 used_bytes(struct volume *volume)
{
    return volume_bytes(volume);
}

static int grow(struct volume *volume unused, u64 block_count unused)
{
    return -EOPNOTSUPP;
}

static void destroy(struct volume *volume)
{
    struct nbd_remote *r = remote_of(volume);
    void (*on_end)(void) = r->on_end;

    if (r->o)
        outgoing_close(r->o);
    list_remove(&r->link);
    remote_count--;
    kfree(r);
    on_end();
}

static const struct volume_ops remote_ops = {
    .submit = submit,
    .used_bytes = used_bytes,
    .grow = grow,
    .destroy = destroy,
    .cancel = cancel,
};

int nbd_remote_open(const struct nbd_server *server, const char *name, const char *export,
                    bool is_read_only, void (*on_end)(void), struct volume **out)
{
    struct nbd_remote *r;

    if (remote_count == NBD_REMOTES_MAX)
        return -ENOSPC;
    r = kzalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->volume =
        (struct volume){.ops = &remote_ops, .block_bytes = 512, .is_read_only = is_read_only};
    (void)str_copy(r->volume.name, sizeof(r->volume.name), name);
    (void)str_copy(r->export, sizeof(r->export), export);
    (void)str_copy(r->reason, sizeof(r->reason), "The server has not answered yet.");
    r->server = server;
    r->on_end = on_end;
    spin_init(&r->lock, "nbd remote", LOCK_POOL);
    list_init(&r->submitted);
    list_push_back(&remotes, &r->link);
    remote_count++;
    agent_wake();
    *out = &r->volume;
    return 0;
}

bool volume_is_remote(const struct volume *volume)
{
    return volume->ops == &remote_ops;
}

const char *nbd_remote_reason(const struct volume *volume)
{
    const struct nbd_remote *r = (const struct nbd_remote *)(const void *)volume;

    return r->is_online ? NULL : r->reason;
}

const char *nbd_remote_export(const struct volume *volume)
{
    return ((const struct nbd_remote *)(const void *)volume)->export;
}

struct volume *nbd_remote_next(const struct nbd_server *server, const struct volume *after)
{
    bool is_behind = after == NULL;

    list_for_each(pos, &remotes)
    {
        struct nbd_remote *r = list_entry(pos, struct nbd_remote, link);

        if (is_behind && r->server == server)
            return &r->volume;
        is_behind |= &r->volume == after;
    }
    return NULL;
}
