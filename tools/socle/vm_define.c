/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions of new VMs: `vm create` and `run`. */
#include "tools/socle/vm_define.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/socle/cloud_init.h"
#include "tools/socle/console.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/upload.h"
#include "tools/socle/vm_options.h"

#define RUN_MEMORY_BYTES (512u << 20)
#define RUN_CMDLINE      "console=ttyS0"
#define DEFAULT_NETWORK  "default"

json_t *vm_define_begin(const struct args *args)
{
    const char *file = args_option(args, "file");
    json_error_t error;
    json_t *vm = file ? json_load_file(file, JSON_REJECT_DUPLICATES, &error) : json_object();

    if (!json_is_object(vm)) {
        (void)say(MISUSED, "%s: %s", file, vm ? "the definition must be an object" : error.text);
    } else if (vm_options_apply(args, vm) && cloud_init_apply(args, args_value(args, 0), vm)) {
        return vm;
    }
    json_decref(vm);
    return NULL;
}

/* Whether the name is free, or may be taken. */
static enum outcome check_name(struct cli *cli, const char *path)
{
    const char *name = args_value(&cli->args, 0);
    enum outcome outcome;
    json_t *old = NULL;
    long status;

    if (args_has(&cli->args, "replace"))
        return DONE;
    outcome = api_try(cli, "GET", path, NULL, &old, &status);
    json_decref(old);
    if (outcome != DONE || status != 200)
        return outcome;
    return say(REFUSED, "there is a VM %s already: \"socle vm start %s\", or take --replace.", name,
               name);
}

enum outcome vm_define_put(struct cli *cli, json_t *vm, bool is_started)
{
    char *path = api_path("/vms/", args_value(&cli->args, 0), NULL);
    char *with_start = mem_text("%s%s", path, is_started ? "?start=true" : "");
    enum outcome outcome = check_name(cli, path);
    json_t *answer = NULL;

    if (outcome == DONE)
        outcome = api_call(cli, "PUT", with_start, json_incref(vm), &answer);
    if (outcome == DONE && cli->as_json)
        print_json(answer);
    json_decref(answer);
    free(with_start);
    free(path);
    return outcome;
}

/* What --kernel or --initrd names: a file of this machine, or an image of the host. */
struct source {
    const char *member, *kind; /* of "boot", and of an image */
    const char *file;          /* NULL: an image, or nothing */
    char *image;               /* its name there, if it is a file; heap */
};

static enum outcome check_image(struct cli *cli, const char *name)
{
    char *path = api_path("/images/", name, NULL);
    json_t *image = NULL;
    long status;
    enum outcome outcome = api_try(cli, "GET", path, NULL, &image, &status);

    json_decref(image);
    free(path);
    if (outcome != DONE || status != 404)
        return outcome;
    return say(MISUSED,
               "\"%s\" is neither a file here nor an image on the host: see \"socle image list\".",
               name);
}

/* Finds out what it is. A file gets the name NAME-kind, which is put in the definition. */
static enum outcome resolve(struct cli *cli, json_t *boot, struct source *source)
{
    const char *given = args_option(&cli->args, source->member);
    bool is_elf;

    if (!given)
        return DONE;
    if (access(given, F_OK) != 0)
        return strchr(given, '/') ? say(MISUSED, "%s: %s", given, strerror(errno))
                                  : check_image(cli, given);
    if (!upload_guess(given, &is_elf))
        return say(MISUSED, "%s cannot be read, or is no file.", given);
    source->file = given;
    source->image = mem_text("%s-%s", args_value(&cli->args, 0), source->kind);
    if (is_elf && strcmp(source->kind, "kernel") == 0 && !json_object_get(boot, "firmware"))
        json_object_set_new(boot, "firmware", json_string("pvh"));
    json_object_set_new(boot, source->member, json_string(source->image));
    return DONE;
}

/* A NIC on the default network, if the host has one. */
static enum outcome add_default_nic(struct cli *cli, json_t *vm)
{
    char *path = api_path("/networks/", DEFAULT_NETWORK, NULL);
    json_t *network = NULL;
    enum outcome outcome;
    long status;

    outcome = api_try(cli, "GET", path, NULL, &network, &status);
    if (outcome == DONE && status == 200)
        json_object_set_new(vm, "nics",
                            json_pack("[{ssss}]", "id", "net0", "network", DEFAULT_NETWORK));
    json_decref(network);
    free(path);
    return outcome;
}

/* Whether an image that the host has not will be sent. */
static bool is_sent(const struct source *sources, size_t count, const json_t *missing)
{
    for (size_t i = 0; i < count; i++) {
        if (sources[i].file && strcmp(member_text(missing, "kind"), "image") == 0 &&
            strcmp(sources[i].image, member_text(missing, "name")) == 0)
            return true;
    }
    return false;
}

/* What the definition names must be there, or be sent. */
static enum outcome check_missing(const json_t *all, const struct source *sources, size_t count)
{
    const json_t *missing;
    size_t i;

    json_array_foreach(all, i, missing)
    {
        const char *kind = member_text(missing, "kind");

        if (is_sent(sources, count, missing))
            continue;
        (void)say(REFUSED, "there is no %s \"%s\".", kind, member_text(missing, "name"));
        api_tell_similar(missing);
        fprintf(stderr, "  hint: \"socle %s list\" shows those there are.\n", kind);
        return REFUSED;
    }
    return DONE;
}

/* Whether the host takes the definition, and could start it: before megabytes are sent for it. */
static enum outcome try_definition(struct cli *cli, json_t *vm, const struct source *sources,
                                   size_t count)
{
    char *path = api_path("/vms/", args_value(&cli->args, 0), "?dry_run=true", NULL);
    json_t *would_be = NULL;
    enum outcome outcome = api_call(cli, "PUT", path, json_incref(vm), &would_be);

    if (outcome == DONE)
        outcome = check_missing(json_object_get(would_be, "missing"), sources, count);
    json_decref(would_be);
    free(path);
    return outcome;
}

static enum outcome add_defaults(struct cli *cli, json_t *vm)
{
    json_t *boot = vm_options_group(vm, "boot"), *memory = vm_options_group(vm, "memory");

    if (!json_object_get(memory, "size_bytes"))
        json_object_set_new(memory, "size_bytes", json_integer(RUN_MEMORY_BYTES));
    if (!json_object_get(boot, "cmdline"))
        json_object_set_new(boot, "cmdline", json_string(RUN_CMDLINE));
    return json_object_get(vm, "nics") ? DONE : add_default_nic(cli, vm);
}

static enum outcome prepare(struct cli *cli, json_t *vm)
{
    struct source sources[] = {{.member = "kernel", .kind = "kernel"},
                               {.member = "initrd", .kind = "initrd"}};
    size_t count = sizeof(sources) / sizeof(sources[0]);
    char *path = api_path("/vms/", args_value(&cli->args, 0), NULL);
    enum outcome outcome = check_name(cli, path);

    free(path);
    for (size_t i = 0; outcome == DONE && i < count; i++)
        outcome = resolve(cli, vm_options_group(vm, "boot"), &sources[i]);
    if (outcome == DONE)
        outcome = add_defaults(cli, vm);
    if (outcome == DONE)
        outcome = try_definition(cli, vm, sources, count);
    for (size_t i = 0; i < count; i++) {
        if (outcome == DONE && sources[i].file)
            outcome = upload_file(cli, sources[i].file, sources[i].image, sources[i].kind, NULL);
        free(sources[i].image);
    }
    return outcome;
}

enum outcome run_run(struct cli *cli)
{
    bool is_attached = args_has(&cli->args, "interactive") || args_has(&cli->args, "tty");
    const char *name = args_value(&cli->args, 0);
    enum outcome outcome;
    json_t *vm;

    if (!args_has(&cli->args, "kernel"))
        return say(MISUSED, "what is to be booted? Name a file or an image with --kernel.");
    vm = vm_define_begin(&cli->args);
    if (!vm)
        return MISUSED;
    outcome = cli_open(cli);
    if (outcome == DONE)
        outcome = prepare(cli, vm);
    if (outcome == DONE)
        outcome = vm_define_put(cli, vm, true);
    json_decref(vm);
    if (outcome == DONE && is_attached)
        outcome = console_attach(cli, name);
    else if (outcome == DONE && !cli->as_json)
        printf("%s runs; \"socle vm console %s\" shows its console.\n", name, name);
    return outcome;
}
