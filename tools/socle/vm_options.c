/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's definition out of options. */
#include "tools/socle/vm_options.h"

#include <stdio.h>
#include <string.h>

#include "tools/socle/cli.h"
#include "tools/socle/text.h"

#define NUMBER_MAX (1ull << 31)

enum meaning {
    IS_TEXT,
    IS_NUMBER,
    IS_SIZE,
};

/* Options that stand for one member. */
static const struct {
    const char *option, *group, *member;
    enum meaning meaning;
} simple[] = {
    {"cpus", "cpu", "count", IS_NUMBER},           {"weight", "cpu", "weight", IS_NUMBER},
    {"limit", "cpu", "limit_millicpu", IS_NUMBER}, {"mem", "memory", "size_bytes", IS_SIZE},
    {"kernel", "boot", "kernel", IS_TEXT},         {"initrd", "boot", "initrd", IS_TEXT},
    {"cmdline", "boot", "cmdline", IS_TEXT},       {"firmware", "boot", "firmware", IS_TEXT},
    {"on-crash", NULL, "on_crash", IS_TEXT},       {"description", NULL, "description", IS_TEXT},
};

json_t *vm_options_group(json_t *vm, const char *name)
{
    json_t *group = json_object_get(vm, name);

    if (json_is_object(group))
        return group;
    group = json_object();
    json_object_set_new(vm, name, group);
    return group;
}

/* Return: NULL after telling what is wrong. */
static json_t *convert(const char *option, enum meaning meaning, const char *text)
{
    json_t *value = NULL;
    u64 number;

    switch (meaning) {
    case IS_TEXT:
        value = json_string(text);
        break;
    case IS_NUMBER:
        value =
            text_parse_number(text, NUMBER_MAX, &number) ? json_integer((json_int_t)number) : NULL;
        break;
    case IS_SIZE:
        value = text_parse_size(text, &number) && number <= INT64_MAX
                    ? json_integer((json_int_t)number)
                    : NULL;
        break;
    }
    if (!value)
        (void)say(MISUSED,
                  meaning == IS_SIZE ? "--%s needs a size, as in 512M or 2G, not \"%s\"."
                                     : "--%s cannot be \"%s\".",
                  option, text);
    return value;
}

static void apply_nics(const struct args *args, json_t *vm)
{
    json_t *nics = json_array();
    const char *network;
    size_t at = 0;

    while ((network = args_next(args, "net", &at)) != NULL) {
        char id[24];

        if (strcmp(network, "none") == 0)
            continue;
        snprintf(id, sizeof(id), "net%zu", json_array_size(nics));
        json_array_append_new(nics, json_pack("{ssss}", "id", id, "network", network));
    }
    json_object_set_new(vm, "nics", nics);
}

static bool apply_balloon(const struct args *args, json_t *vm)
{
    const char *text = args_option(args, "balloon");
    json_t *target;

    if (!text)
        return true;
    target = strcmp(text, "none") == 0 ? json_null() : convert("balloon", IS_SIZE, text);
    if (target)
        json_object_set_new(vm_options_group(vm_options_group(vm, "memory"), "balloon"),
                            "target_bytes", target);
    return target != NULL;
}

bool vm_options_apply(const struct args *args, json_t *vm)
{
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        const char *text = args_option(args, simple[i].option);
        json_t *value;

        if (!text)
            continue;
        value = convert(simple[i].option, simple[i].meaning, text);
        if (!value)
            return false;
        json_object_set_new(simple[i].group ? vm_options_group(vm, simple[i].group) : vm,
                            simple[i].member, value);
    }
    if (args_has(args, "net"))
        apply_nics(args, vm);
    return apply_balloon(args, vm);
}
