/* SPDX-License-Identifier: BSD-2-Clause */
/* What `run` has to do before there is a VM: what is sent, and the disk that is made of it. */
#ifndef SOCLE_CLI_RUN_PLAN_H
#define SOCLE_CLI_RUN_PLAN_H

#include "tools/socle/cli.h"
#include "tools/socle/disk_boot.h"

/* What --kernel, --initrd or --image names: a file of this machine, or an image of the host. */
struct source {
    const char *option;
    const char *kind;  /* of the image */
    const char *file;  /* NULL: an image, or nothing */
    const char *guess; /* of a file: upload_guess() */
    bool is_elf;
    char *image; /* its name there, or NULL; heap */
};

struct run_plan {
    const char *name; /* the VM's; and of its disk's volume */
    json_t *vm;       /* the definition */
    struct source kernel, initrd, disk;
    u64 disk_bytes;         /* --disk-size */
    bool boots_from_disk;   /* kernel and initrd are found there */
    bool has_volume;        /* made here, so it goes again if there will be no VM */
    struct disk_boot found; /* on the disk */
};

/* Finds out what an option names. A file is to become the image NAME-suffix. Return: DONE, also
 * where the option is not given; or not after telling why. */
enum outcome source_find(struct cli *cli, const char *name, const char *suffix,
                         struct source *source);

/* Sends it if it is a file. */
enum outcome source_send(struct cli *cli, const struct source *source);

/*
 * run_disk.c. --image: it and the volume go into the plan and the definition; nothing is sent.
 * Then, the image sent and the volume made of it, kernel and initrd are found there, unless
 * --kernel names one. Nothing happens without --image.
 */
enum outcome run_disk_plan(struct cli *cli, struct run_plan *plan);
enum outcome run_disk_make(struct cli *cli, struct run_plan *plan);
/* At the end; the volume goes if there is no VM. */
void run_disk_end(struct cli *cli, struct run_plan *plan, bool has_vm);

#endif
