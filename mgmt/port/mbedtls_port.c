/* SPDX-License-Identifier: BSD-2-Clause */
/* What Mbed TLS asks of its platform. */
#include "mgmt/port/mbedtls.h"

#include "core/lib/string.h"
#include "core/x86/panic.h"

/* Its arena calls this when a block's borders have been overwritten. */
void port_exit(int status)
{
    panic("the memory of Mbed TLS is damaged (%d)", status);
}

void mbedtls_platform_zeroize(void *buf, size_t len)
{
    mem_wipe(buf, len);
}
