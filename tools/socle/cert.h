/* SPDX-License-Identifier: BSD-2-Clause */
/* By what a host is recognised: the SHA-256 of its certificate, and of the public key in it. */
#ifndef SOCLE_CLI_CERT_H
#define SOCLE_CLI_CERT_H

#include <stdbool.h>

#define CERT_FINGERPRINT_MAX 65u /* hexadecimal */
#define CERT_PIN_MAX         64u /* "sha256//" and base64, as libcurl takes it */

struct cert_id {
    char fingerprint[CERT_FINGERPRINT_MAX];
    char pin[CERT_PIN_MAX];
};

/* pem: from a server, not to be trusted. Return: false if it is no X.509 certificate. */
bool cert_identify(const char *pem, struct cert_id *id);

#endif
