/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes exported by NBD: each under a name that nobody can guess, which is all that a client has
 * to show. Of the name only its digest is kept.
 *
 * An export uses its volume as a VM does: to be written alone, or to be read together with other
 * readers. It ends by request, with the token that made it, and with the host. Context of all:
 * management task.
 */
#ifndef SOCLE_MGMT_NBD_EXPORTS_H
#define SOCLE_MGMT_NBD_EXPORTS_H

#include "core/lib/compiler.h"
#include "drivers/block/volume.h"
#include "mgmt/api/api.h"
#include "mgmt/nbd/nbd.h"

#define NBD_EXPORTS_MAX 16u
#define NBD_EXPORT_NAME (VOLUME_NAME_MAX + 1 + TOKEN_SECRET_LEN) /* <volume>.<secret> */

struct nbd_export {
    struct volume *volume; /* NULL: the slot is free */
    u8 digest[SHA256_BYTES];
    u16 port;
    bool is_read_only;
    bool needs_tls;
    struct identity who;
};

/*
 * Opens the volume and the port. wanted: port, is_read_only, needs_tls, who; nbd_exports_can_have
 * has been asked about the port. name: to be shown once,
 * then wiped. Return: 0; -EEXIST (it is exported already), -EBUSY (somebody uses the volume),
 * -EPERM (it can only be read), -ENOSPC (NBD_EXPORTS_MAX), -EIO (no random numbers), -ENOMEM.
 */
int nbd_export_make(struct volume *volume, const struct nbd_export *wanted,
                    char name[NBD_EXPORT_NAME + 1]) must_check;

/* Cuts its clients off and closes the volume, and with the last export the port. Return: 0,
 * -ENOENT (it is not exported). */
int nbd_export_end(const struct volume *volume) must_check;

/* Ends those whose token has expired, and all that were made by a token. */
void nbd_exports_poll(void);
void nbd_exports_end_of(const char *token);

/* False if another export is at another port, or something else of the host has this one. */
bool nbd_exports_can_have(u16 port);

const struct nbd_export *nbd_export_of(const struct volume *volume); /* NULL: it is not exported */

/* The export of that name, in a time that says nothing; NULL: there is none. */
const struct nbd_export *nbd_export_find(const char *name);

/* What a client without TLS may do at that port. */
enum nbd_tls nbd_exports_tls(void);

#endif
