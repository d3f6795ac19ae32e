/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned tables. */
#include "tools/socle/grid.h"

#include <string.h>

#include "tools/socle/mem.h"
#include "tools/socle/text.h"

#define GAP 2u /* blanks between columns */

void grid_begin(struct grid *grid, const char *heads)
{
    char *copy = mem_text("%s", heads), *rest = copy, *head;

    memset(grid, 0, sizeof(*grid));
    while (grid->columns < GRID_COLUMNS_MAX && (head = strsep(&rest, "|")) != NULL) {
        grid->is_right[grid->columns++] = head[0] == '>';
        grid_add(grid, head + (head[0] == '>'));
    }
    free(copy);
}

void grid_add(struct grid *grid, const char *text)
{
    if (grid->cells == grid->room) {
        grid->room = grid->room ? 2 * grid->room : 64;
        grid->cell = mem_resize(grid->cell, grid->room * sizeof(*grid->cell));
    }
    grid->cell[grid->cells] = mem_text("%s", text && text[0] ? text : "-");
    text_make_safe(grid->cell[grid->cells++]);
}

static void measure(const struct grid *grid, size_t width[GRID_COLUMNS_MAX])
{
    memset(width, 0, GRID_COLUMNS_MAX * sizeof(*width));
    for (size_t i = 0; i < grid->cells; i++) {
        size_t cell = text_width(grid->cell[i]);

        if (cell > width[i % grid->columns])
            width[i % grid->columns] = cell;
    }
}

static void blanks(struct buffer *out, size_t count)
{
    while (count--)
        buffer_add(out, " ", 1);
}

static void put_cell(struct buffer *out, const struct grid *grid, size_t i, size_t width)
{
    size_t column = i % grid->columns, pad = width - text_width(grid->cell[i]);
    bool is_last = column + 1 == grid->columns;

    if (grid->is_right[column])
        blanks(out, pad);
    buffer_add(out, grid->cell[i], strlen(grid->cell[i]));
    if (!grid->is_right[column] && !is_last)
        blanks(out, pad);
    if (is_last)
        buffer_add(out, "\n", 1);
    else
        blanks(out, GAP);
}

char *grid_end(struct grid *grid)
{
    size_t width[GRID_COLUMNS_MAX];
    struct buffer out = {0};

    buffer_add(&out, "", 0);
    measure(grid, width);
    for (size_t i = 0; i < grid->cells && grid->cells > grid->columns; i++)
        put_cell(&out, grid, i, width[i % grid->columns]);
    for (size_t i = 0; i < grid->cells; i++)
        free(grid->cell[i]);
    free(grid->cell);
    memset(grid, 0, sizeof(*grid));
    return out.data;
}
