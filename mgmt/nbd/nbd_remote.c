/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to a remote volume: taken, cut into commands, answered, repeated, given up. */
#include "mgmt/nbd/nbd_remote.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/agent.h"
#include "mgmt/nbd/nbd_remote_impl.h"
#include "mm/kheap.h"

#define NBD_ESHUTDOWN 108u

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

void nbd_remote_finish(struct nbd_remote_command *command, int status)
{
    struct volume_req *req = command->req;

    *command = (struct nbd_remote_command){0};
    req->status = status;
    req->done(req);
}

/* -- one command
 * -------------------------------------------------------------------------------------------------
 */

static u64 bytes_of(const struct nbd_remote *r, const struct volume_req *req)
{
    return (u64)req->blocks * r->volume.block_bytes;
}

static enum nbd_command_type type_of(enum blk_op op)
{
    switch (op) {
    case BLK_WRITE:
        return NBD_CMD_WRITE;
    case BLK_FLUSH:
        return NBD_CMD_FLUSH;
    case BLK_DISCARD:
        return NBD_CMD_TRIM;
    case BLK_WRITE_ZEROES:
        return NBD_CMD_WRITE_ZEROES;
    default:
        return NBD_CMD_READ;
    }
}

/* What needs no server, or what this one cannot do any more. Return: 1: the server is asked; else
 * the request's status. */
static int settle_here(struct nbd_remote *r, const struct volume_req *req)
{
    const struct nbd_export_facts *facts = &r->client.facts;

    if (req->op == BLK_FLUSH && r->has_lost) {
        r->has_lost = false;
        return -EIO;
    }
    if (req->op == BLK_FLUSH && !facts->can_flush)
        return 0;
    if ((req->op == BLK_DISCARD && !facts->can_trim) ||
        (req->op == BLK_WRITE_ZEROES && !facts->can_write_zeroes))
        return -EOPNOTSUPP;
    return 1;
}

bool nbd_remote_prepare(struct nbd_remote *r, struct nbd_remote_command *command)
{
    const struct volume_req *req = command->req;
    u64 left = bytes_of(r, req) - command->at;
    u32 most = blk_moves_data(req->op)
                   ? (u32)MIN(NBD_PIECE_MAX, ALIGN_DOWN(r->client.facts.block_max, 4096u))
                   : NBD_RANGE_MAX;
    int status = settle_here(r, req);
    struct nbd_command wire;

    if (status <= 0) {
        nbd_remote_finish(command, status);
        return false;
    }
    command->cookie = ++r->last_cookie;
    command->bytes = (u32)MIN(left, (u64)most);
    command->covered = 0;
    command->status = 0;
    command->written = r->written;
    command->place = command->is_flush ? 0 : req->lba * r->volume.block_bytes + command->at;
    wire = (struct nbd_command){
        .type = (u16)type_of(req->op),
        .cookie = command->cookie,
        .offset = command->place,
        .length = command->bytes,
    };
    nbd_client_command(r->head, &wire);
    return true;
}

static struct nbd_remote_command *find(struct nbd_remote *r, u64 cookie)
{
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        if (r->commands[i].state == NBD_REMOTE_SENT && r->commands[i].cookie == cookie)
            return &r->commands[i];
    }
    return NULL;
}

/* One that nobody waits for any more may still have been a read: its data are let pass. */
static int on_find(void *arg, u64 cookie, u64 *offset, u32 *bytes)
{
    struct nbd_remote *r = arg;
    const struct nbd_remote_command *command = find(r, cookie);

    if (!command)
        return -ENOENT;
    *offset = command->place;
    *bytes = command->is_read ? command->bytes : 0;
    return 0;
}

static void on_take(void *arg, u64 cookie, u32 at, const u8 *data, u32 bytes)
{
    struct nbd_remote_command *command = find(arg, cookie);
    u32 piece;

    if (!command || !command->req)
        return;
    command->covered += MIN(bytes, command->bytes - command->covered);
    for (; bytes > 0; at += piece, bytes -= piece) {
        u8 *to = nbd_remote_memory(command->req, command->at + at, &piece);

        piece = MIN(piece, bytes);
        if (data) {
            memcpy(to, data, piece);
            data += piece;
        } else {
            memset(to, 0, piece);
        }
    }
}

static void on_fail(void *arg, u64 cookie, u32 error)
{
    struct nbd_remote_command *command = find(arg, cookie);

    if (!command)
        return;
    if (error == NBD_ESHUTDOWN) {
        nbd_remote_drop(arg, "is shutting down"); /* and may come back */
        return;
    }
    command->status = error == NBD_EPERM     ? -EPERM
                      : error == NBD_ENOSPC  ? -ENOSPC
                      : error == NBD_ENOTSUP ? -EOPNOTSUPP
                                             : -EIO;
}

static void count_write(struct nbd_remote *r)
{
    r->written++;
    if (!r->client.facts.can_flush)
        r->flushed = r->written;
}

static void on_done(void *arg, u64 cookie)
{
    struct nbd_remote *r = arg;
    struct nbd_remote_command *command = find(r, cookie);
    struct volume_req *req = command ? command->req : NULL;

    if (!command)
        return;
    if (!command->is_read && !command->is_flush)
        count_write(r); /* also of one that failed: a part may be written */
    if (!req) {
        *command = (struct nbd_remote_command){0};
        return;
    }
    if (command->is_read && command->status == 0 && command->covered != command->bytes)
        command->status = -EIO;
    if (command->is_flush && command->status == 0)
        r->flushed = MAX(r->flushed, command->written);
    command->at += command->bytes;
    if (command->status != 0 || command->at >= bytes_of(r, req)) {
        nbd_remote_finish(command, command->status);
        return;
    }
    req->blk.begin_ns = time_ns(); /* it goes on */
    command->state = NBD_REMOTE_WAITS;
}

const struct nbd_client_ops nbd_remote_replies = {
    .find = on_find, .take = on_take, .fail = on_fail, .done = on_done};

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
