/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions of new VMs: `vm create` and `run`. */
#include "tools/socle/vm_define.h"

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

/* If the member of "boot" is a file: uploads it as NAME-suffix and puts that in its place. */
static enum outcome upload_member(struct cli *cli, json_t *boot, const char *member,
                                  const char *kind)
{
    const char *file = member_text(boot, member);
    enum outcome outcome;
    bool is_elf;
    char *name;

    if (!file[0] || access(file, F_OK) != 0)
        return DONE;
    if (!upload_guess(file, &is_elf))
        return say(MISUSED, "%s cannot be read.", file);
    name = mem_text("%s-%s", args_value(&cli->args, 0), kind);
    outcome = upload_file(cli, file, name, kind, NULL);
    if (outcome == DONE && is_elf && !json_object_get(boot, "firmware"))
        json_object_set_new(boot, "firmware", json_string("pvh"));
    if (outcome == DONE)
        json_object_set_new(boot, member, json_string(name));
    free(name);
    return outcome;
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

static enum outcome prepare(struct cli *cli, json_t *vm)
{
    json_t *boot = vm_options_group(vm, "boot"), *memory = vm_options_group(vm, "memory");
    char *path = api_path("/vms/", args_value(&cli->args, 0), NULL);
    enum outcome outcome = check_name(cli, path);

    free(path);
    if (outcome == DONE)
        outcome = upload_member(cli, boot, "kernel", "kernel");
    if (outcome == DONE)
        outcome = upload_member(cli, boot, "initrd", "initrd");
    if (!json_object_get(memory, "size_bytes"))
        json_object_set_new(memory, "size_bytes", json_integer(RUN_MEMORY_BYTES));
    if (!json_object_get(boot, "cmdline"))
        json_object_set_new(boot, "cmdline", json_string(RUN_CMDLINE));
    if (outcome == DONE && !json_object_get(vm, "nics"))
        outcome = add_default_nic(cli, vm);
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
