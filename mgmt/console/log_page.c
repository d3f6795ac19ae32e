/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of the log by the page, the newest at the bottom. */
#include "mgmt/console/log_page.h"

#include "core/lib/compiler.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"

#define RECORDS (PAGE_LINES - 2) /* beside title and keys */

void log_page_write(struct page *page, u32 *back)
{
    static struct log_record record; /* large; one thread asks */
    u64 end = log_next_seq(), oldest = 1, seq;

    if (log_read(&oldest, &record))
        oldest = end;
    else
        oldest = record.seq;
    *back = (u32)MIN(*back, (end - oldest) / RECORDS);
    end = MAX(end - (u64)*back * RECORDS, MIN(end, oldest + RECORDS)); /* the oldest page is full */
    seq = end - MIN(end - oldest, RECORDS);
    ksnprintf(page->lines[0], PAGE_COLUMNS, *back ? "Log   %u pages back" : "Log   newest", *back);
    for (u32 i = 1; i <= RECORDS && seq < end && !log_read(&seq, &record); i++)
        ksnprintf(page->lines[i], PAGE_COLUMNS, "%lu.%03lu %c %s: %s",
                  (unsigned long)(record.time_ns / 1000000000),
                  (unsigned long)(record.time_ns / 1000000 % 1000), "EWID"[record.level & 3],
                  record.subsys, record.text);
    (void)str_copy(page->lines[PAGE_LINES - 1], PAGE_COLUMNS,
                   "Keys: b older, space newer, Esc back");
    page->count = PAGE_LINES;
    page->lively = PAGE_LINES;
}
