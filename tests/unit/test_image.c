/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/image.c core/vmm/image_chunks.c core/vmm/image_convert.c core/vmm/qcow2.c
 * core/vmm/qcow2_file.c core/vmm/qcow2_format.c core/vmm/inflate.c core/lib/sha256.c core/lib/str.c
 * drivers/block/volume_ram.c mm/kheap.c mm/memmap.c mm/pmm.c mm/pmm_init.c mm/pmm_scrub.c
 * build/deps/zlib/adler32.c build/deps/zlib/inffast.c build/deps/zlib/inflate.c
 * build/deps/zlib/inftrees.c build/deps/zlib/zutil.c
 * tests/fakes/arena.c tests/fakes/assert.c tests/fakes/log.c
 */
/* Images come back byte by byte, live while held, and give every page back. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "core/lib/sha256.h"
#include "core/vmm/image.h"
#include "drivers/block/volume_pool.h"
#include "drivers/block/volume_ram.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define RAM (64 * MiB)

u64 time_ns(void);

u64 time_ns(void)
{
    return 42;
}

/* Of volumes in RAM, which need no waiting. */
int volume_read(struct volume *volume, u64 offset, void *dst, size_t bytes)
{
    return volume_ram_read(volume, offset, dst, bytes);
}

int volume_write(struct volume *volume, u64 offset, const void *src, size_t bytes)
{
    return volume_ram_write(volume, offset, src, bytes);
}

int volume_wait(struct volume *volume, struct volume_req *req)
{
    CHECK(volume->ops->submit(volume, req));
    return req->status;
}

static struct pmm_stats before;

static void setup(void)
{
    static bool is_done;
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};

    if (!is_done) {
        arena_init(RAM);
        CHECK_EQ(pmm_init(&map), 0);
        is_done = true;
    }
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&before);
}

static void check_nothing_left(void)
{
    struct pmm_stats after;

    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    CHECK(image_next(NULL) == NULL);
}

static u8 byte_at(u64 i)
{
    return (u8)(i * 13 + (i >> 9));
}

static struct image *upload(const char *name, u64 bytes)
{
    static u8 piece[7777];
    struct image *img = NULL;
    u8 digest[32];

    CHECK_EQ(image_begin(name, IMAGE_RAW, bytes, NULL, &img), 0);
    for (u64 at = 0; at < bytes; at += sizeof(piece)) {
        size_t n = bytes - at < sizeof(piece) ? (size_t)(bytes - at) : sizeof(piece);

        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(at + i);
        CHECK_EQ(image_append(img, piece, n), 0);
    }
    image_digest(img, digest);
    CHECK_EQ(image_commit(img), 0);
    return img;
}

TEST(bytes_come_back)
{
    static const u64 sizes[] = {0, 1, 65535, 65536, 65537, 9 * MiB + 17};
    static u8 buf[9 * MiB + 100];

    setup();
    for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        struct image *img = upload("a", sizes[n]);
        size_t span = 0;

        CHECK_EQ(image_read(img, 0, buf, sizeof(buf)), sizes[n]);
        for (u64 i = 0; i < sizes[n]; i++)
            if (buf[i] != byte_at(i))
                CHECK(!"a byte differs");
        CHECK_EQ(image_read(img, sizes[n], buf, 10), 0);
        CHECK_EQ(image_read(img, ~0ull, buf, 10), 0);
        for (u64 at = 0; at < sizes[n]; at += span) {
            const u8 *p = image_span(img, at, &span);

            CHECK(span > 0 && *p == byte_at(at));
        }
    }
    CHECK_EQ(image_delete("a"), 0);
    check_nothing_left();
}

TEST(digest_is_sha256)
{
    static const u8 abc[4] = {0xba, 0x78, 0x16, 0xbf};
    struct image *img;
    struct image_info info;
    u8 digest[32];

    setup();
    CHECK_EQ(image_begin("k", IMAGE_KERNEL, 3, NULL, &img), 0);
    CHECK_EQ(image_append(img, "ab", 2), 0);
    CHECK_EQ(image_append(img, "c", 1), 0);
    image_digest(img, digest);
    CHECK(memcmp(digest, abc, 4) == 0);
    CHECK_EQ(image_commit(img), 0);
    image_get_info(img, &info);
    CHECK(memcmp(info.sha256, digest, 32) == 0);
    CHECK(info.is_ready);
    CHECK_EQ(info.size_bytes, 3);
    CHECK_EQ(info.kind, IMAGE_KERNEL);
    CHECK_STR(info.name, "k");
    CHECK_EQ(image_delete("k"), 0);
    check_nothing_left();
}

TEST(held_images_live_on)
{
    struct image *old;
    struct image *new;
    u8 b;

    setup();
    old = upload("x", 100000);
    image_hold(old);
    CHECK_EQ(image_delete("x"), -EBUSY);
    new = upload("x", 5);
    CHECK(image_find("x") == new &&old != new);
    CHECK_EQ(image_read(old, 99999, &b, 1), 1);
    CHECK_EQ(b, byte_at(99999));
    image_release(old);
    CHECK(image_find("x") == new);
    CHECK_EQ(image_delete("x"), 0);
    CHECK_EQ(image_delete("x"), -ENOENT);
    check_nothing_left();
}

TEST(uploads_are_apart)
{
    struct image *a;
    struct image *b;

    setup();
    CHECK_EQ(image_begin("u", IMAGE_RAW, 0, NULL, &a), 0);
    CHECK_EQ(image_append(a, "1", 1), 0);
    CHECK(image_find("u") == NULL);
    CHECK_EQ(image_begin("u", IMAGE_RAW, 0, NULL, &b), -EBUSY);
    image_abort(a);
    CHECK_EQ(image_begin("../x", IMAGE_RAW, 0, NULL, &b), -EINVAL);
    CHECK_EQ(image_begin("", IMAGE_RAW, 0, NULL, &b), -EINVAL);
    CHECK_EQ(image_begin(".x", IMAGE_RAW, 0, NULL, &b), -EINVAL);
    CHECK_EQ(image_begin("u", IMAGE_RAW, RAM, NULL, &b), -ENOMEM);
    check_nothing_left();
}

TEST(name_order_and_limit)
{
    struct image *img;
    char name[8] = "i00";
    u32 seen = 0;
    struct image *over;

    setup();
    for (u32 i = 0; i < IMAGES_MAX; i++) {
        u32 n = (i * 37) % IMAGES_MAX;

        name[1] = (char)('A' + n / 16);
        name[2] = (char)('A' + n % 16);
        (void)upload(name, 10);
    }
    CHECK_EQ(image_begin("more", IMAGE_RAW, 0, NULL, &over), -ENOSPC);
    for (img = image_next(NULL); img; img = image_next(img)) {
        struct image_info info;

        image_get_info(img, &info);
        CHECK_EQ((u32)(info.name[1] - 'A') * 16 + (u32)(info.name[2] - 'A'), seen);
        seen++;
    }
    CHECK_EQ(seen, IMAGES_MAX);
    while ((img = image_next(NULL)) != NULL) {
        struct image_info info;

        image_get_info(img, &info);
        CHECK_EQ(image_delete(info.name), 0);
    }
    check_nothing_left();
}

TEST(memory_runs_out)
{
    static u8 piece[MiB];
    struct image *img;
    int rc = 0;

    setup();
    CHECK_EQ(image_begin("big", IMAGE_RAW, 0, NULL, &img), 0);
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = image_append(img, piece, sizeof(piece));
    CHECK_EQ(rc, -ENOMEM);
    image_abort(img);
    check_nothing_left();
}

/* Three modules of the loader, the second with a digest wrong, the third with a bad name. */
TEST(pages_of_modules_become_images)
{
    static const u64 sizes[] = {5 * PAGE_SIZE + 1, 3 * MiB, 1};
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}, .lent_count = 3};
    u64 base = RAM / 2 + 3 * PAGE_SIZE; /* on no large boundary */
    struct pmm_stats all;
    struct image *img;
    struct image *other;
    u8 digest[32];
    u8 expected[32];
    struct sha256 hash;

    setup();
    map.ranges[0].end = base;
    for (u32 i = 0; i < 3; i++) {
        map.lent[i] = (struct memmap_range){base, base + ALIGN_UP(sizes[i], PAGE_SIZE)};
        base = map.lent[i].end;
    }
    for (u64 i = 0; i < sizes[0]; i++)
        ((u8 *)hpa_to_ptr(hpa(map.lent[0].base)))[i] = byte_at(i);
    CHECK_EQ(pmm_init(&map), 0);
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&before);
    CHECK_EQ(before.used_bytes[PMM_IMAGE], 6 * PAGE_SIZE + 3 * MiB + PAGE_SIZE);
    CHECK_EQ(before.total_bytes - before.free_bytes, before.used_bytes[PMM_IMAGE]);

    CHECK_EQ(image_consume("k", IMAGE_KERNEL, hpa(map.lent[0].base), sizes[0], &img), 0);
    CHECK_EQ(image_bytes(img), sizes[0]);
    CHECK(image_find("k") == NULL);
    CHECK_EQ(image_begin("k", IMAGE_KERNEL, 0, NULL, &other), -EBUSY);
    CHECK(image_hash(img, 100));
    while (image_hash(img, 1000))
        ;
    image_digest(img, digest);
    sha256_init(&hash);
    sha256_update(&hash, hpa_to_ptr(hpa(map.lent[0].base)), sizes[0]);
    sha256_final(&hash, expected);
    CHECK(memcmp(digest, expected, 32) == 0);
    CHECK_EQ(image_commit(img), 0);
    CHECK(image_find("k") == img);
    for (u64 i = 0; i < sizes[0]; i += 777) {
        u8 b;

        CHECK_EQ(image_read(img, i, &b, 1), 1);
        CHECK_EQ(b, byte_at(i));
    }
    CHECK_EQ(image_consume("i", IMAGE_INITRD, hpa(map.lent[1].base), sizes[1], &img), 0);
    image_abort(img);
    CHECK_EQ(image_consume("../x", IMAGE_RAW, hpa(map.lent[2].base), sizes[2], &img), -EINVAL);
    CHECK_EQ(image_delete("k"), 0);
    pmm_get_stats(&all);
    CHECK_EQ(all.free_bytes, all.total_bytes);
    CHECK_EQ(all.used_bytes[PMM_IMAGE], 0);
}

/* What is at rest, in memory that outlives the image. */
struct shelf {
    struct image_rest rest;
    u8 bytes[300 * KiB];
    u64 disk_bytes, last;
    struct volume *spool;
    u64 count;
    int error;
    u32 ended, kept;
    struct image_info info;
};

static int shelf_append(struct image_rest *rest, const void *data, size_t bytes)
{
    struct shelf *shelf = (struct shelf *)rest;

    memcpy(shelf->bytes + shelf->count, data, bytes);
    shelf->count += bytes;
    return shelf->error;
}

static int shelf_begin_disk(struct image_rest *rest, u64 bytes, struct volume **spool)
{
    struct shelf *shelf = (struct shelf *)rest;

    shelf->disk_bytes = bytes;
    CHECK_EQ(volume_ram_create("spool", 64 * KiB, NULL, false, &shelf->spool), 0);
    *spool = shelf->spool;
    return shelf->error;
}

static int shelf_write_disk(struct image_rest *rest, u64 offset, const void *data, size_t bytes)
{
    struct shelf *shelf = (struct shelf *)rest;

    CHECK(offset >= shelf->last && offset + bytes <= shelf->disk_bytes);
    memcpy(shelf->bytes + offset, data, bytes);
    shelf->last = offset + bytes;
    return shelf->error;
}

static int shelf_finish(struct image_rest *rest, const struct image_info *info)
{
    ((struct shelf *)rest)->info = *info;
    return ((struct shelf *)rest)->error;
}

static int shelf_read(struct image_rest *rest, u64 offset, void *dst, size_t bytes)
{
    memcpy(dst, ((struct shelf *)rest)->bytes + offset, bytes);
    return ((struct shelf *)rest)->error;
}

static void shelf_end(struct image_rest *rest, bool is_kept)
{
    struct shelf *ended = (struct shelf *)rest;

    if (ended->spool)
        ended->spool->ops->destroy(ended->spool);
    ended->spool = NULL;
    ((struct shelf *)rest)->ended++;
    ((struct shelf *)rest)->kept += is_kept;
}

static const struct image_rest_ops shelf_ops = {
    .append = shelf_append,
    .begin_disk = shelf_begin_disk,
    .write_disk = shelf_write_disk,
    .finish = shelf_finish,
    .read = shelf_read,
    .end = shelf_end,
};
static struct shelf shelf;

static void fill_shelf(struct image **img)
{
    u8 piece[1000], digest[32];

    memset(&shelf, 0, sizeof(shelf));
    shelf.rest = (struct image_rest){&shelf_ops, "tank"};
    CHECK_EQ(image_begin("r", IMAGE_KERNEL, 10 * RAM, &shelf.rest, img), 0);
    for (u64 at = 0; at < 250000; at += sizeof(piece)) {
        for (u32 i = 0; i < sizeof(piece); i++)
            piece[i] = byte_at(at + i);
        CHECK_EQ(image_append(*img, piece, sizeof(piece)), 0);
    }
    image_digest(*img, digest);
}

TEST(at_rest)
{
    struct image_info info;
    struct image *img;
    u8 piece[100];
    size_t bytes;

    setup();
    fill_shelf(&img);
    CHECK_EQ(image_commit(img), 0);
    CHECK_STR(shelf.info.name, "r");
    CHECK_EQ(shelf.info.size_bytes, 250000);
    image_get_info(img, &info);
    CHECK_STR(info.pool, "tank");
    CHECK_EQ(image_read(img, 249990, piece, 100), 10);
    CHECK_EQ(piece[9], byte_at(249999));
    image_hold(img);
    CHECK_EQ(image_load(img), 0);
    CHECK_EQ(image_load(img), 0);
    CHECK_EQ(*(const u8 *)image_span(img, 123456, &bytes), byte_at(123456));
    image_unload(img);
    CHECK_EQ(*(const u8 *)image_span(img, 249999, &bytes), byte_at(249999));
    CHECK_EQ(bytes, 1);
    image_unload(img);
    shelf.error = -EIO;
    CHECK_EQ(image_load(img), -EIO);
    CHECK_EQ(image_read(img, 0, piece, 100), 0);
    CHECK_EQ(image_delete("r"), -EBUSY);
    image_release(img);
    CHECK_EQ(image_delete("r"), 0);
    CHECK_EQ(shelf.ended, 1);
    CHECK_EQ(shelf.kept, 0);
    check_nothing_left();
}

TEST(at_rest_found_again)
{
    struct image *img;

    setup();
    fill_shelf(&img);
    shelf.error = -ENOSPC;
    CHECK_EQ(image_append(img, "x", 1), -ENOSPC);
    CHECK_EQ(image_commit(img), -ENOSPC);
    image_abort(img);
    CHECK_EQ(shelf.ended, 1);
    shelf.error = 0;
    CHECK_EQ(image_adopt(&shelf.info, &shelf.rest), 0);
    CHECK_EQ(image_adopt(&shelf.info, &shelf.rest), -EEXIST);
    img = image_find("r");
    CHECK(image_rest_of(img) == &shelf.rest);
    CHECK_EQ(image_bytes(img), 250001);
    image_let_go(img);
    CHECK(image_find("r") == NULL);
    CHECK_EQ(shelf.kept, 1);
    CHECK_EQ(shelf.ended, 2);
    check_nothing_left();
}

/* -- qcow2
 * ----------------------------------------------------------------------------------------------
 */

#define QCOW2_CLUSTER    (64 * KiB)
#define QCOW2_DATA       3u /* clusters */
#define QCOW2_FILE       ((2 + 1 + QCOW2_DATA) * QCOW2_CLUSTER)
#define QCOW2_SEED(i)    ((i)*7 + 1)
#define QCOW2_DISK_AT(i) ((i)*2 * QCOW2_CLUSTER) /* a hole behind each */

static void put_big(u8 *at, u64 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * (bytes - 1 - i));
}

/* A file of three clusters of data, the L1 table in its last one if they are to wait. */
static u8 *make_qcow2(u64 disk_bytes, bool is_last)
{
    u64 l1 = is_last ? QCOW2_FILE - QCOW2_CLUSTER : QCOW2_CLUSTER;
    u64 l2 = is_last ? QCOW2_CLUSTER : 2 * QCOW2_CLUSTER;
    u8 *file = calloc(1, QCOW2_FILE);

    put_big(file, 0x514649fb, 4);
    put_big(file + 4, 2, 4);
    put_big(file + 20, 16, 4);
    put_big(file + 24, disk_bytes, 8);
    put_big(file + 36, 1, 4);
    put_big(file + 40, l1, 8);
    put_big(file + l1, l2, 8);
    for (u32 i = 0; i < QCOW2_DATA; i++) {
        put_big(file + l2 + 2 * i * 8, l2 + (1 + i) * QCOW2_CLUSTER, 8);
        memset(file + l2 + (1 + i) * QCOW2_CLUSTER, QCOW2_SEED((int)i), QCOW2_CLUSTER);
    }
    return file;
}

static struct image *upload_qcow2(const u8 *file, enum image_kind kind, struct image_rest *rest,
                                  size_t piece)
{
    struct image *img = NULL;
    u8 digest[32], expected[32];
    struct sha256 hash;

    CHECK_EQ(image_begin("q", kind, 0, rest, &img), 0);
    for (u64 at = 0; at < QCOW2_FILE; at += piece)
        CHECK_EQ(image_append(img, file + at, MIN(piece, QCOW2_FILE - at)), 0);
    image_digest(img, digest);
    sha256_init(&hash);
    sha256_update(&hash, file, QCOW2_FILE);
    sha256_final(&hash, expected);
    CHECK(memcmp(digest, expected, 32) == 0);
    return img;
}

static void check_disk(struct image *img, u64 disk_bytes)
{
    struct image_info info;
    u8 piece[512];

    image_get_info(img, &info);
    CHECK_EQ(info.kind, IMAGE_QCOW2);
    CHECK_EQ(info.size_bytes, QCOW2_FILE);
    CHECK_EQ(info.virtual_size_bytes, disk_bytes);
    CHECK_EQ(image_bytes(img), disk_bytes);
    for (u64 at = 0; at < disk_bytes; at += 3 * sizeof(piece)) {
        u64 cluster = at / QCOW2_CLUSTER, in = at % QCOW2_CLUSTER;
        u64 bytes = MIN(sizeof(piece), disk_bytes - at);
        bool is_data = cluster % 2 == 0 && cluster < 2 * QCOW2_DATA && in + bytes <= QCOW2_CLUSTER;

        CHECK_EQ(image_read(img, at, piece, bytes), bytes);
        if (piece[0] != (is_data ? QCOW2_SEED((int)cluster / 2) : 0) && in + bytes <= QCOW2_CLUSTER)
            CHECK(!"a byte differs");
    }
}

TEST(qcow2_in_ram)
{
    static const size_t pieces[] = {1, 1460, QCOW2_FILE};
    struct pmm_stats full;

    for (u32 i = 0; i < 6; i++) {
        u64 disk = 40 * MiB + 512;
        u8 *file = make_qcow2(disk, i % 2);
        struct image *img;

        setup();
        img = upload_qcow2(file, i < 3 ? IMAGE_QCOW2 : IMAGE_GUESSED, NULL, pieces[i % 3]);
        CHECK_EQ(image_commit(img), 0);
        check_disk(img, disk);
        pmm_get_stats(&full);
        CHECK(full.used_bytes[PMM_IMAGE] <= QCOW2_DATA * QCOW2_CLUSTER);
        CHECK_EQ(image_delete("q"), 0);
        free(file);
        check_nothing_left();
    }
}

TEST(qcow2_at_rest)
{
    for (u32 i = 0; i < 2; i++) {
        u64 disk = 300 * KiB;
        u8 *file = make_qcow2(disk, i);
        struct image *img;

        setup();
        memset(&shelf, 0, sizeof(shelf));
        shelf.rest = (struct image_rest){&shelf_ops, "tank"};
        img = upload_qcow2(file, IMAGE_GUESSED, &shelf.rest, 1460);
        CHECK_EQ(image_commit(img), 0);
        CHECK_EQ(shelf.info.virtual_size_bytes, disk);
        CHECK_EQ(shelf.info.size_bytes, QCOW2_FILE);
        CHECK_EQ(shelf.count, 0);
        check_disk(img, disk);
        CHECK_EQ(image_delete("q"), 0);
        free(file);
        check_nothing_left();
    }
}

TEST(qcow2_refused)
{
    u8 *file = make_qcow2(40 * MiB, true);
    struct image *img;

    setup();
    CHECK_EQ(image_begin("q", IMAGE_GUESSED, 0, NULL, &img), 0);
    CHECK_EQ(image_append(img, file, QCOW2_FILE - QCOW2_CLUSTER), 0);
    CHECK_EQ(image_settle(img), -EINVAL);
    CHECK(strstr(image_refusal(img), "ends before") != NULL);
    image_abort(img);

    CHECK_EQ(image_begin("q", IMAGE_QCOW2, 0, NULL, &img), 0);
    CHECK_EQ(image_commit(img), -EINVAL);
    CHECK(strstr(image_refusal(img), "within its header") != NULL);
    image_abort(img);

    CHECK_EQ(image_begin("q", IMAGE_QCOW2, 0, NULL, &img), 0);
    CHECK_EQ(image_append(img, "plain", 5), 0);
    CHECK_EQ(image_append(img, file, 507), -EINVAL);
    CHECK(strstr(image_refusal(img), "not a qcow2 file") != NULL);
    image_abort(img);
    free(file);
    check_nothing_left();
}

/* Its first bytes are looked at only where nobody has said what it is. */
TEST(kinds_guessed)
{
    static const char *const texts[] = {"", "QFI", "QFIx", "plain"};
    struct image_info info;
    struct image *img;
    u8 digest[32];

    setup();
    for (u32 i = 0; i < ARRAY_SIZE(texts) + 1; i++) {
        const char *text = i < ARRAY_SIZE(texts) ? texts[i] : "QFI\xfb";

        CHECK_EQ(image_begin("g", i < ARRAY_SIZE(texts) ? IMAGE_GUESSED : IMAGE_RAW, 0, NULL, &img),
                 0);
        for (u32 j = 0; text[j]; j++)
            CHECK_EQ(image_append(img, text + j, 1), 0);
        image_digest(img, digest);
        CHECK_EQ(image_commit(img), 0);
        image_get_info(img, &info);
        CHECK_EQ(info.kind, IMAGE_RAW);
        CHECK_EQ(info.virtual_size_bytes, strlen(text));
        CHECK_EQ(info.size_bytes, strlen(text));
    }
    CHECK_EQ(image_delete("g"), 0);
    check_nothing_left();
}
