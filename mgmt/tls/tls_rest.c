/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions at rest.
 *
 * Mbed TLS keeps both record buffers for as long as a session lasts, though between two records
 * nothing is in them but the number of the next one to be received (ssl->in_ctr; the other way's is
 * in the context). So that is kept, and the pointers into new buffers are set as the library does
 * after each record (mbedtls_ssl_flush_output, ssl_get_next_record).
 */
#include <../library/ssl_misc.h> /* first: it opens the library's private members */

#include "mgmt/tls/tls_rest.h"

#include "core/lib/string.h"
#include "mgmt/port/mbedtls.h"

_Static_assert(MBEDTLS_SSL_IN_BUFFER_LEN + MBEDTLS_SSL_OUT_BUFFER_LEN + 256 <= TLS_BUFFERS_BYTES,
               "the arena's own part of a block is below 128 bytes");

static bool is_between_records(const mbedtls_ssl_context *ssl)
{
    return !ssl->handshake && ssl->in_left == 0 && !ssl->in_offt &&
           (ssl->in_hslen == 0 ||
            ssl->in_hslen == ssl->in_msglen /* done with, if not yet marked so */) &&
           !ssl->keep_current_message && ssl->out_left == 0;
}

void tls_handshake_forget(mbedtls_ssl_context *ssl)
{
    if (ssl->handshake)
        mbedtls_ssl_handshake_wrapup_free_hs_transform(ssl);
}

static void drop(mbedtls_ssl_context *ssl)
{
    if (ssl->in_buf)
        mbedtls_zeroize_and_free(ssl->in_buf, MBEDTLS_SSL_IN_BUFFER_LEN);
    if (ssl->out_buf)
        mbedtls_zeroize_and_free(ssl->out_buf, MBEDTLS_SSL_OUT_BUFFER_LEN);
    ssl->in_buf = NULL;
    ssl->out_buf = NULL;
}

bool tls_buffers_give(mbedtls_ssl_context *ssl, u8 records[8])
{
    if (!ssl->in_buf)
        return true;
    if (!is_between_records(ssl))
        return false;
    memcpy(records, ssl->in_ctr, MBEDTLS_SSL_SEQUENCE_NUMBER_LEN);
    drop(ssl);
    return true;
}

bool tls_buffers_take(mbedtls_ssl_context *ssl, const u8 records[8])
{
    if (ssl->in_buf)
        return true;
    ssl->in_buf = mbedtls_calloc(1, MBEDTLS_SSL_IN_BUFFER_LEN);
    ssl->out_buf = mbedtls_calloc(1, MBEDTLS_SSL_OUT_BUFFER_LEN);
    if (!ssl->in_buf || !ssl->out_buf) {
        drop(ssl);
        return false;
    }
    mbedtls_ssl_reset_in_pointers(ssl);
    mbedtls_ssl_reset_out_pointers(ssl);
    mbedtls_ssl_update_out_pointers(ssl, ssl->transform_out);
    memcpy(ssl->in_ctr, records, MBEDTLS_SSL_SEQUENCE_NUMBER_LEN);
    return true;
}
