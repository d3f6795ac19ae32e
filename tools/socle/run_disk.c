/* SPDX-License-Identifier: BSD-2-Clause */
/* `run --image`: a volume of a disk image, and what is booted from it. */
#include <string.h>

#include "tools/socle/run_plan.h"
#include "tools/socle/text.h"
#include "tools/socle/vm_options.h"

#define CMDLINE_OF_ROOT "console=ttyS0 root=%s ro"

/* A volume that is there may be somebody's: it is never taken, nor replaced. */
static enum outcome check_volume(struct cli *cli, const char *name)
{
    long status;
    enum outcome outcome = api_status(cli, api_path("/volumes/", name, NULL), &status);

    if (outcome != DONE || status != 200)
        return outcome;
    return say(REFUSED,
               "there is a volume %s already: take another name, or \"socle volume rm %s\".", name,
               name);
}

/* Only what a disk can be made of. */
static enum outcome check_kind(struct source *disk)
{
    disk->kind = disk->guess;
    if (!disk->file || strcmp(disk->kind, "raw") == 0 || strcmp(disk->kind, "qcow2") == 0)
        return DONE;
    return say(MISUSED, "%s is no disk image, raw or qcow2: it looks like an image of kind %s.",
               disk->file, disk->kind);
}

static void put_boot(struct run_plan *plan, const char *member, struct source *source)
{
    source->image = mem_text("%s-%s", plan->name, member);
    json_object_set_new(vm_options_group(plan->vm, "boot"), member, json_string(source->image));
}

enum outcome run_disk_plan(struct cli *cli, struct run_plan *plan)
{
    const char *size = args_option(&cli->args, "disk-size");
    enum outcome outcome;

    if (size && !text_parse_size(size, &plan->disk_bytes))
        return say(MISUSED, "--disk-size needs a size, as in 512M or 20G, not \"%s\".", size);
    if (!args_has(&cli->args, "image"))
        return DONE;
    outcome = source_find(cli, plan->name, "disk", &plan->disk);
    if (outcome == DONE)
        outcome = check_kind(&plan->disk);
    if (outcome == DONE)
        outcome = check_volume(cli, plan->name);
    json_object_set_new(plan->vm, "disks",
                        json_pack("[{ssss}]", "id", "root", "volume", plan->name));
    plan->boots_from_disk = !args_has(&cli->args, "kernel");
    if (plan->boots_from_disk) {
        put_boot(plan, "kernel", &plan->kernel);
        put_boot(plan, "initrd", &plan->initrd);
    }
    return outcome;
}

/* Return: what the volume is, or NULL after telling why there is none. */
static json_t *make_volume(struct cli *cli, struct run_plan *plan)
{
    const char *pool = args_option(&cli->args, "pool");
    json_t *body = json_pack("{s{ss}}", "from", "image", plan->disk.image), *volume = NULL;
    char *path = api_path("/volumes/", plan->name, NULL);

    if (args_has(&cli->args, "disk-size"))
        json_object_set_new(body, "size_bytes", json_integer((json_int_t)plan->disk_bytes));
    if (pool)
        json_object_set_new(body, "pool", json_string(pool));
    plan->has_volume = api_call(cli, "PUT", path, body, &volume) == DONE;
    free(path);
    return volume;
}

/* What was found is sent as if --kernel, --initrd and --cmdline had named it. */
static enum outcome take_found(struct cli *cli, struct run_plan *plan)
{
    json_t *boot = vm_options_group(plan->vm, "boot");
    char *cmdline;

    plan->kernel.file = plan->found.kernel;
    if (plan->found.initrd[0])
        plan->initrd.file = plan->found.initrd;
    else
        json_object_del(boot, "initrd");
    if (args_has(&cli->args, "cmdline"))
        return DONE;
    if (!plan->found.root[0])
        return say(REFUSED, "no root file system of ext4 was found on the disk: name it with "
                            "--cmdline, as in \"console=ttyS0 root=/dev/vda2\".");
    cmdline = mem_text(CMDLINE_OF_ROOT, plan->found.root);
    json_object_set_new(boot, "cmdline", json_string(cmdline));
    free(cmdline);
    return DONE;
}

enum outcome run_disk_make(struct cli *cli, struct run_plan *plan)
{
    struct volume_reader *reader;
    enum outcome outcome;
    json_t *volume;

    if (!plan->disk.image)
        return DONE;
    outcome = source_send(cli, &plan->disk);
    if (outcome != DONE)
        return outcome;
    volume = make_volume(cli, plan);
    if (!plan->has_volume || !plan->boots_from_disk) {
        json_decref(volume);
        return plan->has_volume ? DONE : REFUSED;
    }
    reader = volume_reader_open(cli, plan->name, member_number(volume, "size_bytes"));
    outcome = disk_boot_find(reader, &plan->found);
    volume_reader_close(reader);
    json_decref(volume);
    return outcome == DONE ? take_found(cli, plan) : outcome;
}

void run_disk_end(struct cli *cli, struct run_plan *plan, bool has_vm)
{
    json_t *answer = NULL;
    char *path;
    long status;

    disk_boot_end(&plan->found);
    if (has_vm || !plan->has_volume)
        return;
    path = api_path("/volumes/", plan->name, NULL);
    (void)api_try(cli, "DELETE", path, NULL, &answer, &status);
    json_decref(answer);
    free(path);
}
