/* SPDX-License-Identifier: BSD-2-Clause */
/* A page of the host's own console: lines of text; consoles decide how they look. */
#ifndef SOCLE_MGMT_PAGE_H
#define SOCLE_MGMT_PAGE_H

#include "core/kern/status.h"
#include "core/lib/types.h"

#define PAGE_LINES   STATUS_LINES_MAX
#define PAGE_COLUMNS STATUS_LINE_MAX

struct page {
    char lines[PAGE_LINES][PAGE_COLUMNS];
    u32 count;
    u32 lively; /* at the end: what changes all the time */
};

#endif
