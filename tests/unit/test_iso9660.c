/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vmm/iso9660.c */
/* What is written is found again the way a system looks for it: descriptor, root, Rock Ridge. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/vmm/iso9660.h"

static u8 *image;
static u64 image_bytes;

static u32 le(const u8 *at, u32 bytes)
{
    u32 value = 0;

    for (u32 i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static u32 be(const u8 *at, u32 bytes)
{
    u32 value = 0;

    for (u32 i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* A number that is there in both byte orders. */
static u32 both(const u8 *at, u32 bytes)
{
    CHECK_EQ(le(at, bytes), be(at + bytes, bytes));
    return le(at, bytes);
}

static const u8 *sector(u32 number)
{
    CHECK((u64)(number + 1) * ISO9660_SECTOR <= image_bytes);
    return image + (u64)number * ISO9660_SECTOR;
}

static void write(const struct iso9660_file *files, u32 count)
{
    free(image);
    image_bytes = iso9660_bytes(files, count);
    image = malloc(image_bytes);
    memset(image, 0xa5, image_bytes);
    iso9660_write("cidata", files, count, image);
}

/* The system use field of that name in a record. */
static const u8 *field(const u8 *record, const char *name)
{
    u32 at = 33u + record[32];

    for (at += at & 1; at + 4 <= record[0]; at += record[at + 2]) {
        CHECK(record[at + 2] >= 4 && at + record[at + 2] <= record[0]);
        CHECK_EQ(record[at + 3], 1);
        if (memcmp(record + at, name, 2) == 0)
            return record + at;
    }
    return NULL;
}

static const u8 *root(void)
{
    const u8 *primary = sector(16);

    return sector(both(primary + 156 + 2, 4));
}

/* The record whose Rock Ridge name is that. */
static const u8 *find(const char *name)
{
    const u8 *begin = root();

    for (const u8 *at = begin; at < begin + ISO9660_SECTOR && at[0] > 0; at += at[0]) {
        const u8 *nm = field(at, "NM");

        CHECK(at[0] >= 34 && at[0] % 2 == 0);
        if (nm && nm[2] - 5u == strlen(name) && memcmp(nm + 5, name, strlen(name)) == 0)
            return at;
    }
    return NULL;
}

static void check_file(const struct iso9660_file *file)
{
    const u8 *record = find(file->name);

    CHECK(record != NULL);
    if (!record)
        return;
    CHECK_EQ(record[25], 0);
    CHECK_EQ(record[32], strlen(file->plain));
    CHECK(memcmp(record + 33, file->plain, record[32]) == 0);
    CHECK_EQ(both(record + 10, 4), file->bytes);
    CHECK_EQ(both(field(record, "PX") + 4, 4), 0100444);
    if (file->bytes > 0)
        CHECK(memcmp(sector(both(record + 2, 4)), file->data, file->bytes) == 0);
}

TEST(descriptors)
{
    write(NULL, 0);
    CHECK(memcmp(sector(16), "\1CD001\1", 7) == 0);
    CHECK(memcmp(sector(16) + 40, "cidata                          ", 32) == 0);
    CHECK_EQ((u64)both(sector(16) + 80, 4) * ISO9660_SECTOR, image_bytes);
    CHECK_EQ(both(sector(16) + 128, 2), ISO9660_SECTOR);
    CHECK(memcmp(sector(17), "\377CD001\1", 7) == 0);
    /* Both path tables have the root only. */
    CHECK_EQ(both(sector(16) + 132, 4), 10);
    CHECK_EQ(le(sector(le(sector(16) + 140, 4)) + 2, 4), both(sector(16) + 158, 4));
    CHECK_EQ(be(sector(be(sector(16) + 148, 4)) + 2, 4), both(sector(16) + 158, 4));
    for (u32 i = 0; i < 16 * ISO9660_SECTOR; i++)
        CHECK_EQ(image[i], 0);
}

TEST(the_root_says_that_it_has_rock_ridge)
{
    const u8 *self, *parent, *more;

    write(NULL, 0);
    self = root();
    parent = self + self[0];
    CHECK_EQ(self[25] & parent[25], 2);
    CHECK_EQ(self[33], 0);
    CHECK_EQ(parent[33], 1);
    CHECK_EQ(both(parent + 2, 4), both(self + 2, 4));
    CHECK(memcmp(field(self, "SP") + 4, "\xbe\xef\0", 3) == 0);
    CHECK_EQ(both(field(self, "PX") + 4, 4), 040555);
    more = sector(both(field(self, "CE") + 4, 4)) + both(field(self, "CE") + 12, 4);
    CHECK_EQ(both(field(self, "CE") + 20, 4), more[2]);
    CHECK(memcmp(more, "ER", 2) == 0 && memcmp(more + 8, "RRIP_1991A", more[4]) == 0);
    CHECK_EQ(8u + more[4] + more[5] + more[6], more[2]);
    CHECK_EQ((parent + parent[0])[0], 0);
}

TEST(files_of_all_sizes)
{
    static char text[3][65536];
    struct iso9660_file files[] = {{"meta-data", "META_DAT.;1", text[0], 2048},
                                   {"network-config", "NETWORK_.;1", text[1], 65536},
                                   {"user-data", "USER_DAT.;1", text[2], 65535}};
    static const u32 sizes[] = {0, 1, 2047, 2048, 2049, 65536};

    for (u32 i = 0; i < sizeof(text); i++)
        text[i / 65536][i % 65536] = (char)(i * 2654435761u >> 24);
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        files[0].bytes = sizes[i];
        write(files, 3);
        for (u32 f = 0; f < 3; f++)
            check_file(&files[f]);
        CHECK(find("other") == NULL);
        CHECK_EQ(image_bytes % ISO9660_SECTOR, 0);
    }
    CHECK_EQ(image_bytes, (22u + 3u * 32u) * ISO9660_SECTOR);
}

TEST(as_many_files_and_as_long_names_as_allowed)
{
    struct iso9660_file files[ISO9660_FILES_MAX];
    char names[ISO9660_FILES_MAX][ISO9660_NAME_MAX + 1];
    char plain[ISO9660_FILES_MAX][ISO9660_NAME_MAX + 1];

    for (u32 i = 0; i < ISO9660_FILES_MAX; i++) {
        memset(names[i], 'a', ISO9660_NAME_MAX);
        memset(plain[i], 'A', ISO9660_NAME_MAX);
        names[i][0] = (char)('a' + i);
        plain[i][0] = (char)('A' + i);
        names[i][ISO9660_NAME_MAX] = plain[i][ISO9660_NAME_MAX] = '\0';
        files[i] = (struct iso9660_file){names[i], plain[i], names[i], ISO9660_NAME_MAX};
    }
    write(files, ISO9660_FILES_MAX);
    for (u32 i = 0; i < ISO9660_FILES_MAX; i++)
        check_file(&files[i]);
    free(image);
    image = NULL;
}
