/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion for bash: words and options from the table, names from the host. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/run_commands.h"

static const char head[] =
    "# Completion of socle for bash; made by \"socle completion\".\n"
    "_socle() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local words= next= kinds= options= kind i w\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        w=\"$words${words:+ }${COMP_WORDS[i]}\"\n"
    "        case \"$w\" in\n        ";

static const char tail[] = "    COMPREPLY=()\n"
                           "    if [[ $cur == -* && -z $is_value ]]; then\n"
                           "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                           "        return\n"
                           "    fi\n"
                           "    for kind in $kinds; do\n"
                           "        case $kind in\n"
                           "        file) COMPREPLY+=($(compgen -f -- \"$cur\"));;\n"
                           "        *) COMPREPLY+=($(compgen -W \"$(socle \"$kind\" list -q "
                           "2>/dev/null)\" -- \"$cur\"));;\n"
                           "        esac\n"
                           "    done\n"
                           "    COMPREPLY+=($(compgen -W \"$next\" -- \"$cur\"))\n"
                           "}\n"
                           "complete -o filenames -F _socle socle\n";

/* Where the names of a kind come from: "file", or the word before "list -q". */
static const char *const kind_names[] = {
    [VALUE_TEXT] = "",
    [VALUE_FILE] = "file",
    [VALUE_VM] = "vm",
    [VALUE_IMAGE] = "image",
    [VALUE_IMAGE_OR_FILE] = "image file",
    [VALUE_NETWORK] = "network",
    [VALUE_TOKEN] = "token",
    [VALUE_USER] = "user",
    [VALUE_TASK] = "task",
    [VALUE_VOLUME] = "volume",
    [VALUE_POOL] = "pool",
    [VALUE_DISK] = "disk",
    [VALUE_HOST] = "",
};

/* Length of the first word if another one follows, or 0. */
static size_t group_len(const struct command *c)
{
    const char *blank = strchr(c->words, ' ');

    return blank ? (size_t)(blank - c->words) : 0;
}

/* True for the first row of "vm …". */
static bool begins_group(const struct command *c)
{
    size_t len = group_len(c);

    return len &&
           (c == commands || group_len(c - 1) != len || strncmp(c[-1].words, c->words, len) != 0);
}

/* Every beginning of a command, for the search for it. */
static void put_known(void)
{
    for (const struct command *c = commands; c->words; c++) {
        if (begins_group(c))
            printf("\"%.*s\"|", (int)group_len(c), c->words);
        printf("\"%s\"%s", c->words, c[1].words ? "|" : "");
    }
    fputs(") words=$w;;\n        esac\n    done\n", stdout);
}

static void put_group(const struct command *c)
{
    size_t len = group_len(c);

    printf("    \"%.*s\") next=\"", (int)len, c->words);
    for (; c->words && group_len(c) == len; c++)
        printf("%s%s", c->words + len + 1, c[1].words && group_len(c + 1) == len ? " " : "");
    fputs("\";;\n", stdout);
}

static void put_first_words(void)
{
    fputs("    \"\") next=\"", stdout);
    for (const struct command *c = commands; c->words; c++) {
        if (begins_group(c))
            printf("%.*s ", (int)group_len(c), c->words);
        else if (!group_len(c))
            printf("%s ", c->words);
    }
    fputs("\";;\n", stdout);
}

static void put_options(const struct option *options)
{
    for (; options->name; options++)
        printf("--%s ", options->name);
}

static void put_command(const struct command *c)
{
    printf("    \"%s\") kinds=\"%s\" options=\"", c->words,
           c->args[0].name ? kind_names[c->args[0].kind] : "");
    put_options(c->options);
    put_options(global_options);
    fputs("\";;\n", stdout);
}

/* Behind an option that takes a value only such values stand. */
static void put_values(const char *words, const struct option *options)
{
    for (; options->name; options++) {
        if (options->value)
            printf("    \"%s:--%s\") kinds=\"%s\" next= is_value=1;;\n", words, options->name,
                   kind_names[options->kind]);
    }
}

enum outcome run_completion(struct cli *cli)
{
    (void)cli;
    fputs(head, stdout);
    put_known();
    fputs("    local is_value=\n    case \"$words\" in\n", stdout);
    put_first_words();
    for (const struct command *c = commands; c->words; c++) {
        if (begins_group(c))
            put_group(c);
        put_command(c);
    }
    fputs("    esac\n    case \"$words:$prev\" in\n", stdout);
    for (const struct command *c = commands; c->words; c++)
        put_values(c->words, c->options);
    fputs("    esac\n", stdout);
    fputs(tail, stdout);
    return DONE;
}
