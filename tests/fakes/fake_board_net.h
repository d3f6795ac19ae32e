/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port without a network, for tests of emulated network cards: the test is who drains the outbox
 * and fills the inbox. Defines what drivers/net gives to devices.
 */
#ifndef SOCLE_FAKES_BOARD_NET_H
#define SOCLE_FAKES_BOARD_NET_H

#include "drivers/net/netport.h"

/* Set by the test: what netport_attach returns; NULL after a detach. */
extern int fake_attach_rc;
extern u32 fake_mtu; /* of the network */
extern struct netport *fake_port;
extern u32 fake_asks, fake_flushes, fake_completions;

/* Buffers in the pool: those out are counted. */
extern u32 fake_pktbufs_out, fake_pktbufs_max;

#endif
