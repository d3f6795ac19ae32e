/* SPDX-License-Identifier: BSD-2-Clause */
/* Port forwards: ports of the host's address that lead to a VM. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

static bool is_good(const struct nat_forward *f)
{
    return (f->protocol == IP_PROTOCOL_TCP || f->protocol == IP_PROTOCOL_UDP) &&
           f->host_port != 0 && f->host_port <= NAT_PORT_HIGH && f->port != 0 &&
           strnlen(f->vm, sizeof(f->vm)) <= NAT_NAME_MAX && f->vm[0] != '\0';
}

static int check(const struct nat_forward *forwards, u32 count)
{
    if (count > NAT_FORWARDS)
        return -E2BIG;
    for (u32 i = 0; i < count; i++) {
        if (!is_good(&forwards[i]))
            return -EINVAL;
        for (u32 j = 0; j < i; j++)
            if (forwards[j].protocol == forwards[i].protocol &&
                forwards[j].host_port == forwards[i].host_port)
                return -EEXIST;
    }
    return 0;
}

const struct nat_forward *nat_forward_find(const struct nat *nat, u8 protocol, u16 host_port)
{
    for (u32 i = 0; i < nat->forward_count; i++)
        if (nat->forwards[i].host_port == host_port && nat->forwards[i].protocol == protocol)
            return &nat->forwards[i];
    return NULL;
}

/* What came by a forward that is not there any more, or left by a port that is one now. */
static bool is_stale(const struct nat *nat, const struct nat_conn *conn)
{
    const struct nat_forward *f = nat_forward_find(nat, conn->protocol, conn->outside_port);
    bool is_ours =
        conn->outside_port >= nat->cfg.port_first && conn->outside_port < nat_dns_port_first(nat);

    if (f)
        return f->port != conn->inside_port || strcmp(f->vm, conn->host->vm) != 0;
    return conn->is_inbound || !is_ours;
}

static void end_stale(struct nat *nat, struct nat_host *host)
{
    for (u32 state = 0; state < NAT_STATES; state++) {
        list_for_each_safe(node, next, &host->conns[state])
        {
            struct nat_conn *conn = list_entry(node, struct nat_conn, link);

            if (conn->protocol != IP_PROTOCOL_ICMP && is_stale(nat, conn))
                nat_conn_remove(nat, conn);
        }
    }
}

int nat_forwards_set(struct nat *nat, const struct nat_forward *forwards, u32 count)
{
    int rc = check(forwards, count);

    if (rc)
        return rc;
    for (u32 i = 0; i < count; i++)
        nat->forwards[i] = forwards[i];
    nat->forward_count = count;
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used)
            end_stale(nat, &nat->hosts[i]);
    return 0;
}
