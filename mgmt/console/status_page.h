/* SPDX-License-Identifier: BSD-2-Clause */
/* The first page of the host's own console: name, version, address, URL, VMs, alarms, use. */
#ifndef SOCLE_MGMT_STATUS_PAGE_H
#define SOCLE_MGMT_STATUS_PAGE_H

#include "mgmt/config/host_config.h"
#include "mgmt/console/page.h"

/* is_closed: there is no endpoint, for want of entropy. Context: management task. */
void status_page_write(struct page *page, const struct host_config *cfg, bool is_closed);

#endif
