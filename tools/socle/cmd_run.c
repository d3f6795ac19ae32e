/* SPDX-License-Identifier: BSD-2-Clause */
/* `run`: from files of this machine to a VM that runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/socle/console.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/run_plan.h"
#include "tools/socle/upload.h"
#include "tools/socle/vm_define.h"
#include "tools/socle/vm_options.h"

#define MEMORY_BYTES    (512u << 20)
#define CMDLINE         "console=ttyS0"
#define DEFAULT_NETWORK "default"

static enum outcome check_image(struct cli *cli, const char *name)
{
    long status;
    enum outcome outcome = api_status(cli, api_path("/images/", name, NULL), &status);

    if (outcome != DONE || status != 404)
        return outcome;
    return say(MISUSED,
               "\"%s\" is neither a file here nor an image on the host: see \"socle image list\".",
               name);
}

enum outcome source_find(struct cli *cli, const char *name, const char *suffix,
                         struct source *source)
{
    const char *given = args_option(&cli->args, source->option);

    if (!given)
        return DONE;
    if (access(given, F_OK) != 0) {
        if (strchr(given, '/'))
            return say(MISUSED, "%s: %s", given, strerror(errno));
        source->image = mem_text("%s", given);
        return check_image(cli, given);
    }
    source->guess = upload_guess(given, &source->is_elf);
    if (!source->guess)
        return say(MISUSED, "%s cannot be read, or is no file.", given);
    source->file = given;
    source->image = mem_text("%s-%s", name, suffix);
    return DONE;
}

enum outcome source_send(struct cli *cli, const struct source *source)
{
    return source->file ? upload_file(cli, source->file, source->image, source->kind, NULL) : DONE;
}

/* --kernel or --initrd: a file goes into the definition by its name to come. */
static enum outcome plan_boot(struct cli *cli, struct run_plan *plan, struct source *source)
{
    enum outcome outcome = source_find(cli, plan->name, source->option, source);
    json_t *boot = vm_options_group(plan->vm, "boot");

    if (outcome != DONE || !source->file)
        return outcome;
    if (source->is_elf && source == &plan->kernel && !json_object_get(boot, "firmware"))
        json_object_set_new(boot, "firmware", json_string("pvh"));
    json_object_set_new(boot, source->option, json_string(source->image));
    return DONE;
}

/* A NIC on the default network, if the host has one. */
static enum outcome add_default_nic(struct cli *cli, json_t *vm)
{
    long status;
    enum outcome outcome = api_status(cli, api_path("/networks/", DEFAULT_NETWORK, NULL), &status);

    if (outcome == DONE && status == 200)
        json_object_set_new(vm, "nics",
                            json_pack("[{ssss}]", "id", "net0", "network", DEFAULT_NETWORK));
    return outcome;
}

static enum outcome add_defaults(struct cli *cli, json_t *vm)
{
    json_t *boot = vm_options_group(vm, "boot"), *memory = vm_options_group(vm, "memory");

    if (!json_object_get(memory, "size_bytes"))
        json_object_set_new(memory, "size_bytes", json_integer(MEMORY_BYTES));
    if (!json_object_get(boot, "cmdline"))
        json_object_set_new(boot, "cmdline", json_string(CMDLINE));
    return json_object_get(vm, "nics") ? DONE : add_default_nic(cli, vm);
}

/* Whether what the host has not will be there in time. */
static bool will_be(const struct run_plan *plan, const char *kind, const char *name)
{
    const struct source *sent[] = {&plan->kernel, &plan->initrd};

    if (strcmp(kind, "volume") == 0)
        return plan->disk.image && strcmp(name, plan->name) == 0;
    for (size_t i = 0; strcmp(kind, "image") == 0 && i < sizeof(sent) / sizeof(sent[0]); i++) {
        if ((sent[i]->file || plan->boots_from_disk) && sent[i]->image &&
            strcmp(name, sent[i]->image) == 0)
            return true;
    }
    return false;
}

/* What the definition names must be there, or be made. */
static enum outcome check_missing(const struct run_plan *plan, const json_t *all)
{
    const json_t *missing;
    size_t i;

    json_array_foreach(all, i, missing)
    {
        const char *kind = member_text(missing, "kind"), *name = member_text(missing, "name");

        if (will_be(plan, kind, name))
            continue;
        (void)say(REFUSED, "there is no %s \"%s\".", kind, name);
        api_tell_similar(missing);
        fprintf(stderr, "  hint: \"socle %s list\" shows those there are.\n", kind);
        return REFUSED;
    }
    return DONE;
}

/* Whether the host takes the definition, and could start it: before megabytes are sent for it. */
static enum outcome try_definition(struct cli *cli, const struct run_plan *plan)
{
    char *path = api_path("/vms/", plan->name, "?dry_run=true", NULL);
    json_t *would_be = NULL;
    enum outcome outcome = api_call(cli, "PUT", path, json_incref(plan->vm), &would_be);

    if (outcome == DONE)
        outcome = check_missing(plan, json_object_get(would_be, "missing"));
    json_decref(would_be);
    free(path);
    return outcome;
}

static enum outcome make_plan(struct cli *cli, struct run_plan *plan)
{
    enum outcome outcome = vm_define_check_name(cli);

    if (outcome == DONE)
        outcome = plan_boot(cli, plan, &plan->kernel);
    if (outcome == DONE)
        outcome = plan_boot(cli, plan, &plan->initrd);
    if (outcome == DONE)
        outcome = run_disk_plan(cli, plan);
    if (outcome == DONE)
        outcome = add_defaults(cli, plan->vm);
    return outcome == DONE ? try_definition(cli, plan) : outcome;
}

static enum outcome carry_out(struct cli *cli, struct run_plan *plan)
{
    enum outcome outcome = run_disk_make(cli, plan);

    if (outcome == DONE)
        outcome = source_send(cli, &plan->kernel);
    if (outcome == DONE)
        outcome = source_send(cli, &plan->initrd);
    return outcome == DONE ? vm_define_put(cli, plan->vm, true) : outcome;
}

static enum outcome make_vm(struct cli *cli, json_t *vm)
{
    struct run_plan plan = {
        .name = args_value(&cli->args, 0),
        .vm = vm,
        .kernel = {.option = "kernel", .kind = "kernel"},
        .initrd = {.option = "initrd", .kind = "initrd"},
        .disk = {.option = "image"},
    };
    enum outcome outcome = make_plan(cli, &plan);

    if (outcome == DONE)
        outcome = carry_out(cli, &plan);
    run_disk_end(cli, &plan, outcome == DONE);
    free(plan.kernel.image);
    free(plan.initrd.image);
    free(plan.disk.image);
    return outcome;
}

enum outcome run_run(struct cli *cli)
{
    bool is_attached = args_has(&cli->args, "interactive") || args_has(&cli->args, "tty");
    const char *name = args_value(&cli->args, 0);
    enum outcome outcome;
    json_t *vm;

    if (!args_has(&cli->args, "kernel") && !args_has(&cli->args, "image"))
        return say(MISUSED, "what is to be booted? Name a disk with --image, or a kernel with "
                            "--kernel: files, or images on the host.");
    vm = vm_define_begin(&cli->args);
    if (!vm)
        return MISUSED;
    outcome = cli_open(cli);
    if (outcome == DONE)
        outcome = make_vm(cli, vm);
    json_decref(vm);
    if (outcome == DONE && is_attached)
        outcome = console_attach(cli, name);
    else if (outcome == DONE && !cli->as_json)
        printf("%s runs; \"socle vm console %s\" shows its console.\n", name, name);
    return outcome;
}
