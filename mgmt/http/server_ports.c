/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports of the server: the API's, the one that sends browsers there, and that of exported volumes.
 */
#include "mgmt/http/server_ports.h"

#include "core/lib/errno.h"
#include "mgmt/config/host_config.h"
#include "mgmt/http/server.h"

static struct server_port api, redirect, nbd;

/* One that was closed may be opened again while connections of then are still ending. */
static int port_open(struct server_port *port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    if (!pcb)
        return -ENOMEM;
    ip_set_option(pcb, SOF_REUSEADDR);
    if (tcp_bind(pcb, IP_ANY_TYPE, port->number) != ERR_OK) {
        tcp_abort(pcb);
        return -EIO;
    }
    port->pcb = tcp_listen_with_backlog(pcb, TCP_DEFAULT_LISTEN_BACKLOG);
    if (!port->pcb) {
        tcp_abort(pcb);
        return -ENOMEM;
    }
    tcp_arg(port->pcb, port);
    tcp_accept(port->pcb, server_accept);
    return 0;
}

int server_listen(u16 port, bool has_tls)
{
    int rc;

    api = (struct server_port){.number = port, .kind = has_tls ? PORT_HTTPS : PORT_HTTP};
    redirect = (struct server_port){.number = HTTP_PORT, .kind = PORT_REDIRECT};
    rc = port_open(&api);
    if (rc == 0 && has_tls)
        rc = port_open(&redirect);
    return rc;
}

int server_nbd_open(u16 port)
{
    nbd = (struct server_port){.number = port, .kind = PORT_NBD};
    return port_open(&nbd);
}

void server_nbd_close(void)
{
    server_end_nbd(NULL);
    if (tcp_close(nbd.pcb) != ERR_OK)
        tcp_abort(nbd.pcb);
    nbd.pcb = NULL;
}

bool server_has_port(u16 port)
{
    return (api.pcb && port == api.number) || (redirect.pcb && port == redirect.number) ||
           (nbd.pcb && port == nbd.number);
}

bool server_has_tls(void)
{
    return api.kind == PORT_HTTPS;
}

u16 server_api_port(void)
{
    return api.number;
}
