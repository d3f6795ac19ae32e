/* SPDX-License-Identifier: BSD-2-Clause */
/* Words and addresses of networks as text, pure: what JSON and socle.dtb share. */
#ifndef SOCLE_MGMT_NETWORK_TEXT_H
#define SOCLE_MGMT_NETWORK_TEXT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"

#define IPV4_BYTES 16u
#define CIDR_BYTES (IPV4_BYTES + 3)

const char *network_kind_name(enum network_kind kind);

/* Return: false if there is no such kind. */
bool network_kind_parse(const char *text, enum network_kind *kind);

/* Return: false if the text is no IPv4 address; *ip as a number. */
bool ip_parse(const char *text, size_t length, u32 *ip);

void ip_format(u32 ip, char text[IPV4_BYTES]);

/* "192.168.80.0/24". Return: false if the text is no subnet of 8 to 29 bits. */
bool cidr_parse(const char *text, struct network_nat *nat);

void cidr_format(const struct network_nat *nat, char text[CIDR_BYTES]);

#endif
