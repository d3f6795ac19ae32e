/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own console: name, version, address, URL, VMs, memory. */
#ifndef SOCLE_MGMT_STATUS_PAGE_H
#define SOCLE_MGMT_STATUS_PAGE_H

#include "mgmt/config/host_config.h"

/* Shows the page again if it reads differently now; looks at most a few times a second. is_closed:
 * there is no endpoint, for want of entropy. */
void status_page_update(const struct host_config *cfg, bool is_closed);

#endif
