/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a VM's time goes: exits by reason. */
#include "mgmt/api/api_list.h"

#define EXIT_JSON_MAX 256u

static void write_row(struct json_writer *w, const struct vmm_exit_stat *row)
{
    json_object_begin(w);
    json_put_string(w, "reason", row->reason);
    json_put_u64(w, "count", row->times.count);
    json_put_u64(w, "total_ns", row->times.total_ns);
    json_put_u64(w, "p50_ns", time_stats_percentile(&row->times, 50));
    json_put_u64(w, "p99_ns", time_stats_percentile(&row->times, 99));
    json_object_end(w);
}

/* state.id: the next row. Rows are there from the first exit of their kind: they are taken anew for
 * each piece that is sent, and a piece is all of them. */
static bool next_exit(struct req *req, struct json_writer *w)
{
    static struct vmm_exit_stat rows[EXIT_KIND_COUNT];
    static size_t count;
    u32 vm;

    if (vmm_find(req->match.params[0], &vm))
        return false;
    if (req->state.id == 0)
        count = vmm_exits(vm, rows);
    if (req->state.id >= count)
        return false;
    write_row(w, &rows[req->state.id++]);
    return true;
}

void api_exits_get(struct req *req)
{
    static const struct api_list exits = {next_exit, EXIT_JSON_MAX, LIST_ALL, true};
    u32 vm;

    if (api_find_vm(req, &vm) == 0)
        reply_list(req, &exits);
}
