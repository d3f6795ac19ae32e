/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned tables: rows of text, laid out when all are there. */
#ifndef SOCLE_CLI_GRID_H
#define SOCLE_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>

#define GRID_COLUMNS_MAX 10u

struct grid {
    size_t columns, cells, room;
    bool is_right[GRID_COLUMNS_MAX]; /* aligned to the right: numbers */
    char **cell;
};

/* heads: names of the columns separated by '|'; one that begins with '>' is aligned to the right.
 */
void grid_begin(struct grid *grid, const char *heads);
/* Adds a cell, row by row; what a terminal would obey is replaced. NULL counts as "-". */
void grid_add(struct grid *grid, const char *text);
/* Lays it out and forgets it. Return: text for the caller to free; "" if there are heads only. */
char *grid_end(struct grid *grid);

#endif
