/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for kernels, copies one out. */
#include "tools/socle/disk_boot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/socle/disk_ext2.h"

#define NAME_LEN   255
#define COPY_BYTES (1u << 16)
#define FILE_MAX   (1ull << 30) /* of a kernel or initrd */

static const char prefix[] = "vmlinuz-";

/* The newest kernel of a folder: the rest of its name. */
struct newest {
    char version[NAME_LEN + 1];
};

static int look_at(struct ext2_dir_entry *entry, int offset, int blocksize, char *buf, void *arg)
{
    struct newest *newest = arg;
    size_t len = (size_t)ext2fs_dirent_name_len(entry), skip = sizeof(prefix) - 1;
    char version[NAME_LEN + 1];

    (void)offset, (void)blocksize, (void)buf;
    if (len <= skip || len > NAME_LEN || memcmp(entry->name, prefix, skip) != 0)
        return 0;
    memcpy(version, entry->name + skip, len - skip);
    version[len - skip] = '\0';
    if (!strstr(version, "rescue") && strverscmp(version, newest->version) > 0)
        strcpy(newest->version, version);
    return 0;
}

/* Return: 0 if it is not there. */
static ext2_ino_t look_up(ext2_filsys fs, const char *path)
{
    ext2_ino_t ino = 0;

    return ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &ino) == 0 ? ino : 0;
}

static ext2_ino_t look_up_file(ext2_filsys fs, const char *path)
{
    struct ext2_inode inode;
    ext2_ino_t ino = look_up(fs, path);

    return ino && ext2fs_read_inode(fs, ino, &inode) == 0 && LINUX_S_ISREG(inode.i_mode) ? ino : 0;
}

struct found {
    ext2_ino_t kernel, initrd;
};

/* By the names that are always those of the newest. */
static bool find_linked(ext2_filsys fs, const char *folder, struct found *found)
{
    char *kernel = mem_text("%s/vmlinuz", folder), *initrd = mem_text("%s/initrd.img", folder);

    *found = (struct found){look_up_file(fs, kernel), look_up_file(fs, initrd)};
    free(initrd);
    free(kernel);
    return found->kernel != 0;
}

static bool find_newest(ext2_filsys fs, const char *folder, struct found *found)
{
    static const char *const initrds[] = {"%s/initrd.img-%s", "%s/initramfs-%s.img",
                                          "%s/initramfs-%s", "%s/initrd-%s"};
    ext2_ino_t dir = look_up(fs, folder[0] ? folder : "/");
    struct newest newest = {""};
    char path[2 * NAME_LEN];

    if (!dir || ext2fs_dir_iterate(fs, dir, 0, NULL, look_at, &newest) != 0 || !newest.version[0])
        return false;
    snprintf(path, sizeof(path), "%s/%s%s", folder, prefix, newest.version);
    *found = (struct found){.kernel = look_up_file(fs, path)};
    for (size_t i = 0; !found->initrd && i < sizeof(initrds) / sizeof(initrds[0]); i++) {
        snprintf(path, sizeof(path), initrds[i], folder, newest.version);
        found->initrd = look_up_file(fs, path);
    }
    return found->kernel != 0;
}

static bool copy(ext2_file_t from, FILE *to)
{
    static char data[COPY_BYTES];
    unsigned got = 0;

    do {
        if (ext2fs_file_read(from, data, sizeof(data), &got) != 0 ||
            fwrite(data, 1, got, to) != got)
            return false;
    } while (got > 0);
    return fflush(to) == 0;
}

/* name: is made. */
static bool copy_out(ext2_filsys fs, ext2_ino_t ino, char name[32])
{
    int fd = mkstemp(strcpy(name, "/tmp/socle-XXXXXX"));
    FILE *to = fd < 0 ? NULL : fdopen(fd, "wb");
    ext2_file_t from = NULL;
    __u64 bytes = 0;
    bool is_done = to && ext2fs_file_open(fs, ino, 0, &from) == 0 &&
                   ext2fs_file_get_lsize(from, &bytes) == 0 && bytes <= FILE_MAX && copy(from, to);

    if (fd < 0)
        name[0] = '\0';
    if (from)
        (void)ext2fs_file_close(from);
    if (to)
        fclose(to);
    return is_done;
}

/* What the file system of a partition has of it. Return: false: it could not be copied. */
static bool look_into(ext2_filsys fs, const struct disk_part *part, struct disk_boot *out)
{
    struct found found;

    if (!out->root[0] && look_up(fs, "/etc/os-release"))
        memcpy(out->root, part->root, sizeof(out->root));
    if (out->kernel[0] || !(find_linked(fs, "", &found) || find_linked(fs, "/boot", &found) ||
                            find_newest(fs, "/boot", &found) || find_newest(fs, "", &found)))
        return true;
    return copy_out(fs, found.kernel, out->kernel) &&
           (!found.initrd || copy_out(fs, found.initrd, out->initrd));
}

enum outcome disk_boot_find(struct volume_reader *disk, struct disk_boot *out)
{
    static struct disk_part parts[DISK_PARTS_MAX];
    int count = disk_parts_read(disk, parts);

    *out = (struct disk_boot){0};
    if (count < 0)
        return REFUSED;
    for (int i = 0; i < count; i++) {
        ext2_filsys fs = disk_ext2_open(disk, &parts[i]);
        bool is_read = !fs || look_into(fs, &parts[i], out);

        if (fs)
            (void)ext2fs_close(fs);
        if (!is_read)
            return say(REFUSED, "the kernel on the disk cannot be copied to /tmp.");
    }
    if (out->kernel[0])
        return DONE;
    return say(REFUSED,
               "no Linux kernel was found on the disk, in an ext4 file system: name it with "
               "--kernel, --initrd and --cmdline.");
}

void disk_boot_end(struct disk_boot *boot)
{
    if (boot->kernel[0])
        unlink(boot->kernel);
    if (boot->initrd[0])
        unlink(boot->initrd);
}
