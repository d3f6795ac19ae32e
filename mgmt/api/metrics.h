/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the metrics share: api_metrics.c has the list of families. */
#ifndef SOCLE_MGMT_METRICS_H
#define SOCLE_MGMT_METRICS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/json/json.h"

struct vmm_info;

#define SECONDS        "%llu.%09llu"
#define SECONDS_OF(ns) (unsigned long long)((ns) / NS_PER_S), (unsigned long long)((ns) % NS_PER_S)

/* One sample. */
void metrics_line(struct json_writer *w, const char *fmt, ...) printf_like(2, 3);

/* All samples of one family, of the host or of one VM. */
void metrics_disk_requests(struct json_writer *w);
void metrics_disk_bytes(struct json_writer *w);
void metrics_disk_time(struct json_writer *w);
void metrics_disk_errors(struct json_writer *w);
void metrics_vm_block_requests(struct json_writer *w, const struct vmm_info *vm);
void metrics_vm_block_time(struct json_writer *w, const struct vmm_info *vm);
void metrics_vm_block_read(struct json_writer *w, const struct vmm_info *vm);
void metrics_vm_block_written(struct json_writer *w, const struct vmm_info *vm);
void metrics_vm_block_errors(struct json_writer *w, const struct vmm_info *vm);

#endif
