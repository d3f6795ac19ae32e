/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of a volume on the host, read in large pieces of which the last few are kept. */
#ifndef SOCLE_CLI_VOLUME_READ_H
#define SOCLE_CLI_VOLUME_READ_H

#include "tools/socle/cli.h"

struct volume_reader;

/* bytes: the volume's size. cli: is kept. */
struct volume_reader *volume_reader_open(struct cli *cli, const char *volume, u64 bytes);
void volume_reader_close(struct volume_reader *reader);

u64 volume_reader_bytes(const struct volume_reader *reader);

/* Return: false outside of the volume, or after telling why it cannot be read. */
bool volume_read(struct volume_reader *reader, u64 offset, void *dst, size_t bytes);

#endif
