/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks lwIP includes where it needs them. */
#ifndef SOCLE_PORT_LWIP_HOOKS_H
#define SOCLE_PORT_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* Initial sequence numbers nobody outside can predict (lwIP's own count up from a constant). */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) port_random()

#endif
