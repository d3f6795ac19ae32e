/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCP messages as bytes. */
#include "drivers/net/nat/dhcp.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"

/* Spec: RFC 2131 2 "Protocol Summary", figure 1. */
#define XID_AT          4u
#define FLAGS_AT        10u
#define CIADDR_AT       12u
#define YIADDR_AT       16u
#define GIADDR_AT       24u
#define CHADDR_AT       28u
#define MAGIC_AT        236u
#define OPTIONS_AT      240u
#define BOOTREQUEST     1u
#define BOOTREPLY       2u
#define ETHERNET        1u
#define FLAG_BROADCAST  0x8000u
#define MAGIC_COOKIE    0x63825363u
#define REPLY_BYTES_MIN 300u /* BOOTP's size, which some clients insist on */

/* Spec: RFC 2132, by section. */
enum {
    OPTION_PAD = 0,
    OPTION_SUBNET_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_HOST_NAME = 12,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_BROADCAST = 28,
    OPTION_REQUESTED = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_END = 255,
};

static void read_option(struct dhcp_request *out, u8 code, const u8 *value, u8 length)
{
    if (code == OPTION_TYPE && length == 1)
        out->type = value[0];
    else if (code == OPTION_REQUESTED && length == 4)
        out->requested = inet_load32(value);
    else if (code == OPTION_SERVER && length == 4)
        out->server = inet_load32(value);
}

static int read_options(const u8 *at, u32 bytes, struct dhcp_request *out)
{
    u32 i = 0;

    while (i < bytes && at[i] != OPTION_END) {
        if (at[i] == OPTION_PAD) {
            i++;
            continue;
        }
        if (i + 2 > bytes || i + 2 + at[i + 1] > bytes)
            return -EPROTO;
        read_option(out, at[i], at + i + 2, at[i + 1]);
        i += 2u + at[i + 1];
    }
    return 0;
}

int dhcp_parse(const u8 *message, u32 bytes, struct dhcp_request *out)
{
    int rc;

    if (bytes < OPTIONS_AT || message[0] != BOOTREQUEST || message[1] != ETHERNET ||
        message[2] != 6 || inet_load32(message + GIADDR_AT) != 0 ||
        inet_load32(message + MAGIC_AT) != MAGIC_COOKIE)
        return -EPROTO;
    *out = (struct dhcp_request){
        .xid = inet_load32(message + XID_AT),
        .wants_broadcast = (inet_load16(message + FLAGS_AT) & FLAG_BROADCAST) != 0,
        .client = inet_load32(message + CIADDR_AT),
    };
    memcpy(out->mac, message + CHADDR_AT, sizeof(out->mac));
    rc = read_options(message + OPTIONS_AT, bytes - OPTIONS_AT, out);
    if (rc)
        return rc;
    return out->type >= DHCP_DISCOVER && out->type <= DHCP_INFORM ? 0 : -EPROTO;
}

/* Appends at `at`; leaves room for the end mark. Return: where the next one goes. */
static u32 put(u8 *out, u32 at, u8 code, const void *value, size_t bytes)
{
    if (bytes == 0 || bytes > 255 || at + 2 + bytes >= DHCP_REPLY_MAX)
        return at;
    out[at] = code;
    out[at + 1] = (u8)bytes;
    memcpy(out + at + 2, value, bytes);
    return at + 2 + (u32)bytes;
}

static u32 put32(u8 *out, u32 at, u8 code, u32 value)
{
    u8 bytes[4];

    inet_store32(bytes, value);
    return put(out, at, code, bytes, sizeof(bytes));
}

static u32 put_settings(u8 *out, u32 at, const struct dhcp_reply *reply)
{
    u8 mtu[2];

    inet_store16(mtu, reply->mtu);
    at = put32(out, at, OPTION_SUBNET_MASK, reply->netmask);
    at = put32(out, at, OPTION_ROUTER, reply->server);
    at = put32(out, at, OPTION_DNS, reply->server);
    at = put(out, at, OPTION_MTU, mtu, sizeof(mtu));
    at = put32(out, at, OPTION_BROADCAST, reply->server | ~reply->netmask);
    at = put(out, at, OPTION_HOST_NAME, reply->host_name, strlen(reply->host_name));
    return put(out, at, OPTION_DOMAIN, reply->domain, strlen(reply->domain));
}

u32 dhcp_build(const struct dhcp_reply *reply, u8 out[DHCP_REPLY_MAX])
{
    u32 at = OPTIONS_AT;

    memset(out, 0, DHCP_REPLY_MAX);
    out[0] = BOOTREPLY;
    out[1] = ETHERNET;
    out[2] = 6;
    inet_store32(out + XID_AT, reply->xid);
    inet_store16(out + FLAGS_AT, reply->wants_broadcast ? FLAG_BROADCAST : 0);
    inet_store32(out + CIADDR_AT, reply->client);
    inet_store32(out + YIADDR_AT, reply->address);
    memcpy(out + CHADDR_AT, reply->mac, sizeof(reply->mac));
    inet_store32(out + MAGIC_AT, MAGIC_COOKIE);
    at = put(out, at, OPTION_TYPE, &reply->type, 1);
    at = put32(out, at, OPTION_SERVER, reply->server);
    if (reply->lease_s != 0)
        at = put32(out, at, OPTION_LEASE_TIME, reply->lease_s);
    if (reply->type != DHCP_NAK)
        at = put_settings(out, at, reply);
    out[at++] = OPTION_END;
    return MAX(at, REPLY_BYTES_MIN);
}
