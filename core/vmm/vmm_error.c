/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told to the user when a request cannot be carried out. */
#include "core/vmm/vmm_error.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

void vmm_error_set(struct vmm_error *err, const char *slug, const char *pointer, const char *hint,
                   const char *fmt, ...)
{
    va_list args;

    *err = (struct vmm_error){.slug = slug, .pointer = pointer};
    va_start(args, fmt);
    kvsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    ksnprintf(err->hint, sizeof(err->hint), "%s", hint);
}

int vmm_error_no_memory(struct vmm_error *err)
{
    vmm_error_set(err, "no_memory", NULL, "Stop a VM or delete an image.",
                  "The hypervisor is out of memory.");
    return -ENOMEM;
}
