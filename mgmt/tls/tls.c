/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS sessions: the library's configuration, its memory, and its calls in terms of ours. */
#include "mgmt/tls/tls.h"

#include "core/lib/errno.h"
#include "mgmt/net/outgoing.h"
#include "mgmt/tls/random.h"
#include "mgmt/tls/tls_chain.h"
#include "mgmt/tls/tls_client.h"
#include "mgmt/tls/tls_peer.h"
#include "mgmt/tls/tls_facts.h"
#include "mgmt/tls/tls_identity.h"
#include "mgmt/tls/tls_rest.h"
#include "mgmt/tls/tls_session.h"
#include "mm/kheap.h"

/* A session at rest; what a handshake needs besides it and its buffers; key, certificate and PSA.
 */
#define SESSION_BYTES   (3u * 1024)
#define HANDSHAKE_BYTES (20u * 1024)
#define COMMON_BYTES    (96u * 1024)
#define SERVER_BYTES                                                         \
    (TLS_SESSIONS_MAX * SESSION_BYTES + TLS_ACTIVE_MAX * TLS_BUFFERS_BYTES + \
     TLS_HANDSHAKES_MAX * (TLS_BUFFERS_BYTES + HANDSHAKE_BYTES))
/* Of a client besides: whom it trusts, and the chain that a server sends, which may be one message
 * of 16 KiB full of small certificates. */
#define TRUST_BYTES            (40u * 1024)
#define CLIENT_HANDSHAKE_BYTES (96u * 1024)
#define CLIENT_BYTES                                                    \
    (OUTGOING_MAX * (SESSION_BYTES + TLS_BUFFERS_BYTES + TRUST_BYTES) + \
     TLS_CLIENT_HANDSHAKES_MAX * CLIENT_HANDSHAKE_BYTES)
#define ARENA_BYTES (SERVER_BYTES + CLIENT_BYTES + COMMON_BYTES)

/* More than any client sends in its handshake, its chain of certificates included: what is parsed
 * takes many times its size. */
#define HANDSHAKE_INPUT_MAX (12u * 1024)

static struct {
    mbedtls_ssl_config config;
    struct tls_chain *own; /* the administrator's, which goes before the self-made one; or NULL */
    u32 handshakes;
} tls;

int tls_random(void *arg unused, unsigned char *dst, size_t bytes)
{
    return random_bytes(dst, bytes);
}

static int configure(void)
{
    static const u16 groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                 MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0};

    mbedtls_ssl_config_init(&tls.config);
    if (mbedtls_ssl_config_defaults(&tls.config, MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return -EIO;
    mbedtls_ssl_conf_rng(&tls.config, tls_random, NULL);
    mbedtls_ssl_conf_groups(&tls.config, groups);
    mbedtls_ssl_conf_authmode(&tls.config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_cert_req_ca_list(&tls.config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
    return 0;
}

int tls_init(const u8 *seed, size_t bytes)
{
    u8 *arena = kmalloc(ARENA_BYTES);
    int rc;

    if (!arena)
        return -ENOMEM;
    mbedtls_memory_buffer_alloc_init(arena, ARENA_BYTES);
    rc = random_init(seed, bytes);
    if (rc != 0)
        return rc;
    return psa_crypto_init() == PSA_SUCCESS ? configure() : -EIO;
}

/* Puts it in force; the one before gives back the memory that it takes. Return: 0, -ENOMEM. */
static int use(void *certificate, void *key)
{
    (void)mbedtls_ssl_conf_own_cert(&tls.config, NULL, NULL);
    if (mbedtls_ssl_conf_own_cert(&tls.config, certificate, key) != 0)
        return -ENOMEM;
    tls_facts_note(certificate);
    return 0;
}

int tls_identify(const char *hostname, u32 address)
{
    int rc;

    if (!tls.own)
        (void)mbedtls_ssl_conf_own_cert(&tls.config, NULL, NULL);
    rc = tls_identity_make(hostname, address);
    if (rc != 0 || tls.own)
        return rc;
    return use(tls_identity_certificate(), tls_identity_key());
}

int tls_install(struct tls_chain *chain)
{
    int rc = chain ? use(tls_chain_certificate(chain), tls_chain_key(chain))
                   : use(tls_identity_certificate(), tls_identity_key());

    if (rc != 0)
        return rc;
    tls_chain_free(tls.own);
    tls.own = chain;
    return 0;
}

void tls_ask_clients(bool asks, struct tls_chain *authorities)
{
    mbedtls_ssl_conf_authmode(&tls.config,
                              asks ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_ca_chain(&tls.config, authorities ? tls_chain_certificate(authorities) : NULL,
                              NULL);
}

void tls_peer_take(struct tls_session *session, struct tls_peer *out)
{
    tls_peer_read(&session->ssl, out);
}

bool tls_is_own(void)
{
    return tls.own != NULL;
}

static int to_library(int rc, int would_block)
{
    return rc > 0 ? rc : rc == -EAGAIN ? would_block : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int on_send(void *arg, const unsigned char *data, size_t bytes)
{
    struct tls_session *session = arg;

    return to_library(session->io->send(session->arg, data, bytes), MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int on_receive(void *arg, unsigned char *data, size_t bytes)
{
    struct tls_session *session = arg;
    int rc;

    if (session->handshakes && session->input_max && session->input > session->input_max)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    rc = session->io->receive(session->arg, data, bytes);
    if (rc > 0)
        session->input += (size_t)rc;
    return to_library(rc, MBEDTLS_ERR_SSL_WANT_READ);
}

static int from_library(int rc)
{
    switch (rc) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return -EAGAIN;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return 0;
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        return -EIO;
    default:
        return rc < 0 ? -EPROTO : rc;
    }
}

bool tls_is_busy(void)
{
    return tls.handshakes == TLS_HANDSHAKES_MAX;
}

struct tls_session *tls_session_open(const mbedtls_ssl_config *config, u32 *handshakes,
                                     const struct tls_io *io, void *arg)
{
    struct tls_session *session = mbedtls_calloc(1, sizeof(*session));

    if (!session)
        return NULL;
    session->io = io;
    session->arg = arg;
    mbedtls_ssl_init(&session->ssl);
    if (mbedtls_ssl_setup(&session->ssl, config) != 0) {
        mbedtls_ssl_free(&session->ssl);
        mbedtls_free(session);
        return NULL;
    }
    mbedtls_ssl_set_bio(&session->ssl, session, on_send, on_receive, NULL);
    session->handshakes = handshakes;
    ++*handshakes;
    return session;
}

struct tls_session *tls_open(const struct tls_io *io, void *arg)
{
    struct tls_session *session = tls_session_open(&tls.config, &tls.handshakes, io, arg);

    if (!session)
        return NULL;
    session->input_max = HANDSHAKE_INPUT_MAX;
    session->is_servers = true;
    return session;
}

static void handshake_over(struct tls_session *session)
{
    if (session->handshakes)
        --*session->handshakes;
    session->handshakes = NULL;
}

void tls_close(struct tls_session *session)
{
    if (!session)
        return;
    handshake_over(session);
    mbedtls_ssl_free(&session->ssl);
    mbedtls_free(session);
}

int tls_handshake(struct tls_session *session)
{
    int rc = from_library(mbedtls_ssl_handshake(&session->ssl));

    if (rc == 0 && !mbedtls_ssl_is_handshake_over(&session->ssl))
        return -EPROTO; /* the client said goodbye in the middle */
    if (rc != 0)
        return rc;
    handshake_over(session);
    if (session->is_servers)
        tls_handshake_forget(&session->ssl);
    return 0;
}

bool tls_rest(struct tls_session *session)
{
    return !session || tls_buffers_give(&session->ssl, session->records);
}

static bool is_awake(struct tls_session *session)
{
    return tls_buffers_take(&session->ssl, session->records);
}

int tls_read(struct tls_session *session, void *dst, size_t bytes)
{
    return is_awake(session) ? from_library(mbedtls_ssl_read(&session->ssl, dst, bytes)) : -EAGAIN;
}

int tls_write(struct tls_session *session, const void *data, size_t bytes)
{
    return is_awake(session) ? from_library(mbedtls_ssl_write(&session->ssl, data, bytes))
                             : -EAGAIN;
}

void tls_goodbye(struct tls_session *session)
{
    if (!session->handshakes && is_awake(session))
        (void)mbedtls_ssl_close_notify(&session->ssl);
}
