/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by netport.c and net_task.c only. */
#ifndef SOCLE_NET_INTERNAL_H
#define SOCLE_NET_INTERNAL_H

#include "core/lib/types.h"
#include "drivers/net/netdev.h"

struct netport;

/* Connects the port with the first NIC; NULL if there is no NIC. */
struct netdev *net_task_bind(struct netport *port);

/* Lets the task look at the rings again. Context: any. */
void net_task_wake(void);

/* The owner took a frame out of its inbox: goes on if the task had stopped for want of room. */
void net_task_inbox_drained(void);

#endif
