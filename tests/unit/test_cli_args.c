/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tools/socle/args.c */
/* Command lines, by a small table. */
#include "tests/unit/harness.h"

#include <string.h>

#include "tools/socle/args.h"

static enum outcome run_nothing(struct cli *cli)
{
    (void)cli;
    return DONE;
}

static const struct option globals[] = {
    {.name = "host", .value = "NAME"},
    {.name = "json"},
    {.name = "help", .letter = 'h'},
    {0},
};

static const struct command table[] = {
    {.words = "log", .options = {{.name = "follow", .letter = 'f'}}, .run = run_nothing},
    {.words = "vm show", .args = {{"NAME", VALUE_VM, 0}}, .run = run_nothing},
    {
        .words = "vm run",
        .args = {{"NAME", VALUE_VM, 0}, {"FILE", VALUE_FILE, 1}},
        .options = {{.name = "mem", .value = "SIZE"},
                    {.name = "net", .value = "NETWORK"},
                    {.name = "interactive", .letter = 'i'},
                    {.name = "tty", .letter = 't'}},
        .run = run_nothing,
    },
    {0},
};

static struct args args;

/* Parses words separated by blanks; "_" stands for an empty one. */
static bool parse(const char *line)
{
    static char text[512];
    char *words[64], *rest = text;
    int count = 0;

    strcpy(text, line);
    words[count++] = text;
    while (rest && (rest = strchr(rest, ' ')) != NULL) {
        *rest++ = '\0';
        words[count++] = *rest == '_' ? strchr(rest, '\0') : rest;
    }
    for (int i = 1; i < count; i++) {
        if (words[i][0] == '_')
            words[i][0] = '\0';
    }
    words[count] = NULL;
    return args_parse(&args, table, globals, count, words);
}

TEST(commands_have_one_word_or_two)
{
    CHECK(parse("socle log"));
    CHECK(args.command == &table[0]);
    CHECK(parse("socle vm show web1"));
    CHECK(args.command == &table[1]);
    CHECK_STR(args_value(&args, 0), "web1");
    CHECK(args_value(&args, 1) == NULL);
    CHECK(parse("socle vm show log"));
    CHECK(args.command == &table[1]);
    CHECK_STR(args_value(&args, 0), "log");
}

TEST(options_stand_anywhere_behind_the_command)
{
    CHECK(parse("socle --host lab vm run --mem 1G web1 --net=a kernel --net b -it --json"));
    CHECK_STR(args_option(&args, "host"), "lab");
    CHECK_STR(args_option(&args, "mem"), "1G");
    CHECK_STR(args_option(&args, "net"), "b");
    CHECK_STR(args_value(&args, 0), "web1");
    CHECK_STR(args_value(&args, 1), "kernel");
    CHECK(args_has(&args, "interactive") && args_has(&args, "tty") && args_has(&args, "json"));
    CHECK(!args_has(&args, "help") && args_option(&args, "nothing") == NULL);
}

TEST(repeated_options_are_all_there)
{
    size_t at = 0;

    CHECK(parse("socle vm run x --net a --mem= --net b"));
    CHECK_STR(args_next(&args, "net", &at), "a");
    CHECK_STR(args_next(&args, "net", &at), "b");
    CHECK(args_next(&args, "net", &at) == NULL);
    CHECK_STR(args_option(&args, "mem"), "");
}

TEST(behind_two_dashes_nothing_is_an_option)
{
    CHECK(parse("socle vm show -- --mem"));
    CHECK_STR(args_value(&args, 0), "--mem");
    CHECK(parse("socle vm show -"));
    CHECK_STR(args_value(&args, 0), "-");
}

TEST(what_is_no_command_line)
{
    static const char *const lines[][2] = {
        {"socle vmm", "There is no command \"vmm\"."},
        {"socle vm sho", "There is no command \"vm sho\"."},
        {"socle vm show", "NAME is missing."},
        {"socle vm show a b", "\"b\" is one argument too many."},
        {"socle vm run a b c", "\"c\" is one argument too many."},
        {"socle vm show a --mem 1", "There is no option --mem here."},
        {"socle log --follow=yes", "--follow takes no value."},
        {"socle log -fx", "There is no option -fx here."},
        {"socle vm run x --mem", "--mem needs a value."},
        {"socle --follow log",
         "Options of a command stand behind it; before it there is no --follow."},
        {"socle vm show _", "An argument is empty."},
        {"socle "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "There is no command "
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a\"."},
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CHECK(!parse(lines[i][0]));
        CHECK_STR(args.error, lines[i][1]);
    }
}

TEST(more_options_than_there_is_room_for)
{
    char line[512] = "socle log";

    for (size_t i = 0; i < ARGS_OPTIONS_MAX; i++)
        strcat(line, " -f");
    CHECK(parse(line));
    CHECK_EQ(args.option_count, ARGS_OPTIONS_MAX);
    strcat(line, " -f");
    CHECK(!parse(line));
}

TEST(help_needs_no_arguments)
{
    CHECK(parse("socle vm show --help"));
    CHECK(args.command == &table[1] && args_has(&args, "help"));
    CHECK(parse("socle vm"));
    CHECK(args.command == NULL);
    CHECK_STR(args.words, "vm");
    CHECK(parse("socle"));
    CHECK(args.command == NULL);
}
