/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions of new VMs. */
#include "tools/socle/vm_define.h"

#include <string.h>

#include "tools/socle/cloud_init.h"
#include "tools/socle/vm_options.h"

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

enum outcome vm_define_check_name(struct cli *cli)
{
    const char *name = args_value(&cli->args, 0);
    enum outcome outcome;
    long status;

    if (args_has(&cli->args, "replace"))
        return DONE;
    outcome = api_status(cli, api_path("/vms/", name, NULL), &status);
    if (outcome != DONE || status != 200)
        return outcome;
    return say(REFUSED, "there is a VM %s already: \"socle vm start %s\", or take --replace.", name,
               name);
}

enum outcome vm_define_put(struct cli *cli, json_t *vm, bool is_started)
{
    char *path = api_path("/vms/", args_value(&cli->args, 0), NULL);
    char *with_start = mem_text("%s%s", path, is_started ? "?start=true" : "");
    enum outcome outcome = vm_define_check_name(cli);
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
