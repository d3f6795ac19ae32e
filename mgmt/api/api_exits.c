/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a VM's time goes: exits by reason. */
#include "mgmt/api/api.h"

void api_exits_get(struct req *req)
{
    static struct vmm_exit_stat rows[EXIT_KIND_COUNT];
    struct json_writer *w;
    size_t count;
    u32 id;

    if (api_find_vm(req, &id))
        return;
    count = vmm_exits(id, rows);
    w = reply_json(req, 200);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(w);
        json_put_string(w, "reason", rows[i].reason);
        json_put_u64(w, "count", rows[i].times.count);
        json_put_u64(w, "total_ns", rows[i].times.total_ns);
        json_put_u64(w, "p50_ns", time_stats_percentile(&rows[i].times, 50));
        json_put_u64(w, "p99_ns", time_stats_percentile(&rows[i].times, 99));
        json_object_end(w);
    }
    json_array_end(w);
}
