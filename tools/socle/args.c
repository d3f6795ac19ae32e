/* SPDX-License-Identifier: BSD-2-Clause */
/* Words, arguments and options: "--name value", "--name=value", and letters that may stand
 * together. */
#include "tools/socle/args.h"

#include <stdio.h>
#include <string.h>

static bool fail(struct args *args, const char *format, const char *word)
{
    snprintf(args->error, sizeof(args->error), format, word);
    return false;
}

static const struct option *find_in(const struct option *options, const char *name, size_t len)
{
    for (; options && options->name; options++) {
        if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
            return options;
    }
    return NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
    for (; options && options->name; options++) {
        if (options->letter == letter)
            return options;
    }
    return NULL;
}

static bool add(struct args *args, const struct option *option, const char *value)
{
    if (args->option_count == ARGS_OPTIONS_MAX)
        return fail(args, "There are too many options; --%s is one too many.", option->name);
    args->options[args->option_count].option = option;
    args->options[args->option_count++].value = value;
    return true;
}

/* "--name", "--name=value" or "--name value": then *i moves on. */
static bool take_long(struct args *args, const struct option *globals, int argc, char **argv,
                      int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = find_in(args->command ? args->command->options : NULL, name, len);

    if (!option)
        option = find_in(globals, name, len);
    if (!option && !args->command)
        return fail(args, "Options of a command stand behind it; before it there is no %s.",
                    argv[*i]);
    if (!option)
        return fail(args, "There is no option %s here.", argv[*i]);
    if (!option->value)
        return equals ? fail(args, "--%s takes no value.", option->name) : add(args, option, NULL);
    if (equals)
        return add(args, option, equals + 1);
    if (*i + 1 >= argc)
        return fail(args, "--%s needs a value.", option->name);
    return add(args, option, argv[++*i]);
}

static bool take_letters(struct args *args, const struct option *globals, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        const struct option *option =
            find_letter(args->command ? args->command->options : NULL, *c);

        if (!option)
            option = find_letter(globals, *c);
        if (!option || option->value)
            return fail(args, "There is no option %s here.", word);
        if (!add(args, option, NULL))
            return false;
    }
    return true;
}

static const struct command *find_command(const struct command *table, const char *words)
{
    for (; table->words; table++) {
        if (strcmp(table->words, words) == 0)
            return table;
    }
    return NULL;
}

static bool is_beginning(const struct command *table, const char *words)
{
    size_t len = strlen(words);

    for (; table->words; table++) {
        if (strncmp(table->words, words, len) == 0 && table->words[len] == ' ')
            return true;
    }
    return false;
}

static bool take_word(struct args *args, const struct command *table, const char *word)
{
    size_t len = strlen(args->words);

    if (!word[0])
        return fail(args, "An argument%s is empty.", word);
    if (args->command) {
        if (args->value_count == COMMAND_ARGS_MAX || !args->command->args[args->value_count].name)
            return fail(args, "\"%s\" is one argument too many.", word);
        args->values[args->value_count++] = word;
        return true;
    }
    if (len + strlen(word) + 2 > sizeof(args->words))
        return fail(args, "There is no command \"%s\".", word);
    snprintf(args->words + len, sizeof(args->words) - len, "%s%s", len ? " " : "", word);
    args->command = find_command(table, args->words);
    if (!args->command && !is_beginning(table, args->words))
        return fail(args, "There is no command \"%s\".", args->words);
    return true;
}

bool args_parse(struct args *args, const struct command *table, const struct option *globals,
                int argc, char **argv)
{
    bool only_words = false;

    memset(args, 0, sizeof(*args));
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool ok;

        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
            continue;
        }
        if (only_words || word[0] != '-' || !word[1])
            ok = take_word(args, table, word);
        else if (word[1] == '-')
            ok = take_long(args, globals, argc, argv, &i);
        else
            ok = take_letters(args, globals, word);
        if (!ok)
            return false;
    }
    if (args_has(args, "help") || !args->command || args->value_count == COMMAND_ARGS_MAX)
        return true;
    if (args->command->args[args->value_count].name &&
        !args->command->args[args->value_count].is_optional)
        return fail(args, "%s is missing.", args->command->args[args->value_count].name);
    return true;
}

const char *args_next(const struct args *args, const char *name, size_t *at)
{
    while (*at < args->option_count) {
        size_t i = (*at)++;

        if (strcmp(args->options[i].option->name, name) == 0)
            return args->options[i].value ? args->options[i].value : "";
    }
    return NULL;
}

const char *args_option(const struct args *args, const char *name)
{
    const char *value, *last = NULL;
    size_t at = 0;

    while ((value = args_next(args, name, &at)) != NULL)
        last = value;
    return last;
}

bool args_has(const struct args *args, const char *name)
{
    return args_option(args, name) != NULL;
}

const char *args_value(const struct args *args, size_t i)
{
    return i < args->value_count ? args->values[i] : NULL;
}
