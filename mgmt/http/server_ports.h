/* SPDX-License-Identifier: BSD-2-Clause */
/* The ports listened on. Private to server.c and server_ports.c. */
#ifndef SOCLE_MGMT_SERVER_PORTS_H
#define SOCLE_MGMT_SERVER_PORTS_H

#include "lwip/tcp.h"

#include "core/lib/types.h"

enum port_kind { PORT_HTTP, PORT_HTTPS, PORT_REDIRECT, PORT_NBD };

struct server_port {
    u16 number;
    enum port_kind kind;
    struct tcp_pcb *pcb; /* NULL: it is closed */
};

/* A connection has come in; arg: its struct server_port. */
err_t server_accept(void *arg, struct tcp_pcb *pcb, err_t err);

#endif
