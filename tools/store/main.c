/* SPDX-License-Identifier: BSD-2-Clause */
/* socle-store: makes, lists, checks, repairs and fills datastores in files, by the hypervisor's own
 * code. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/store/store_check.h"
#include "tools/store/store_file.h"
#include "tools/store/store_repair.h"

#define CHUNK MiB

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "socle-store: %s: %s\n", what, why);
    return 1;
}

static const char *reason(int status)
{
    return status == -ENOENT   ? "there is none of that name"
           : status == -EEXIST ? "the name is taken"
           : status == -ENOSPC ? "the datastore is full"
           : status == -EINVAL ? "that is not a valid name or size"
                               : strerror(-status);
}

static int finish(struct store_file *file, const char *what, int status)
{
    store_file_close(file);
    return status ? fail(what, reason(status)) : 0;
}

/* Opens and recovers. Return: false after it said why not. */
static bool mount(struct store_file *file, const char *path, bool is_read_only)
{
    const char *why = store_file_open(file, path, is_read_only);
    int status;

    if (why) {
        fail(path, why);
        return false;
    }
    status = store_file_run(file, &(struct store_op){.kind = STORE_MOUNT});
    if (status)
        fail(path, status == -ENOENT   ? "there is no datastore in it"
                   : status == -EINVAL ? "the datastore is damaged"
                                       : strerror(-status));
    return !status;
}

static u64 parse_size(const char *text)
{
    char *end;
    u64 value = strtoull(text, &end, 10);
    u64 unit = *end == 'K'   ? KiB
               : *end == 'M' ? MiB
               : *end == 'G' ? GiB
               : *end == 'T' ? 1024 * GiB
                             : 1;

    return *end && unit == 1 ? 0 : value * unit;
}

/* format FILE [SIZE] */
static int do_format(int argc, char **argv)
{
    struct store_file file;
    const char *why;
    u8 uuid[16];
    int fd = argc > 1 ? open(argv[0], O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;

    if (argc > 1 && (fd < 0 || ftruncate(fd, (off_t)parse_size(argv[1]))))
        return fail(argv[0], strerror(errno));
    if (fd >= 0)
        close(fd);
    why = store_file_open(&file, argv[0], false);
    if (why)
        return fail(argv[0], why);
    if (getrandom(uuid, sizeof uuid, 0) != sizeof uuid)
        return fail("random numbers", strerror(errno));
    return finish(&file, argv[0],
                  store_file_run(&file, &(struct store_op){.kind = STORE_FORMAT, .uuid = uuid}));
}

/* list FILE */
static int do_list(int argc, char **argv)
{
    static const char *const kinds[] = {"", "volume", "snapshot", "blob"};
    enum store_object_kind kind;
    struct store_file file;
    struct store_usage usage;

    (void)argc;
    if (!mount(&file, argv[0], true))
        return 1;
    for (u32 n = 0; (n = store_next(file.store, n, &kind)) < STORE_OBJECTS_MAX; n++) {
        struct store_info info;
        int status = store_file_run(
            &file, &(struct store_op){.kind = STORE_STAT, .number = n, .info = &info});

        if (status)
            return finish(&file, argv[0], status);
        printf("%s\t%llu\t%llu\t%s\n", kinds[info.kind], (unsigned long long)info.bytes,
               (unsigned long long)info.mapped_bytes, info.name);
    }
    store_usage(file.store, &usage);
    printf("%llu bytes: %llu free, %llu of data, %llu of metadata\n",
           (unsigned long long)usage.total_bytes, (unsigned long long)usage.free_bytes,
           (unsigned long long)usage.data_bytes,
           (unsigned long long)(usage.node_bytes + usage.fixed_bytes));
    return finish(&file, argv[0], 0);
}

static void report(void *arg, const char *line)
{
    (void)arg;
    printf("%s\n", line);
}

/* check FILE: recovers in memory, and counts everything. */
static int do_check(int argc, char **argv)
{
    struct store_file file;
    struct store_check check = {.read = store_file_read, .report = report, .arg = &file};
    int status;

    (void)argc;
    if (!mount(&file, argv[0], true))
        return 1;
    /* What was being deleted is deleted before. */
    status = store_file_run(&file, &(struct store_op){.kind = STORE_FLUSH});
    if (status)
        return finish(&file, argv[0], status);
    check.blocks = file.disk.bytes / STORE_BLOCK;
    printf("%llu objects, %llu faults\n", (unsigned long long)(store_check(&check), check.objects),
           (unsigned long long)check.faults);
    store_file_close(&file);
    return check.faults ? 2 : 0;
}

/* recover FILE: what mounting does, and nothing else. */
static int do_recover(int argc, char **argv)
{
    struct store_file file;

    (void)argc;
    if (!mount(&file, argv[0], false))
        return 1;
    return finish(&file, argv[0], store_file_run(&file, &(struct store_op){.kind = STORE_FLUSH}));
}

/* Mounts anew what was repaired, and counts. Return: its faults. */
static u64 faults_after_repair(struct store_file *file)
{
    struct store_check check = {.read = store_file_read, .report = report, .arg = file};
    int status;

    store_file_restart(file);
    status = store_file_run(file, &(struct store_op){.kind = STORE_MOUNT});
    if (!status)
        status = store_file_run(file, &(struct store_op){.kind = STORE_FLUSH});
    if (status) {
        report(NULL, "it still does not mount");
        return 1;
    }
    check.blocks = file->disk.bytes / STORE_BLOCK;
    return store_check(&check);
}

/* repair FILE [--write]: tells what would be lost; does it. */
static int do_repair(int argc, char **argv)
{
    bool is_real = argc > 1 && strcmp(argv[1], "--write") == 0;
    struct store_file file;
    struct store_repair repair = {
        .read = store_file_read, .write = store_file_write, .report = report, .arg = &file};
    const char *why;
    u64 faults;
    int status;

    if (argc > 1 && !is_real)
        return fail(argv[1], "only --write can stand here");
    why = store_file_open(&file, argv[0], !is_real);
    if (why)
        return fail(argv[0], why);
    /* What is whole in the journal goes to its place, though the mount may fail after that. */
    (void)store_file_run(&file, &(struct store_op){.kind = STORE_MOUNT});
    repair.blocks = file.disk.bytes / STORE_BLOCK;
    status = store_repair(&repair);
    if (status) {
        store_file_close(&file);
        return fail(argv[0], status == -ENOENT ? "neither superblock of a datastore can be read"
                                               : "it cannot be written");
    }
    faults = faults_after_repair(&file);
    printf("%llu objects, %llu losses%s\n", (unsigned long long)repair.objects,
           (unsigned long long)repair.losses,
           is_real ? "" : "; nothing was changed: --write does it");
    store_file_close(&file);
    return faults ? 2 : 0;
}

/* One change by name: create NAME SIZE, grow NAME SIZE, delete NAME, snapshot NAME FROM, clone NAME
 * FROM. */
static int change(const char *path, struct store_op op)
{
    struct store_file file;

    if (!mount(&file, path, false))
        return 1;
    op.created_s = (u64)time(NULL);
    return finish(&file, op.name, store_file_run(&file, &op));
}

static int do_create(int argc, char **argv)
{
    (void)argc;
    return change(
        argv[0],
        (struct store_op){.kind = STORE_CREATE, .name = argv[1], .bytes = parse_size(argv[2])});
}

static int do_grow(int argc, char **argv)
{
    (void)argc;
    return change(argv[0], (struct store_op){
                               .kind = STORE_GROW, .name = argv[1], .bytes = parse_size(argv[2])});
}

static int do_delete(int argc, char **argv)
{
    (void)argc;
    return change(argv[0], (struct store_op){.kind = STORE_DELETE, .name = argv[1]});
}

static int do_snapshot(int argc, char **argv)
{
    (void)argc;
    return change(argv[0],
                  (struct store_op){.kind = STORE_SNAPSHOT, .name = argv[1], .from = argv[2]});
}

static int do_clone(int argc, char **argv)
{
    (void)argc;
    return change(argv[0],
                  (struct store_op){.kind = STORE_CLONE, .name = argv[1], .from = argv[2]});
}

static bool is_zero(const u8 *at, u64 bytes)
{
    return !bytes || (!at[0] && !memcmp(at, at + 1, bytes - 1));
}

/* Copies extents that are not zero, so that the volume stays thin. */
static int import_data(struct store_file *file, struct store_volume *volume, int fd, u8 *chunk)
{
    for (u64 at = 0; at < volume->bytes; at += STORE_EXTENT) {
        u64 bytes = MIN(volume->bytes - at, (u64)STORE_EXTENT);
        ssize_t got = pread(fd, chunk, bytes, (off_t)at);
        int status = got < 0 ? -errno : 0;

        if (!status && got < (ssize_t)bytes)
            memset(chunk + got, 0, bytes - (u64)got);
        if (!status && !is_zero(chunk, bytes))
            status = store_file_run(file, &(struct store_op){.kind = STORE_WRITE,
                                                             .volume = volume,
                                                             .offset = at,
                                                             .bytes = bytes,
                                                             .mem = chunk});
        if (status)
            return status;
    }
    return store_file_run(file, &(struct store_op){.kind = STORE_FLUSH});
}

static int export_data(struct store_file *file, struct store_volume *volume, int fd, u8 *chunk)
{
    for (u64 at = 0; at < volume->bytes; at += CHUNK) {
        u64 bytes = MIN(volume->bytes - at, CHUNK);
        int status = store_file_run(
            file,
            &(struct store_op){
                .kind = STORE_READ, .volume = volume, .offset = at, .bytes = bytes, .mem = chunk});

        if (status)
            return status;
        if (!is_zero(chunk, bytes) && pwrite(fd, chunk, bytes, (off_t)at) != (ssize_t)bytes)
            return -errno;
    }
    return ftruncate(fd, (off_t)volume->bytes) ? -errno : 0;
}

/* import FILE NAME SOURCE, export FILE NAME TARGET */
static int transfer(char **argv, bool is_import)
{
    struct store_volume volume;
    struct store_file file;
    struct stat stat;
    u8 *chunk = malloc(CHUNK);
    int status = 0;
    int fd = open(argv[2], is_import ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || fstat(fd, &stat) || !chunk)
        return fail(argv[2], strerror(errno));
    if (!mount(&file, argv[0], !is_import))
        return 1;
    if (is_import)
        status = store_file_run(&file, &(struct store_op){.kind = STORE_CREATE,
                                                          .name = argv[1],
                                                          .bytes = ALIGN_UP((u64)stat.st_size, 512),
                                                          .created_s = (u64)time(NULL)});
    if (!status)
        status = store_file_run(
            &file, &(struct store_op){.kind = STORE_OPEN, .name = argv[1], .volume = &volume});
    if (!status)
        status = (is_import ? import_data : export_data)(&file, &volume, fd, chunk);
    close(fd);
    free(chunk);
    return finish(&file, argv[1], status);
}

static int do_import(int argc, char **argv)
{
    (void)argc;
    return transfer(argv, true);
}

static int do_export(int argc, char **argv)
{
    (void)argc;
    return transfer(argv, false);
}

static const struct command {
    const char *name;
    int least, most; /* arguments */
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"format", 1, 2, do_format,
     "FILE [SIZE]          make an empty datastore; what FILE held is gone"},
    {"list", 1, 1, do_list,
     "FILE                 objects (kind, bytes, bytes mapped, name) and space"},
    {"check", 1, 1, do_check,
     "FILE                 count everything; changes nothing; 2: there are faults"},
    {"recover", 1, 1, do_recover,
     "FILE                 finish what a crash left, as mounting does"},
    {"repair", 1, 2, do_repair,
     "FILE [--write]       make a damaged one consistent; without --write, tell what would be "
     "lost"},
    {"create", 3, 3, do_create,
     "FILE NAME SIZE       make a thin volume; SIZE: bytes, or with K, M, G, T"},
    {"grow", 3, 3, do_grow, "FILE NAME SIZE       make a volume larger"},
    {"snapshot", 3, 3, do_snapshot, "FILE NAME FROM       keep what FROM holds now"},
    {"clone", 3, 3, do_clone, "FILE NAME FROM       the same, to be written"},
    {"delete", 2, 2, do_delete, "FILE NAME            delete a volume or snapshot"},
    {"import", 3, 3, do_import, "FILE NAME SOURCE     make a volume of a raw image"},
    {"export", 3, 3, do_export, "FILE NAME TARGET     write a volume into a raw image"},
};

int main(int argc, char **argv)
{
    for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
        if (argc > 2 && !strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].least &&
            argc - 2 <= commands[i].most)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "FILE is a datastore, or the image of a disk with a partition for one.\n");
    for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(stderr, "socle-store %-9s%s\n", commands[i].name, commands[i].help);
    return 1;
}
