/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of the host's things: as JSON, as names, or as a table. */
#ifndef SOCLE_CLI_LISTING_H
#define SOCLE_CLI_LISTING_H

#include "tools/socle/cli.h"
#include "tools/socle/grid.h"

struct listing {
    const char *path; /* below /api/v1 */
    bool is_paged;
    const char *key;   /* the member --quiet prints */
    const char *heads; /* of the table, as grid_begin() takes them */
    void (*row)(struct grid *grid, const json_t *item); /* adds one cell for each head */
};

/* Opens the host, fetches the list and prints it as --json, --quiet or neither ask for. */
enum outcome listing_print(struct cli *cli, const struct listing *listing);

/* Adds the size that a member of the item has in bytes. */
void grid_add_size(struct grid *grid, const json_t *item, const char *member);

/* DELETE /api/v1{path}{name}{tail}. */
enum outcome listing_delete(struct cli *cli, const char *path, const char *name, const char *tail);

#endif
