/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's clock, set by who knows better than its firmware. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/vmm/clock.h"
#include "core/x86/log.h"
#include "mgmt/api/api.h"
#include "mgmt/api/body.h"
#include "mgmt/time_text.h"

#define TIME_TEXT_MAX 40u

static int read_utc(struct body_reader *r, const struct json_node *node)
{
    u64 *unix_ns = r->out;
    char text[TIME_TEXT_MAX];

    /* The time of the host's boot must be one, too. */
    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 && time_parse(text, unix_ns) == 0 &&
        *unix_ns > time_ns())
        return 0;
    return body_bad(r, node, "This is no time.", "Write it in UTC, as in 2030-01-31T12:00:00Z.");
}

void api_host_time_put(struct req *req)
{
    static const struct body_member members[] = {{"utc", read_utc}};
    u64 unix_ns = 0;
    struct body_reader r = {.req = req, .out = &unix_ns};
    struct json_writer *w;
    u32 seen;
    int rc = body_read(&r, members, ARRAY_SIZE(members), &seen);

    if (rc == 0 && seen == 0)
        rc = body_bad(&r, json_root(r.doc), "There is no time in this body.",
                      "Use {\"utc\": \"2030-01-31T12:00:00Z\"}.");
    if (rc)
        return;
    clock_set(unix_ns);
    log_info("host", "the clock was set by %s", req->who.user);
    w = reply_json(req, 200);
    json_object_begin(w);
    json_put_time(w, "utc", clock_unix_ns());
    json_put_u64(w, "uptime_ns", time_ns());
    json_object_end(w);
}
