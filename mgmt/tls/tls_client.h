/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS as a client: whom to trust, and sessions that do not begin before the server has shown that
 * it is the one that is meant. There is no way to have one without that. Private to outgoing*.c and
 * tls*.c. Context of all: management task.
 */
#ifndef SOCLE_MGMT_TLS_CLIENT_H
#define SOCLE_MGMT_TLS_CLIENT_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"
#include "mgmt/tls/tls.h"

/* Sessions whose handshake is under way at the same time; more wait for their turn. */
#define TLS_CLIENT_HANDSHAKES_MAX 4u

#define TLS_CA_PEM_MAX (16u * 1024 - 1)
#define TLS_CA_MAX     8u /* certificates in it */

struct tls_trust; /* opaque: Mbed TLS's objects */

/*
 * ca: certificates in PEM, of which one has signed, at the end of a chain, the server's, which must
 * be for the host that is asked for; or NULL, and `pin` is the SHA-256 of the server's certificate
 * in DER, which may then say what it likes. Neither is kept. Return: 0 and *out; -EINVAL, with *why
 * a sentence; -ENOMEM.
 */
int tls_trust_make(const char *ca, const u8 pin[SHA256_BYTES], struct tls_trust **out,
                   const char **why) must_check;

/* NULL is allowed. No session uses it any more. */
void tls_trust_free(struct tls_trust *trust);

/* True while TLS_CLIENT_HANDSHAKES_MAX are under way: no other session can be opened. */
bool tls_client_is_busy(void);

/* Like tls_open(); the session is moved on by tls_client_handshake(), then used like any other.
 * host: a name or an address. Return: NULL if there is no memory. */
struct tls_session *tls_client_open(struct tls_trust *trust, const char *host,
                                    const struct tls_io *io, void *arg) must_check;

/* Return: 0 (done: the server is the one that is trusted); -EAGAIN; -EPERM (it is not), -EPROTO,
 * -EIO, with *why a sentence. */
int tls_client_handshake(struct tls_session *session, const struct tls_trust *trust,
                         const char **why) must_check;

#endif
