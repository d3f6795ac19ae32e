/* SPDX-License-Identifier: BSD-2-Clause */
/* The version protocol of KVM's structures. */
#include "core/vm/pv_publish.h"

#include "mm/gmem.h"

int pv_publish(const struct gmem *gmem, gpa_t version_at, u32 *version, gpa_t body_at,
               const void *body, size_t bytes)
{
    int rc = gmem_store_u32(gmem, version_at, *version + 1);

    if (rc == 0) {
        /* The CPU keeps stores in order; the compiler must, too. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        rc = gmem_write(gmem, body_at, body, bytes);
    }
    if (rc == 0)
        rc = gmem_store_u32(gmem, version_at, *version + 2);
    *version += 2;
    return rc;
}
