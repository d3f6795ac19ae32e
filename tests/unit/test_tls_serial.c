/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES:
 */
/* Serial numbers of certificates: whatever the first bytes are. */
#include "tests/unit/harness.h"

#include "mgmt/tls/tls_identity.h"

/* Spec: X.690 8.3.2: the first nine bits are neither all one nor all zero. */
TEST(every_serial_number_is_positive_and_short)
{
    for (u32 first = 0; first < 256; first++) {
        u8 serial[2] = {(u8)first, 0};

        tls_serial_from_random(serial);
        CHECK(serial[0] > 0 && serial[0] < 0x80);
    }
}
