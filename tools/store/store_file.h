/* SPDX-License-Identifier: BSD-2-Clause */
/* A datastore in a file of the host: a pool, or a disk image with a partition of the datastore's
 * type. */
#ifndef SOCLE_TOOLS_STORE_FILE_H
#define SOCLE_TOOLS_STORE_FILE_H

#include "core/store/store.h"

struct store_file {
    struct store_disk disk; /* first */
    int fd;
    u64 begin;    /* of the pool in the file */
    u8 **overlay; /* blocks written, if the file is not to be changed; else NULL */
    void *memory;
    struct store *store;
};

/*
 * Opens a file. is_read_only: writes, as recovery makes them, stay in memory. Return: NULL, or why
 * not, in one sentence; ends the program if there is no memory.
 */
const char *store_file_open(struct store_file *file, const char *path, bool is_read_only);
void store_file_close(struct store_file *file);

/* Submits and, as all requests end at once here, finishes an operation. Return: its status. */
int store_file_run(struct store_file *file, struct store_op *op);

/* Forgets what is in memory, as a host that restarts does; to be mounted again. */
void store_file_restart(struct store_file *file);

/* For store_check and store_repair. */
bool store_file_read(void *file, u64 block, void *out);
bool store_file_write(void *file, u64 block, const void *data);

#endif
