/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of the host's things. */
#include "tools/socle/listing.h"

#include <stdio.h>

#include "tools/socle/text.h"

static void print_names(const json_t *items, const char *key)
{
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        char *name = mem_text("%s", member_text(item, key));

        text_make_safe(name);
        puts(name);
        free(name);
    }
}

static void print_table(const json_t *items, const struct listing *listing)
{
    struct grid grid;
    json_t *item;
    char *text;
    size_t i;

    grid_begin(&grid, listing->heads);
    json_array_foreach(items, i, item) listing->row(&grid, item);
    text = grid_end(&grid);
    fputs(text, stdout);
    free(text);
}

enum outcome listing_print(struct cli *cli, const struct listing *listing)
{
    enum outcome outcome = cli_open(cli);
    json_t *items = NULL;

    if (outcome == DONE)
        outcome = api_list(cli, listing->path, listing->is_paged, &items);
    if (outcome != DONE)
        return outcome;
    if (cli->as_json)
        print_json(items);
    else if (args_has(&cli->args, "quiet"))
        print_names(items, listing->key);
    else
        print_table(items, listing);
    json_decref(items);
    return DONE;
}

void grid_add_size(struct grid *grid, const json_t *item, const char *member)
{
    char size[TEXT_NUMBER_MAX];

    text_size(size, member_number(item, member));
    grid_add(grid, size);
}

enum outcome listing_delete(struct cli *cli, const char *path, const char *name, const char *tail)
{
    enum outcome outcome = cli_open(cli);
    char *whole;

    if (outcome != DONE)
        return outcome;
    whole = api_path(path, name, tail, NULL);
    outcome = api_call(cli, "DELETE", whole, NULL, NULL);
    free(whole);
    return outcome;
}
