/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet pool's promise to NIC drivers in unit tests: kept account of, and always given. */
#ifndef SOCLE_TESTS_PKTBUF_RESERVE_H
#define SOCLE_TESTS_PKTBUF_RESERVE_H

#include "drivers/net/pktbuf_pool.h"
#include "tests/unit/harness.h"

static u32 reserved; /* buffers */

int pktbuf_pool_reserve(struct pktbuf_need need)
{
    CHECK_EQ(need.count, PKTBUF_NIC_RING);
    reserved += need.count;
    return 0;
}

void pktbuf_pool_unreserve(struct pktbuf_need need)
{
    reserved -= need.count;
}

#endif
