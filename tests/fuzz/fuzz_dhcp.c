/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/nat/dhcp.c drivers/net/inet.c */
/* Any bytes as a DHCP message: refused, or read; the answer to it is a message of bounded length.
 */
#include <stdint.h>
#include <stdlib.h>

#include "drivers/net/nat/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dhcp_request request;
    u8 out[DHCP_REPLY_MAX];
    struct dhcp_reply reply = {.type = DHCP_ACK, .host_name = "vm", .domain = "default.internal"};

    if (dhcp_parse(data, (u32)size, &request))
        return 0;
    reply.xid = request.xid;
    reply.client = request.client;
    reply.lease_s = request.requested;
    if (request.type < DHCP_DISCOVER || request.type > DHCP_INFORM ||
        dhcp_build(&reply, out) > DHCP_REPLY_MAX)
        abort();
    return 0;
}
