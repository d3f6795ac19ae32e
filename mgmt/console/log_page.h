/* SPDX-License-Identifier: BSD-2-Clause */
/* The page with the host's log. */
#ifndef SOCLE_MGMT_LOG_PAGE_H
#define SOCLE_MGMT_LOG_PAGE_H

#include "mgmt/console/page.h"

/* *back: pages before the newest; reduced to those there are. page: empty lines. */
void log_page_write(struct page *page, u32 *back);

#endif
