/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/vm_config.c core/vmm/vm_fdt.c core/vmm/vm_fdt_write.c core/vmm/vmm_error.c
 * core/vmm/cloud_init.c core/vmm/cloud_init_fdt.c core/vmm/vmm_uuid.c core/lib/dtb.c
 * core/lib/hex.c core/lib/printf.c core/lib/str.c tests/fakes/libfdt.c tests/fakes/heap.c
 */
/* Images and VMs in a device tree: every property arrives, every mistake is named, damage is
 * harmless. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/vm_fdt.h"

static char blob[16384];
static struct vm_config vm;
static struct image_fdt image;
static char told[512]; /* "node/name;" for each mistake */

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    size_t used = strlen(told);

    (void)cookie;
    CHECK(what[0] != '\0');
    snprintf(told + used, sizeof(told) - used, "%s/%s;", node, name ? name : "");
}

static const struct dtb_report report = {note, NULL};

static void begin(const char *name)
{
    CHECK_EQ(fdt_create(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_finish_reservemap(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, ""), 0);
    CHECK_EQ(fdt_begin_node(blob, name), 0);
}

static int finish(void)
{
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_finish(blob), 0);
    CHECK(dtb_is_sound(blob, fdt_totalsize(blob)));
    told[0] = '\0';
    return fdt_first_subnode(blob, 0);
}

static int read_vm(void)
{
    return vm_fdt_read(blob, finish(), "n", &vm, &report);
}

static int read_image(void)
{
    return image_fdt_read(blob, finish(), "n", &image, &report);
}

TEST(defaults)
{
    struct vm_config expected;

    begin("web1");
    CHECK_EQ(read_vm(), 0);
    CHECK_STR(told, "");
    vm_config_default(&expected);
    strcpy(expected.name, "web1");
    CHECK(memcmp(&vm, &expected, sizeof(expected)) == 0);
    CHECK(!vm.autostart);
    CHECK_EQ(vm.start_delay_ms, 0);
}

TEST(every_property_arrives)
{
    struct vmm_error err;

    begin("web1");
    CHECK_EQ(fdt_property_u64(blob, "memory", 0x120000000), 0);
    CHECK_EQ(fdt_property_u64(blob, "memory-balloon-target", 0x10000000), 0);
    CHECK_EQ(fdt_property_u32(blob, "vcpus", 1), 0);
    CHECK_EQ(fdt_property_u32(blob, "cpu-weight", 300), 0);
    CHECK_EQ(fdt_property_u32(blob, "cpu-limit-millicpu", 2500), 0);
    CHECK_EQ(fdt_property(blob, "cpu-pins", "\0\0\0\1\0\0\0\100", 8), 0);
    CHECK_EQ(fdt_property_string(blob, "firmware", "pvh"), 0);
    CHECK_EQ(fdt_property_string(blob, "kernel", "debian-kernel"), 0);
    CHECK_EQ(fdt_property_string(blob, "initrd", "debian-initrd"), 0);
    CHECK_EQ(fdt_property_string(blob, "cmdline", "console=ttyS0"), 0);
    CHECK_EQ(fdt_property_string(blob, "uuid", "01234567-89ab-cdef-0123-456789abcdef"), 0);
    CHECK_EQ(fdt_property_string(blob, "description", "front end"), 0);
    CHECK_EQ(fdt_property(blob, "tags", "red\0blue", 9), 0);
    CHECK_EQ(fdt_property_string(blob, "on-crash", "restart"), 0);
    CHECK_EQ(fdt_property(blob, "console-log", "", 0), 0);
    CHECK_EQ(fdt_property_u32(blob, "console-log-bytes", 8192), 0);
    CHECK_EQ(fdt_property(blob, "virtio-console", "", 0), 0);
    CHECK_EQ(fdt_property_u32(blob, "virtio-console-log-bytes", 4096), 0);
    CHECK_EQ(fdt_property(blob, "autostart", "", 0), 0);
    CHECK_EQ(fdt_property_u32(blob, "start-delay-ms", 500), 0);
    CHECK_EQ(fdt_property_u32(blob, "phandle", 1), 0);
    CHECK_EQ(read_vm(), 0);
    CHECK_STR(told, "");
    CHECK_EQ(vm_config_validate(&vm, &err), 0);
    CHECK_EQ(vm.memory_bytes, 0x120000000);
    CHECK_EQ(vm.balloon_target_bytes, 0x10000000);
    CHECK_EQ(vm.cpu_count, 1);
    CHECK_EQ(vm.cpu_weight, 300);
    CHECK_EQ(vm.cpu_limit_millicpu, 2500);
    CHECK_EQ(vm.pins.bits[0], BIT(1));
    CHECK_EQ(vm.pins.bits[1], BIT(0));
    CHECK_EQ(vm.firmware, VM_FIRMWARE_PVH);
    CHECK_STR(vm.kernel, "debian-kernel");
    CHECK_STR(vm.initrd, "debian-initrd");
    CHECK_STR(vm.cmdline, "console=ttyS0");
    CHECK_EQ(vm.uuid[15], 0xef);
    CHECK_STR(vm.description, "front end");
    CHECK_EQ(vm.tag_count, 2);
    CHECK_STR(vm.tags[1], "blue");
    CHECK_EQ(vm.on_crash, VM_ON_CRASH_RESTART);
    CHECK(vm.console_log);
    CHECK_EQ(vm.serial_log_bytes, 8192);
    CHECK(vm.has_virtio_console);
    CHECK_EQ(vm.virtio_log_bytes, 4096);
    CHECK(vm.autostart);
    CHECK_EQ(vm.start_delay_ms, 500);
}

TEST(cards)
{
    struct vmm_error err;

    begin("web1");
    CHECK_EQ(fdt_property_string(blob, "kernel", "k"), 0);
    CHECK_EQ(fdt_begin_node(blob, "nics"), 0);
    CHECK_EQ(fdt_begin_node(blob, "net0"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, "net1"), 0);
    CHECK_EQ(fdt_property_string(blob, "network", "lab"), 0);
    CHECK_EQ(fdt_property_string(blob, "mac", "52:00:0a:0B:00:ff"), 0);
    CHECK_EQ(fdt_property_u32(blob, "frames-per-second", 1000), 0);
    CHECK_EQ(fdt_property_u64(blob, "bytes-per-second", 0x100000000), 0);
    CHECK_EQ(fdt_property_u32(blob, "burst-bytes", 65536), 0);
    CHECK_EQ(fdt_property(blob, "isolated", "", 0), 0);
    CHECK_EQ(fdt_property(blob, "any-mac", "", 0), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(read_vm(), 0);
    CHECK_STR(told, "");
    CHECK_EQ(vm_config_validate(&vm, &err), 0);
    CHECK_EQ(vm.nic_count, 2);
    CHECK_STR(vm.nics[0].id, "net0");
    CHECK_STR(vm.nics[0].network, "default");
    CHECK(vm.nics[0].checks_mac);
    CHECK_STR(vm.nics[1].network, "lab");
    CHECK(memcmp(vm.nics[1].mac, "\x52\0\x0a\x0b\0\xff", 6) == 0);
    CHECK_EQ(vm.nics[1].ops_per_s, 1000);
    CHECK_EQ(vm.nics[1].bytes_per_s, 0x100000000);
    CHECK_EQ(vm.nics[1].burst_bytes, 65536);
    CHECK(vm.nics[1].is_isolated);
    CHECK(!vm.nics[1].checks_mac);
    CHECK_STR(vm_fdt_property("/nics"), "nics");
}

TEST(wrong_cards)
{
    static const char *const macs[] = {"",
                                       "52:00:00:00:00",
                                       "52:00:00:00:00:0",
                                       "52-00-00-00-00-01",
                                       "52:00:00:00:00:01:",
                                       "52:00:00:00:00:0g"};
    char name[16];

    for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
        begin("web1");
        CHECK_EQ(fdt_begin_node(blob, "nics"), 0);
        CHECK_EQ(fdt_begin_node(blob, "net0"), 0);
        CHECK_EQ(fdt_property_string(blob, "mac", macs[i]), 0);
        CHECK_EQ(fdt_property_string(blob, "speed", "fast"), 0);
        CHECK_EQ(fdt_end_node(blob), 0);
        CHECK_EQ(fdt_end_node(blob), 0);
        CHECK_EQ(read_vm(), -EINVAL);
        CHECK_STR(told, "n/nics/net0/mac;n/nics/net0/speed;");
    }
    begin("web1");
    CHECK_EQ(fdt_begin_node(blob, "nics"), 0);
    CHECK_EQ(fdt_begin_node(blob, "a-card-with-a-name-that-is-too-long"), 0);
    CHECK_EQ(fdt_property(blob, "any-mac", "yes", 4), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    for (int i = 0; i < VM_NICS_MAX; i++) {
        snprintf(name, sizeof(name), "net%d", i);
        CHECK_EQ(fdt_begin_node(blob, name), 0);
        CHECK_EQ(fdt_end_node(blob), 0);
    }
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(read_vm(), -EINVAL);
    CHECK_STR(told, "n/nics/a-card-with-a-name-that-is-too-long/;"
                    "n/nics/a-card-with-a-name-that-is-too-long/any-mac;n/nics;");
    CHECK_EQ(vm.nic_count, VM_NICS_MAX);
}

/* One property of the wrong kind: told by name, and the definition is refused. */
static void check_wrong(const char *name, const void *value, int bytes)
{
    char expected[64];

    begin("web1");
    CHECK_EQ(fdt_property(blob, name, value, bytes), 0);
    CHECK_EQ(read_vm(), -EINVAL);
    snprintf(expected, sizeof(expected), "n/%s;", name);
    CHECK_STR(told, expected);
}

TEST(wrong_kinds)
{
    static const char *const strings[] = {"firmware", "kernel",      "initrd", "cmdline",
                                          "uuid",     "description", "tags",   "on-crash"};
    static const char *const numbers[] = {
        "memory",        "vcpus", "cpu-weight", "cpu-limit-millicpu", "console-log-bytes",
        "start-delay-ms"};
    static const u8 zeroes[12], ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    static char text[VM_CMDLINE_MAX + 2];

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        check_wrong(strings[i], "open", 4); /* no end */
        check_wrong(strings[i], "a\0b", strcmp(strings[i], "tags") == 0 ? 3 : 4);
        if (strcmp(strings[i], "tags") != 0)
            check_wrong(strings[i], "", 0);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        check_wrong(numbers[i], zeroes, 0);
        check_wrong(numbers[i], "text", 5);
        check_wrong(numbers[i], zeroes, 3);
        check_wrong(numbers[i], zeroes, 12);
        if (i > 0)
            check_wrong(numbers[i], ones, 8);
    }
    check_wrong("start-delay-ms", "\x7f\0\0\0", 4);
    check_wrong("cpu-pins", zeroes, 0);
    check_wrong("cpu-pins", zeroes, 6);
    check_wrong("cpu-pins", "\0\0\1\0", 4);
    check_wrong("autostart", "yes", 4);
    check_wrong("console-log", zeroes, 4);
    check_wrong("firmware", "bios", 5);
    check_wrong("firmware", "Direct", 7);
    check_wrong("on-crash", "dump", 5);
    check_wrong("uuid", "01234567-89ab-cdef-0123-456789abcde", 36);
    check_wrong("tags",
                "1\0"
                "2\0"
                "3\0"
                "4\0"
                "5\0"
                "6\0"
                "7\0"
                "8\0"
                "9",
                18);
    memset(text, 'a', sizeof(text) - 1);
    check_wrong("cmdline", text, sizeof(text));
    check_wrong("kernel", text + sizeof(text) - 65, 65);
    check_wrong("tags", text + sizeof(text) - 33, 33);
}

TEST(names)
{
    char name[VM_NAME_MAX + 2];

    memset(name, 'a', sizeof(name));
    name[VM_NAME_MAX + 1] = '\0';
    begin(name);
    CHECK_EQ(read_vm(), -EINVAL);
    CHECK_STR(told, "n/;");
    name[VM_NAME_MAX] = '\0';
    begin(name);
    CHECK_EQ(read_vm(), 0);
    begin("Web");
    CHECK_EQ(read_vm(), -EINVAL);
    begin("vm@1");
    CHECK_EQ(read_vm(), -EINVAL);
}

TEST(unknown_names_are_told_and_ignored)
{
    begin("web1");
    CHECK_EQ(fdt_property_u32(blob, "memroy", 1), 0);
    CHECK_EQ(fdt_property_string(blob, "kernel", "k"), 0);
    CHECK_EQ(fdt_begin_node(blob, "disk"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(read_vm(), 0);
    CHECK_STR(told, "n/memroy;n/disk;");
    CHECK_STR(vm.kernel, "k");
}

TEST(all_mistakes_are_told)
{
    begin("web1");
    CHECK_EQ(fdt_property_string(blob, "vcpus", "three"), 0);
    CHECK_EQ(fdt_property_u32(blob, "memory", 4 << 20), 0);
    CHECK_EQ(fdt_property_string(blob, "on-crash", "cry"), 0);
    CHECK_EQ(read_vm(), -EINVAL);
    CHECK_STR(told, "n/vcpus;n/on-crash;");
    CHECK_EQ(vm.memory_bytes, 4 << 20);
}

TEST(pointers_of_the_api)
{
    CHECK_STR(vm_fdt_property("/memory/size_bytes"), "memory");
    CHECK_STR(vm_fdt_property("/boot/kernel"), "kernel");
    CHECK(vm_fdt_property("/nowhere") == NULL);
    CHECK(vm_fdt_property(NULL) == NULL);
}

TEST(images)
{
    char digest[65] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    begin("k");
    CHECK_EQ(read_image(), 0);
    CHECK_EQ(image.kind, IMAGE_RAW);
    CHECK(!image.has_sha256);
    begin("k");
    CHECK_EQ(fdt_property_string(blob, "file", "vmlinuz"), 0);
    CHECK_EQ(fdt_property_string(blob, "kind", "initrd"), 0);
    CHECK_EQ(fdt_property_string(blob, "sha256", digest), 0);
    CHECK_EQ(read_image(), 0);
    CHECK_STR(told, "");
    CHECK_EQ(image.kind, IMAGE_INITRD);
    CHECK(image.has_sha256);
    CHECK(image.sha256[0] == 0 && image.sha256[1] == 0x11 && image.sha256[31] == 0xff);
    for (int i = 0; i < 3; i++) {
        static const char *const kinds[] = {"colonel", "", "kernel "};

        begin("k");
        CHECK_EQ(fdt_property_string(blob, "kind", kinds[i]), 0);
        CHECK_EQ(read_image(), -EINVAL);
        CHECK_STR(told, "n/kind;");
    }
    for (int i = 0; i < 2; i++) {
        digest[63] = "g\0"[i];
        begin("k");
        CHECK_EQ(fdt_property_string(blob, "sha256", digest), 0);
        CHECK_EQ(read_image(), -EINVAL);
        CHECK_STR(told, "n/sha256;");
    }
    begin("k");
    CHECK_EQ(fdt_property_string(blob, "sha512", ""), 0);
    CHECK_EQ(read_image(), 0);
    CHECK_STR(told, "n/sha512;");
}

/* Every flipped bit of a tree with everything in it: refused, or read without harm. */
TEST(damage)
{
    size_t size;
    char *copy;

    begin("web1");
    CHECK_EQ(fdt_property_u64(blob, "memory", 4 << 20), 0);
    CHECK_EQ(fdt_property_string(blob, "kernel", "k"), 0);
    CHECK_EQ(fdt_property(blob, "tags", "red\0blue", 9), 0);
    CHECK_EQ(fdt_property(blob, "autostart", "", 0), 0);
    CHECK_EQ(fdt_property_string(blob, "kind", "kernel"), 0);
    CHECK_EQ(fdt_begin_node(blob, "nics"), 0);
    CHECK_EQ(fdt_begin_node(blob, "net0"), 0);
    CHECK_EQ(fdt_property_string(blob, "mac", "52:00:00:00:00:01"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    (void)finish();
    size = fdt_totalsize(blob);
    copy = malloc(size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        int node;

        memcpy(copy, blob, size);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        if (!dtb_is_sound(copy, size))
            continue;
        fdt_for_each_subnode(node, copy, 0)
        {
            told[0] = '\0';
            (void)!vm_fdt_read(copy, node, "n", &vm, &report);
            (void)!image_fdt_read(copy, node, "n", &image, &report);
            CHECK(strnlen(vm.kernel, sizeof(vm.kernel)) < sizeof(vm.kernel));
            CHECK(vm.tag_count <= VM_TAGS_MAX);
            CHECK(vm.nic_count <= VM_NICS_MAX);
        }
    }
    free(copy);
}

/* What is written is what is read. */
static void check_round_trip(const struct vm_config *cfg)
{
    static u8 tree[VM_FDT_BYTES_MAX];
    static struct vm_config read;
    struct dtb_report silent = {NULL, NULL};
    size_t bytes = vm_fdt_write(cfg, tree, sizeof(tree));
    int node;

    CHECK(bytes > 0);
    CHECK(dtb_is_socle(tree, bytes));
    node = fdt_first_subnode(tree, dtb_find(tree, "/vms"));
    CHECK(node > 0);
    CHECK_EQ(vm_fdt_read(tree, node, "vms", &read, &silent), 0);
    CHECK(memcmp(cfg, &read, sizeof(read)) == 0);
    CHECK_EQ(vm_fdt_write(cfg, tree, 64), 0);
}

static struct cloud_init *cloud_of(u32 user, u32 meta, u32 network)
{
    const u32 bytes[] = {user, meta, network};
    struct cloud_init *cloud = cloud_init_new(bytes);

    for (u32 i = 0; i < CLOUD_INIT_PARTS; i++)
        memset(cloud->text + cloud->at[i], 'a' + (int)i, bytes[i]);
    return cloud;
}

TEST(texts_for_cloud_init_written_and_read_again)
{
    static const u32 sizes[][3] = {{1, 0, 0},
                                   {3, 7, 11},
                                   {0, CLOUD_INIT_TEXT_MAX, 1},
                                   {CLOUD_INIT_TEXT_MAX, CLOUD_INIT_TEXT_MAX, CLOUD_INIT_TEXT_MAX}};
    static const struct dtb_report silent = {NULL, NULL};
    static struct vm_config cfg, read;

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t bytes;
        void *tree;
        int node;

        vm_config_default(&cfg);
        strcpy(cfg.name, "seeded");
        cfg.cloud_init = cloud_of(sizes[i][0], sizes[i][1], sizes[i][2]);
        tree = malloc(vm_fdt_bytes_max(&cfg));
        bytes = vm_fdt_write(&cfg, tree, vm_fdt_bytes_max(&cfg));
        CHECK(dtb_is_socle(tree, bytes));
        node = fdt_first_subnode(tree, dtb_find(tree, "/vms"));
        CHECK_EQ(vm_fdt_read(tree, node, "vms", &read, &silent), 0);
        CHECK(cloud_init_is_same(cfg.cloud_init, read.cloud_init));
        vm_config_fini(&read);
        vm_config_fini(&cfg);
        free(tree);
    }
}

TEST(texts_for_cloud_init_as_files_and_as_strings)
{
    u32 bytes;

    begin("web1");
    CHECK_EQ(fdt_property(blob, "user-data", "file", 4), 0);
    CHECK_EQ(fdt_property_string(blob, "meta-data", "string"), 0);
    CHECK_EQ(read_vm(), 0);
    CHECK_STR(told, "");
    CHECK(memcmp(cloud_init_text(vm.cloud_init, CLOUD_USER_DATA, &bytes), "file", 4) == 0);
    CHECK_EQ(bytes, 4);
    CHECK(memcmp(cloud_init_text(vm.cloud_init, CLOUD_META_DATA, &bytes), "string", 6) == 0);
    CHECK_EQ(bytes, 6);
    vm_config_fini(&vm);
    begin("web1");
    CHECK_EQ(fdt_property(blob, "network-config", "a\0b", 3), 0);
    CHECK_EQ(read_vm(), -EINVAL);
    CHECK_STR(told, "n/network-config;");
    CHECK(vm.cloud_init == NULL);
}

TEST(written_and_read_again)
{
    static struct vm_config cfg;

    vm_config_default(&cfg);
    strcpy(cfg.name, "small");
    check_round_trip(&cfg);
    memset(cfg.name, 'n', VM_NAME_MAX);
    memset(cfg.uuid, 0xa5, sizeof(cfg.uuid));
    memset(cfg.description, 'd', VM_DESCRIPTION_MAX);
    memset(cfg.kernel, 'k', VM_IMAGE_NAME_MAX);
    memset(cfg.initrd, 'i', VM_IMAGE_NAME_MAX);
    memset(cfg.cmdline, 'c', VM_CMDLINE_MAX);
    cfg.tag_count = VM_TAGS_MAX;
    for (u32 i = 0; i < VM_TAGS_MAX; i++)
        memset(cfg.tags[i], 't', VM_TAG_MAX);
    cfg.cpu_count = 64;
    cfg.cpu_weight = 7;
    cfg.cpu_limit_millicpu = 1;
    for (u32 cpu = 0; cpu < PCPUS_MAX; cpu++)
        cpu_mask_add(&cfg.pins, cpu);
    cfg.cpu_realtime = true;
    cfg.memory_bytes = 1024 * GiB;
    cfg.balloon_target_bytes = 5 * GiB;
    cfg.firmware = VM_FIRMWARE_PVH;
    cfg.serial_log_bytes = VM_LOG_BYTES_MAX;
    cfg.console_log = true;
    cfg.on_crash = VM_ON_CRASH_RESTART;
    cfg.autostart = true;
    cfg.start_order = 3;
    cfg.start_delay_ms = 1000;
    cfg.nic_count = VM_NICS_MAX;
    cfg.disk_count = VM_DISKS_MAX;
    for (u32 i = 0; i < VM_NICS_MAX; i++) {
        struct vm_nic *nic = &cfg.nics[i];

        vm_nic_default(nic);
        memset(nic->id, 'a' + (int)i, VM_NIC_ID_MAX);
        memset(nic->network, 'w', VM_NETWORK_NAME_MAX);
        memset(nic->mac, 2, sizeof(nic->mac));
        nic->ops_per_s = nic->bytes_per_s = nic->burst_bytes = ~0ull - i;
        nic->is_isolated = true;
        nic->checks_mac = false;
    }
    for (u32 i = 0; i < VM_DISKS_MAX; i++) {
        struct vm_disk *disk = &cfg.disks[i];

        vm_disk_default(disk);
        memset(disk->id, 'a' + (int)i, VM_DISK_ID_MAX);
        memset(i % 2 ? disk->volume : disk->image, 'v', VM_VOLUME_NAME_MAX);
        memset(disk->serial, 's', VM_DISK_SERIAL_MAX);
        disk->is_read_only = i % 2 == 0;
        disk->can_discard = false;
        disk->ops_per_s = disk->bytes_per_s = disk->burst_bytes = ~0ull - i;
    }
    check_round_trip(&cfg);
}
