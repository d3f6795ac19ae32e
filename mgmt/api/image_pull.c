/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pull: connect, ask, follow redirects, append what comes to an image, check it, publish it.
 *
 * QUEUED → (connection → answer → redirect →)* connection → answer → bytes → end. Behind the end a
 * qcow2 file may leave work, which is done a piece in each turn. Whatever goes wrong ends in
 * fail(), which leaves nothing but the task with its reason. What the server sends is held up by
 * TCP while the pool's disk writes.
 */
#include "mgmt/api/image_pull.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/api/api_events.h"
#include "mgmt/api/api_image.h"
#include "mgmt/api/api_tasks.h"
#include "mgmt/http/http_answer.h"
#include "mm/kheap.h"

#define SILENCE_NS (30 * NS_PER_S)

struct pull {
    struct job *job; /* NULL: a free place */
    struct pull_spec spec;
    struct outgoing *connection; /* NULL: in the queue */
    size_t request_at;           /* bytes of the request already sent */
    u32 redirects;
    struct image *image; /* NULL: the answer has not begun */
    bool is_settling;    /* all bytes are here, and the connection is gone */
    u64 heard_ns;        /* when something came last */
    struct http_answer answer;
};

static struct pull pulls[PULLS_MAX];

/* -- their end
 * -------------------------------------------------------------------------------------------------------
 */

/* The place becomes free. What was fetched is thrown away unless the image has been published. */
static void release(struct pull *pull)
{
    if (pull->connection)
        outgoing_close(pull->connection);
    if (pull->image)
        image_abort(pull->image);
    kfree(pull->spec.ca);
    pull->connection = NULL;
    pull->image = NULL;
    pull->is_settling = false;
    pull->spec.ca = NULL;
    pull->job = NULL;
}

static void fail(struct pull *pull, const struct problem *problem)
{
    struct job *job = pull->job;
    struct job_error error = {.slug = problem->slug,
                              .need_bytes = problem->need_bytes,
                              .free_bytes = problem->free_bytes};

    (void)str_copy(error.detail, sizeof(error.detail), problem->detail);
    (void)str_copy(error.hint, sizeof(error.hint), problem->hint ? problem->hint : "");
    log_warn("image", "%s was not pulled from %s: %s", pull->spec.name, pull->spec.url.host,
             error.detail);
    release(pull);
    api_task_set(job, JOB_FAILED, &error);
}

/* The server's doing. */
static void fail_peer(struct pull *pull, const char *detail, const char *hint)
{
    fail(pull, &(struct problem){.slug = "peer", .detail = detail, .hint = hint});
}

static void cancel(struct job *job)
{
    for (u32 i = 0; i < PULLS_MAX; i++) {
        if (pulls[i].job == job)
            release(&pulls[i]);
    }
    api_task_set(job, JOB_CANCELLED, NULL);
}

/* -- the answer
 * ------------------------------------------------------------------------------------------------------
 */

static void open_connection(struct pull *pull);

static bool is_redirect(u16 status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow(struct pull *pull)
{
    static struct url to; /* large; one thread */
    const char *why;

    if (++pull->redirects > REDIRECTS_MAX) {
        fail_peer(pull, "The server redirects more than five times.", "Use the last URL itself.");
        return;
    }
    if (url_follow(&pull->spec.url, pull->answer.location, &to, &why)) {
        fail_peer(pull, why, "Ask for the URL the file is really at.");
        return;
    }
    outgoing_close(pull->connection);
    pull->connection = NULL;
    pull->spec.url = to;
    open_connection(pull);
}

static void refuse_status(struct pull *pull)
{
    const char *name = http_status_name(pull->answer.status);
    char detail[96];

    ksnprintf(detail, sizeof(detail), "The server answered %u %s.", pull->answer.status,
              strcmp(name, "<unknown>") == 0 ? "" : name);
    fail_peer(pull, detail, "Try the URL with curl -I.");
}

/* The head is complete. */
static void begin_image(struct pull *pull)
{
    const struct http_answer *answer = &pull->answer;
    const char *pool = pull->spec.pool[0] ? pull->spec.pool : NULL;
    struct problem problem;

    if (is_redirect(answer->status) && answer->location[0]) {
        follow(pull);
    } else if (answer->status != 200) {
        refuse_status(pull);
    } else if (answer->is_encoded) {
        fail_peer(pull, "The server compresses the file though it was not asked to.",
                  "Use another server, or fetch the file and upload it.");
    } else if (!answer->has_length && !answer->is_chunked) {
        fail_peer(pull, "The server does not say where the file ends.",
                  "Use a server that sends Content-Length, or fetch the file and upload it.");
    } else if (api_image_begin(pull->spec.name, pull->spec.kind, pool, answer->length, &pull->image,
                               &problem)) {
        fail(pull, &problem);
    } else {
        pull->job->progress.total_bytes = answer->length;
    }
}

static void take_bytes(struct pull *pull)
{
    struct http_answer *answer = &pull->answer;
    struct problem problem;
    int rc;

    if (!pull->image)
        return; /* of an answer that is not the file's */
    rc = image_append(pull->image, answer->body, answer->body_len);
    pull->job->progress.done_bytes = api_image_received(pull->image);
    if (rc == 0)
        return;
    api_image_explain(pull->image, rc, answer->length, &problem);
    fail(pull, &problem);
}

/* All bytes are here. */
static void settle(struct pull *pull)
{
    outgoing_close(pull->connection);
    pull->connection = NULL;
    pull->is_settling = true;
}

static void finish(struct pull *pull)
{
    struct job *job = pull->job;
    struct problem problem;
    u8 sha256[SHA256_BYTES];
    int rc;

    image_digest(pull->image, sha256);
    if (pull->spec.has_sha256 && memcmp(sha256, pull->spec.sha256, sizeof(sha256)) != 0) {
        fail(pull, &(struct problem){
                       .slug = "digest",
                       .detail = "The file's SHA-256 is not the one that was given.",
                       .hint = "Compare it with what the file's publisher says; the file may have "
                               "been replaced.",
                   });
        return;
    }
    rc = image_commit(pull->image);
    if (rc) {
        api_image_explain(pull->image, rc, 0, &problem);
        fail(pull, &problem);
        return;
    }
    log_info("image", "%s was pulled from %s", pull->spec.name, pull->spec.url.host);
    pull->image = NULL;
    release(pull);
    api_task_set(job, JOB_SUCCEEDED, NULL);
    api_events_image(job->target, true);
}

/* -- the connection
 * --------------------------------------------------------------------------------------------------
 */

/* Sends what there is room for. The request is made again each time, which needs no memory. */
static void send_request(void *arg)
{
    static char request[URL_MAX + URL_HOST_MAX + 256];
    struct pull *pull = arg;
    size_t len = url_request(&pull->spec.url, request, sizeof(request));

    while (pull->request_at < len) {
        int sent =
            outgoing_send(pull->connection, request + pull->request_at, len - pull->request_at);

        if (sent < 0)
            return; /* goes on with room(), or ends */
        pull->request_at += (size_t)sent;
    }
}

static void on_connected(void *arg)
{
    struct pull *pull = arg;

    pull->heard_ns = time_ns();
    send_request(arg);
}

/* Return: false when this connection is done with. */
static bool on_event(struct pull *pull, enum answer_event event)
{
    u32 redirects = pull->redirects; /* another connection may be at the same address */

    switch (event) {
    case ANSWER_MORE:
        break;
    case ANSWER_HEAD:
        begin_image(pull);
        break;
    case ANSWER_BODY:
        take_bytes(pull);
        break;
    case ANSWER_END:
        settle(pull);
        break;
    case ANSWER_BAD:
        fail_peer(pull, pull->answer.error, "Try the URL with curl -v.");
        break;
    }
    return pull->job && !pull->is_settling && pull->redirects == redirects;
}

static size_t on_received(void *arg, const u8 *data, size_t bytes)
{
    struct pull *pull = arg;
    size_t done = 0, used;

    pull->heard_ns = time_ns();
    while (done < bytes) {
        enum answer_event event = http_answer_feed(&pull->answer, data + done, bytes - done, &used);

        done += used;
        if (!on_event(pull, event))
            break;
    }
    return bytes;
}

static void on_ended(void *arg, const char *why)
{
    struct pull *pull = arg;
    char detail[JOB_DETAIL_MAX + 1];

    pull->connection = NULL;
    if (!why) {
        ksnprintf(detail, sizeof(detail), "The server ended the connection after %llu bytes.",
                  (unsigned long long)pull->job->progress.done_bytes);
        why = detail;
    }
    fail_peer(pull, why, "Check the URL and that the host can reach the server; then pull again.");
}

static const struct outgoing_events events = {
    .connected = on_connected,
    .received = on_received,
    .room = send_request,
    .ended = on_ended,
};

static void open_connection(struct pull *pull)
{
    const struct url *url = &pull->spec.url;
    struct outgoing_trust trust = {.ca = pull->spec.ca};
    const char *why;

    if (url->is_https && !pull->spec.ca && !pull->spec.has_pin) {
        fail(pull, &(struct problem){
                       .slug = "semantic",
                       .detail = "The server redirects to https://, and nothing says which "
                                 "server to trust.",
                       .hint = "Give \"ca\" or \"certificate_sha256\" as well.",
                   });
        return;
    }
    memcpy(trust.pin, pull->spec.pin, sizeof(trust.pin));
    http_answer_init(&pull->answer);
    pull->request_at = 0;
    pull->heard_ns = time_ns();
    pull->connection =
        outgoing_open(url->host, url->port, url->is_https ? &trust : NULL, &events, pull, &why);
    if (!pull->connection)
        fail(pull, &(struct problem){.slug = "busy", .detail = why, .hint = "Pull again later."});
}

/* -- beginning
 * -------------------------------------------------------------------------------------------------------
 */

bool image_pull_has(const char *name)
{
    for (u32 i = 0; i < PULLS_MAX; i++) {
        if (pulls[i].job && strcmp(pulls[i].spec.name, name) == 0)
            return true;
    }
    return false;
}

struct job *image_pull(const struct pull_spec *spec)
{
    struct job job = {.kind = "image.pull",
                      .state = JOB_QUEUED,
                      .has_progress = true,
                      .result = "image",
                      .cancel = cancel};
    struct pull *pull = NULL;

    for (u32 i = 0; i < PULLS_MAX && !pull; i++)
        pull = pulls[i].job ? NULL : &pulls[i];
    if (!pull)
        return NULL;
    (void)str_copy(job.target, sizeof(job.target), spec->name);
    pull->job = api_task_make(&job);
    if (!pull->job)
        return NULL;
    pull->spec = *spec;
    pull->redirects = 0;
    return pull->job;
}

/* The one that has waited longest, if one more may run. */
static struct pull *next_queued(void)
{
    struct pull *next = NULL;
    u32 running = 0;

    for (u32 i = 0; i < PULLS_MAX; i++) {
        struct pull *pull = &pulls[i];

        if (!pull->job)
            continue;
        if (pull->job->state == JOB_RUNNING)
            running++;
        else if (!next || pull->job->id < next->job->id)
            next = pull;
    }
    return running < PULLS_AT_ONCE ? next : NULL;
}

/* A piece of what is left to do. Return: true if there is more. */
static bool settle_step(struct pull *pull)
{
    struct problem problem;
    int rc = image_settle(pull->image);

    if (rc == -EAGAIN)
        return true;
    if (rc == 0) {
        finish(pull);
    } else {
        api_image_explain(pull->image, rc, 0, &problem);
        fail(pull, &problem);
    }
    return false;
}

bool image_pull_poll(u64 now_ns)
{
    struct pull *next;
    bool is_busy = false;

    for (u32 i = 0; i < PULLS_MAX; i++) {
        struct pull *pull = &pulls[i];

        if (pull->job && pull->connection && now_ns > pull->heard_ns &&
            now_ns - pull->heard_ns > SILENCE_NS)
            fail_peer(pull, "The server has sent nothing for 30 seconds.",
                      "Check the server; then pull again.");
        else if (pull->job && pull->is_settling)
            is_busy |= settle_step(pull);
    }
    while ((next = next_queued()) != NULL) {
        api_task_set(next->job, JOB_RUNNING, NULL);
        open_connection(next);
    }
    return is_busy;
}
