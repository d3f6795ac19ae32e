/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: boot/boot_files.c core/lib/dtb.c core/lib/hex.c tests/fakes/libfdt.c */
/* The loader lists what /images names, in order, and no path that leaves the folder. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "boot/boot_files.h"
#include "boot/boot_info.h"

static char blob[8192];
static struct boot_file files[BOOT_MODULES_MAX];
static u32 left_out;

static void begin(const char *compatible)
{
    CHECK_EQ(fdt_create(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_finish_reservemap(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, ""), 0);
    CHECK_EQ(fdt_property_string(blob, "compatible", compatible), 0);
    CHECK_EQ(fdt_begin_node(blob, "images"), 0);
}

static void image(const char *name, const char *file)
{
    CHECK_EQ(fdt_begin_node(blob, name), 0);
    if (file)
        CHECK_EQ(fdt_property_string(blob, "file", file), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
}

static u32 list(u32 max)
{
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_finish(blob), 0);
    return boot_files_list(blob, fdt_totalsize(blob), files, max, &left_out);
}

TEST(files_come_in_their_order)
{
    begin("socle,host");
    image("debian-kernel", "vmlinuz");
    image("broken", NULL);
    image("outside", "../secret");
    image("debian-initrd", "debian/initrd.img");
    CHECK_EQ(list(BOOT_MODULES_MAX), 4);
    CHECK_EQ(left_out, 0);
    CHECK_STR(files[0].name, "debian-kernel");
    CHECK_STR(files[0].path, "vmlinuz");
    CHECK(files[1].path == NULL);
    CHECK(files[2].path == NULL);
    CHECK_STR(files[3].name, "debian-initrd");
    CHECK_STR(files[3].path, "debian/initrd.img");
}

TEST(bounds)
{
    char name[BOOT_MODULE_NAME_MAX + 2];

    begin("socle,host");
    memset(name, 'n', sizeof(name));
    name[BOOT_MODULE_NAME_MAX + 1] = '\0';
    image(name, "f");
    name[BOOT_MODULE_NAME_MAX] = '\0';
    image(name, "f");
    for (u32 i = 0; i < BOOT_MODULES_MAX; i++) {
        snprintf(name, sizeof(name), "image-%u", i);
        image(name, "f");
    }
    CHECK_EQ(list(BOOT_MODULES_MAX), BOOT_MODULES_MAX);
    CHECK_EQ(left_out, 2); /* the long name and the last one */
    CHECK_EQ(strlen(files[0].name), BOOT_MODULE_NAME_MAX);
    CHECK_EQ(boot_files_list(blob, fdt_totalsize(blob), files, 0, &left_out), 0);
}

TEST(nothing_to_list)
{
    begin("somebody,else");
    image("k", "vmlinuz");
    CHECK_EQ(list(BOOT_MODULES_MAX), 0);
    begin("socle,host");
    CHECK_EQ(list(BOOT_MODULES_MAX), 0);
    CHECK_EQ(boot_files_list("", 0, files, 1, &left_out), 0);
}

TEST(paths)
{
    static const char *const good[] = {"a", "a/b", "vmlinuz-6.1.0", "a..b", ".hidden", "a/..b/c~"};
    static const char *const bad[] = {"",    "/a",         "a/",  "a//b",    ".",
                                      "..",  "../a",       "a/.", "a/..",    "a\\b",
                                      "c:a", "with space", "a\n", "\xc3\xa4"};
    char longest[BOOT_FILE_PATH_MAX + 2];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(boot_file_path_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!boot_file_path_is_valid(bad[i]));
    memset(longest, 'a', sizeof(longest));
    longest[BOOT_FILE_PATH_MAX + 1] = '\0';
    CHECK(!boot_file_path_is_valid(longest));
    longest[BOOT_FILE_PATH_MAX] = '\0';
    CHECK(boot_file_path_is_valid(longest));
}

/* Every cut and every flipped bit: nothing is read outside, whatever is listed is terminated. */
TEST(damage)
{
    size_t size;
    char *copy;

    begin("socle,host");
    image("k", "vmlinuz");
    image("i", "initrd.img");
    CHECK_EQ(list(BOOT_MODULES_MAX), 2);
    size = fdt_totalsize(blob);
    for (size_t len = 0; len < size; len++) {
        copy = malloc(len ? len : 1);
        memcpy(copy, blob, len);
        CHECK_EQ(boot_files_list(copy, len, files, BOOT_MODULES_MAX, &left_out), 0);
        free(copy);
    }
    copy = malloc(size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        u32 count;

        memcpy(copy, blob, size);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        count = boot_files_list(copy, size, files, BOOT_MODULES_MAX, &left_out);
        for (u32 i = 0; i < count; i++)
            CHECK(strlen(files[i].name) <= BOOT_MODULE_NAME_MAX);
    }
    free(copy);
}
