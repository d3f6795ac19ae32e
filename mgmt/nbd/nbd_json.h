/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server in requests and answers: {"host", "port", "tls"}. Context of all: management task.
 */
#ifndef SOCLE_MGMT_NBD_JSON_H
#define SOCLE_MGMT_NBD_JSON_H

#include "core/lib/compiler.h"
#include "mgmt/api/body.h"
#include "mgmt/nbd/nbd_remote.h"

/* Reads the object into *server, which is zeroes. Return: 0; -EINVAL after answering. */
int nbd_json_read(struct body_reader *r, const struct json_node *node,
                  struct nbd_server *server) must_check;

void nbd_json_write(struct json_writer *w, const struct nbd_server *server);

#endif
