/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to a client's commands. Private to nbd_client*.c. */
#ifndef SOCLE_MGMT_NBD_CLIENT_REPLY_H
#define SOCLE_MGMT_NBD_CLIENT_REPLY_H

#include "mgmt/nbd/nbd_client.h"

/* The next reply may come. */
void nbd_client_reply_expect(struct nbd_client *c);

/* What was wanted is in c->in; what was skipped is over. */
enum nbd_client_event nbd_client_reply_collected(struct nbd_client *c,
                                                 const struct nbd_client_ops *ops);
enum nbd_client_event nbd_client_reply_skipped(struct nbd_client *c,
                                               const struct nbd_client_ops *ops);

/* Data of a read. Return: bytes taken, at least 1. */
size_t nbd_client_reply_data(struct nbd_client *c, const struct nbd_client_ops *ops, const u8 *data,
                             size_t len);

#endif
