/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers of Mbed TLS; core/lib's `unused` is a name of a variable in there. */
#ifndef SOCLE_PORT_MBEDTLS_H
#define SOCLE_PORT_MBEDTLS_H

#pragma push_macro("unused")
#undef unused
#include <mbedtls/asn1write.h>
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#pragma pop_macro("unused")

#endif
