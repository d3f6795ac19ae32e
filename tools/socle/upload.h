/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that become images of the host. */
#ifndef SOCLE_CLI_UPLOAD_H
#define SOCLE_CLI_UPLOAD_H

#include "tools/socle/cli.h"

/* What a file's first bytes say it is: "kernel", "qcow2", "iso", "initrd" or "raw"; is_elf: a
 * kernel in ELF, for PVH. NULL if it cannot be read. */
const char *upload_guess(const char *file, bool *is_elf);

/* Uploads it and compares digests. answer: the image, for the caller to release; may be NULL. */
enum outcome upload_file(struct cli *cli, const char *file, const char *name, const char *kind,
                         json_t **answer);

#endif
