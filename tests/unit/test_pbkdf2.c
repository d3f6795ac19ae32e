/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/auth/pbkdf2.c core/lib/hex.c core/lib/sha256.c core/lib/str.c */
/*
 * PBKDF2-HMAC-SHA256 against the vectors of RFC 7914 section 11 and those of RFC 6070's passwords
 * with SHA-256, whatever the slices.
 */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/hex.h"
#include "mgmt/auth/pbkdf2.h"

#define LONG_VECTOR "c405580e39cea276a9a56d6ea259a3e23007faf0ebf5421f3719838d7ff57b4c"

static char hex[2 * SHA256_BYTES + 1];

static const char *derive_bytes(const void *password, size_t password_bytes, const void *salt,
                                size_t salt_bytes, u32 iterations, u32 slice)
{
    struct pbkdf2 work;
    u8 key[SHA256_BYTES];

    pbkdf2_begin(&work, password, password_bytes, salt, salt_bytes, iterations);
    while (!pbkdf2_step(&work, slice))
        ;
    pbkdf2_end(&work, key);
    hex_write(hex, key, sizeof(key));
    for (size_t i = 0; i < sizeof(work); i++)
        CHECK_EQ(((const u8 *)&work)[i], 0);
    return hex;
}

static const char *derive(const char *password, const char *salt, u32 iterations, u32 slice)
{
    return derive_bytes(password, strlen(password), salt, strlen(salt), iterations, slice);
}

TEST(published_vectors)
{
    CHECK_STR(derive("passwd", "salt", 1, 1),
              "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    CHECK_STR(derive("Password", "NaCl", 80000, 1000),
              "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    CHECK_STR(derive("password", "salt", 1, 1),
              "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
    CHECK_STR(derive("password", "salt", 2, 1),
              "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
    CHECK_STR(derive("password", "salt", 4096, 100),
              "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
    CHECK_STR(derive("passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 7),
              "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1");
}

/* One longer than a block of SHA-256 is hashed first; the vector is of Python's hashlib. */
TEST(long_passwords)
{
    char password[129];

    memset(password, 'x', 128);
    password[128] = '\0';
    CHECK_STR(derive(password, "salt", 3, 1), LONG_VECTOR);
    CHECK(strcmp(derive(password + 1, "salt", 3, 1), LONG_VECTOR) != 0);
}

TEST(slices_make_no_difference)
{
    char whole[sizeof(hex)];

    strcpy(whole, derive("password", "salt", 1000, 1000));
    for (u32 slice = 1; slice < 1200; slice += 97)
        CHECK_STR(derive("password", "salt", 1000, slice), whole);
    CHECK(strcmp(derive("password", "salt", 999, 1000), whole) != 0);
}
