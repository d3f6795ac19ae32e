/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tools/socle/cert.c core/lib/base64.c core/lib/hex.c core/lib/sha256.c */
/* A certificate's digests, and bytes that are no certificate. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "tools/socle/cert.h"

/* Made with openssl req -x509, as were the digests below with openssl x509 and dgst. */
static const char good[] = "-----BEGIN CERTIFICATE-----\n"
                           "MIIBdDCCARugAwIBAgIUXItdslrMHGHE+33m92tmLkkvzcEwCgYIKoZIzj0EAwIw\n"
                           "EDEOMAwGA1UEAwwFc29jbGUwHhcNMjYxMTIxMTUwMjMxWhcNMzYxMTE4MTUwMjMx\n"
                           "WjAQMQ4wDAYDVQQDDAVzb2NsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBci\n"
                           "0hiEm13IXb4EFt5SrNfyV+K5dcXkMnK05Urwt/XoxBESvQddnjZ6u9pOcmaK9GZ0\n"
                           "wKxLte/OP8tTsw7Jg7mjUzBRMB0GA1UdDgQWBBTUwcCC3SDvpxqzp8XUq5ARkYmc\n"
                           "kDAfBgNVHSMEGDAWgBTUwcCC3SDvpxqzp8XUq5ARkYmckDAPBgNVHRMBAf8EBTAD\n"
                           "AQH/MAoGCCqGSM49BAMCA0cAMEQCIFt/TqfAK6qicS59zIfK5geeZyy4mZf2iin7\n"
                           "RCyJZMA4AiB9lz68nM9KoYLv39xtJ24GN1wcvWyVMsPgY4vpsVXO6g==\n"
                           "-----END CERTIFICATE-----\n";

TEST(digests_are_those_openssl_computes)
{
    struct cert_id id;

    CHECK(cert_identify(good, &id));
    CHECK_STR(id.fingerprint, "b292896416d699ee997cec1180174621ed4270fed5172b07ea0d8fd8c069fae9");
    CHECK_STR(id.pin, "sha256//A6IjzYCD1TF3rDY5vY29rm+1BjrrnRmO1+obVCQKajQ=");
}

TEST(what_is_no_certificate)
{
    struct cert_id id;
    char *many = malloc(200000);

    CHECK(!cert_identify("", &id));
    CHECK(!cert_identify("-----BEGIN CERTIFICATE-----", &id));
    CHECK(!cert_identify("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", &id));
    CHECK(!cert_identify("-----BEGIN CERTIFICATE-----\nMIIB!\n-----END", &id));
    memset(many, 'A', 199999);
    many[199999] = '\0';
    CHECK(!cert_identify(many, &id));
    free(many);
}

/* Every length and every tag on the way to the key, wrong: the sanitizers watch. */
TEST(broken_certificates)
{
    size_t len = strlen(good), refused = 0;
    struct cert_id id;
    char *text = malloc(len + 1);

    for (size_t i = 28; i < len; i++) {
        for (const char *c = "A/9z"; *c; c++) {
            memcpy(text, good, len + 1);
            text[i] = *c;
            refused += !cert_identify(text, &id);
        }
    }
    for (size_t cut = 0; cut < len - 60; cut++) {
        memcpy(text, good, cut);
        strcpy(text + cut, "\n-----END CERTIFICATE-----");
        refused += !cert_identify(text, &id);
    }
    CHECK(refused > len / 2);
    free(text);
}
