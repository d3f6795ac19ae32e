/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/api/vm_json*.c mgmt/api/cloud_init_json.c mgmt/json/json_get.c
 * mgmt/json/json_read.c mgmt/json/json_write.c mgmt/json/json_members.c core/lib/date.c
 * core/lib/hex.c core/lib/printf.c core/vmm/vm_config.c core/vmm/cloud_init.c
 * core/vmm/vmm_error.c core/vmm/vmm_uuid.c tests/fakes/heap.c
 */
/* VM definitions: every member arrives, mistakes are named by their pointer, GET's text can be PUT
 * back. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "core/lib/errno.h"
#include "core/vmm/cloud_init.h"
#include "drivers/net/network.h"
#include "mgmt/json/json_members.h"
#include "mgmt/api/vm_json.h"

static struct json_doc doc;
static struct vm_config cfg;
static struct vm_json_error error;

/* The facade's helpers, as simple as they can be. */
const char *vmm_state_name(enum vmm_state state)
{
    return state == VMM_RUNNING ? "running" : "stopped";
}

const struct netport *network_port_find(const char *network, const char *name, const char *nic)
{
    static const struct netport port = {.ip_seen = 0xc0a84d02};

    return strcmp(network, "default") == 0 && name[0] && strcmp(nic, "net0") == 0 ? &port : NULL;
}

static int merge(const char *text)
{
    CHECK_EQ(json_parse(&doc, text, strlen(text)), 0);
    return vm_json_read(&doc, &cfg, &error);
}

static int read(const char *text)
{
    memset(&cfg, 0, sizeof(cfg));
    cfg.cpu_count = 1;
    cfg.memory_bytes = 256 * MiB;
    return merge(text);
}

TEST(every_member_arrives)
{
    CHECK_EQ(read("{\"name\":\"a\",\"uuid\":\"7f000000-0000-0000-0000-000000000000\","
                  "\"description\":\"d \\u00e9\",\"tags\":[\"x\",\"y\"],\"on_crash\":\"restart\","
                  "\"cpu\":{\"count\":1,\"weight\":250,\"limit_millicpu\":1500,\"pins\":[3,255,3],"
                  "\"realtime\":true},"
                  "\"memory\":{\"size_bytes\":4194304,\"balloon\":{\"target_bytes\":2097152}},"
                  "\"boot\":{\"firmware\":\"pvh\",\"kernel\":\"k\",\"initrd\":null,"
                  "\"cmdline\":\"console=ttyS0\"},\"serial\":[{\"id\":0,\"log_bytes\":8192,"
                  "\"host_log\":true}],"
                  "\"virtio_console\":{\"enabled\":true,\"log_bytes\":4096}}"),
             0);
    CHECK(cfg.console_log);
    CHECK(cfg.has_virtio_console);
    CHECK_EQ(cfg.virtio_log_bytes, 4096);
    CHECK_STR(cfg.name, "a");
    CHECK_EQ(cfg.uuid[0], 0x7f);
    CHECK_STR(cfg.description, "d \xc3\xa9");
    CHECK_EQ(cfg.tag_count, 2);
    CHECK_STR(cfg.tags[1], "y");
    CHECK_EQ(cfg.on_crash, VM_ON_CRASH_RESTART);
    CHECK_EQ(cfg.cpu_weight, 250);
    CHECK_EQ(cfg.cpu_limit_millicpu, 1500);
    CHECK(cfg.cpu_realtime);
    CHECK_EQ(cfg.pins.bits[0], BIT(3));
    CHECK_EQ(cfg.pins.bits[3], BIT(63));
    CHECK_EQ(cfg.memory_bytes, 4194304);
    CHECK_EQ(cfg.balloon_target_bytes, 2097152);
    CHECK_EQ(merge("{\"memory\":{\"balloon\":{\"target_bytes\":null}}}"), 0);
    CHECK_EQ(cfg.balloon_target_bytes, 0);
    CHECK_EQ(merge("{\"memory\":{\"balloon\":{\"target_bytes\":2097152}}}"), 0);
    CHECK_EQ(cfg.memory_bytes, 4194304);
    CHECK_EQ(merge("{\"memory\":null}"), 0);
    CHECK_EQ(cfg.balloon_target_bytes, 0);
    CHECK_EQ(cfg.firmware, VM_FIRMWARE_PVH);
    CHECK_STR(cfg.kernel, "k");
    CHECK_STR(cfg.initrd, "");
    CHECK_STR(cfg.cmdline, "console=ttyS0");
    CHECK_EQ(cfg.serial_log_bytes, 8192);
}

TEST(one_disk)
{
    static const char text[] =
        "{\"volume\":\"v\",\"read_only\":true,\"discard\":null,\"limits\":{\"ops_per_s\":5}}";
    static const char unknown[] = "{\"volume\":\"v\",\"cpu\":{}}";
    static struct vm_disk disk, again;

    CHECK_EQ(json_parse(&doc, text, strlen(text)), 0);
    CHECK_EQ(vm_json_read_disk(&doc, &disk, &error), 0);
    CHECK_STR(disk.volume, "v");
    CHECK_STR(disk.id, "");
    CHECK(disk.is_read_only && disk.can_discard);
    CHECK_EQ(disk.ops_per_s, 5);
    CHECK_EQ(vm_json_read_disk(&doc, &again, &error), 0);
    CHECK(memcmp(&disk, &again, sizeof(disk)) == 0);
    CHECK_EQ(json_parse(&doc, unknown, strlen(unknown)), 0);
    CHECK_EQ(vm_json_read_disk(&doc, &again, &error), -EINVAL);
    CHECK_STR(error.slug, "unknown_field");
    CHECK_STR(error.pointer, "/cpu");
}

/* RFC 7396: members not named stay, null removes, arrays are replaced. */
TEST(a_merge_patch)
{
    static struct vm_config before;

    CHECK_EQ(read("{\"name\":\"a\",\"description\":\"long words\",\"tags\":[\"x\",\"y\"],"
                  "\"cpu\":{\"weight\":250,\"limit_millicpu\":1500,\"pins\":[3]},"
                  "\"boot\":{\"kernel\":\"k\"},\"serial\":[{\"log_bytes\":8192}]}"),
             0);
    before = cfg;
    CHECK_EQ(merge("{\"description\":\"d\",\"cpu\":{\"weight\":null,\"pins\":[4]},"
                   "\"tags\":null,\"serial\":[]}"),
             0);
    CHECK_STR(cfg.description, "d");
    CHECK_EQ(cfg.cpu_weight, VM_WEIGHT_DEFAULT);
    CHECK_EQ(cfg.cpu_limit_millicpu, 1500);
    CHECK_EQ(cfg.pins.bits[0], BIT(4));
    CHECK_EQ(cfg.tag_count, 0);
    CHECK_EQ(cfg.serial_log_bytes, VM_LOG_BYTES_DEFAULT);
    CHECK_STR(cfg.kernel, "k");
    CHECK_EQ(merge("{\"cpu\":null}"), 0);
    CHECK_EQ(cfg.cpu_limit_millicpu, 0);
    CHECK_EQ(cfg.pins.bits[0], 0);
    CHECK_EQ(merge("{\"description\":\"long words\",\"tags\":[\"x\",\"y\"],"
                   "\"cpu\":{\"weight\":250,\"limit_millicpu\":1500,\"pins\":[3]},"
                   "\"serial\":[{\"log_bytes\":8192}]}"),
             0);
    CHECK(memcmp(&before, &cfg, sizeof(cfg)) == 0);
}

TEST(mistakes_are_named)
{
    static const struct {
        const char *text, *slug, *pointer;
    } cases[] = {
        {"[]", "bad_value", ""},
        {"{\"colour\":1}", "unknown_field", "/colour"},
        {"{\"cpu\":{\"cores\":1}}", "unknown_field", "/cpu/cores"},
        {"{\"cpu\":2}", "bad_value", "/cpu"},
        {"{\"cpu\":{\"count\":-1}}", "bad_value", "/cpu/count"},
        {"{\"cpu\":{\"count\":4294967296}}", "bad_value", "/cpu/count"},
        {"{\"cpu\":{\"weight\":\"high\"}}", "bad_value", "/cpu/weight"},
        {"{\"cpu\":{\"limit_millicpu\":-5}}", "bad_value", "/cpu/limit_millicpu"},
        {"{\"cpu\":{\"pins\":1}}", "bad_value", "/cpu/pins"},
        {"{\"cpu\":{\"pins\":[1,256]}}", "bad_value", "/cpu/pins/1"},
        {"{\"cpu\":{\"pins\":[\"0\"]}}", "bad_value", "/cpu/pins/0"},
        {"{\"memory\":{\"size_bytes\":\"1\"}}", "bad_value", "/memory/size_bytes"},
        {"{\"memory\":{\"balloon\":1}}", "bad_value", "/memory/balloon"},
        {"{\"memory\":{\"balloon\":{\"target_bytes\":-1}}}", "bad_value",
         "/memory/balloon/target_bytes"},
        {"{\"boot\":{\"kernel\":7}}", "bad_value", "/boot/kernel"},
        {"{\"boot\":{\"firmware\":\"bios\"}}", "bad_value", "/boot/firmware"},
        {"{\"boot\":{\"firmware\":\"direct, pvh\"}}", "bad_value", "/boot/firmware"},
        {"{\"boot\":{\"firmware\":\"\"}}", "bad_value", "/boot/firmware"},
        {"{\"tags\":\"a\"}", "bad_value", "/tags"},
        {"{\"tags\":[\"a\",1]}", "bad_value", "/tags/1"},
        {"{\"tags\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", "bad_value",
         "/tags/8"},
        {"{\"uuid\":\"x\"}", "bad_value", "/uuid"},
        {"{\"serial\":[{\"id\":1}]}", "bad_value", "/serial/0/id"},
        {"{\"serial\":[{},{}]}", "bad_value", "/serial"},
        {"{\"serial\":[{\"speed\":1}]}", "unknown_field", "/serial/0/speed"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(read(cases[i].text), -EINVAL);
        CHECK_STR(error.slug, cases[i].slug);
        CHECK_STR(error.pointer, cases[i].pointer);
        CHECK(error.hint != NULL);
    }
}

TEST(too_long_texts_are_refused)
{
    char text[6000];

    snprintf(text, sizeof(text), "{\"boot\":{\"cmdline\":\"%04097d\"}}", 0);
    CHECK_EQ(read(text), -EINVAL);
    CHECK_STR(error.pointer, "/boot/cmdline");
    snprintf(text, sizeof(text), "{\"boot\":{\"cmdline\":\"%04096d\"}}", 0);
    CHECK_EQ(read(text), 0);
    snprintf(text, sizeof(text), "{\"name\":\"%064d\"}", 0);
    CHECK_EQ(read(text), -EINVAL);
}

TEST(what_get_gives_can_be_put_back)
{
    static struct vmm_info info;
    static char text[40000];
    struct vm_config before;
    struct json_writer w;

    CHECK_EQ(read("{\"name\":\"a\",\"tags\":[\"t\"],\"boot\":{\"kernel\":\"k\",\"cmdline\":"
                  "\"\\\"q\\u0001\"},"
                  "\"cpu\":{\"weight\":7,\"limit_millicpu\":50,\"pins\":[5,2]},"
                  "\"serial\":[{\"log_bytes\":4096}]}"),
             0);
    before = cfg;
    info.cfg = cfg;
    info.state = VMM_RUNNING;
    info.created_unix_ns = 1700000000123456789ull;
    info.started_ns = 5;
    json_write_init(&w, text, sizeof(text) - 1);
    vm_json_write(&w, &info, 7);
    text[w.len] = '\0';
    CHECK(!w.overflow);
    CHECK(strstr(text, "\"created_at\":\"2023-11-14T22:13:20.123456789Z\"") != NULL);
    CHECK(strstr(text, "\"uptime_ns\":2") != NULL);
    CHECK(strstr(text, "\"cpu\":{\"count\":1,\"weight\":7,\"limit_millicpu\":50,\"pins\":[2,5],"
                       "\"realtime\":false}") != NULL);
    CHECK_EQ(read(text), 0);
    CHECK_EQ(cfg.cpu_weight, 7);
    CHECK_EQ(cfg.cpu_limit_millicpu, 50);
    CHECK(memcmp(&cfg.pins, &before.pins, sizeof(cfg.pins)) == 0);
    CHECK_STR(cfg.cmdline, before.cmdline);
    CHECK_STR(cfg.tags[0], "t");
    CHECK_EQ(cfg.serial_log_bytes, 4096);
}

TEST(cards)
{
    static struct vmm_info info;
    static char text[40000];
    struct json_writer w;

    CHECK_EQ(
        read("{\"name\":\"a\",\"nics\":[{\"id\":\"net0\"},{\"id\":\"net1\",\"network\":\"lab\","
             "\"mac\":\"52:00:00:0A:0b:ff\",\"limits\":{\"ops_per_s\":5,\"bytes_per_s\":6,"
             "\"burst_bytes\":7},\"isolated\":true,\"check_mac\":false}]}"),
        0);
    CHECK_EQ(cfg.nic_count, 2);
    CHECK_STR(cfg.nics[0].network, "default");
    CHECK(cfg.nics[0].checks_mac);
    CHECK_STR(cfg.nics[1].network, "lab");
    CHECK(memcmp(cfg.nics[1].mac, "\x52\0\0\x0a\x0b\xff", 6) == 0);
    CHECK_EQ(cfg.nics[1].burst_bytes, 7);
    CHECK(cfg.nics[1].is_isolated && !cfg.nics[1].checks_mac);
    info.cfg = cfg;
    json_write_init(&w, text, sizeof(text) - 1);
    vm_json_write(&w, &info, 7);
    text[w.len] = '\0';
    CHECK(strstr(text, "\"network\":\"default\"") != NULL);
    CHECK(strstr(text, "\"ip_seen\":\"192.168.77.2\"") != NULL);
    CHECK(strstr(text, "\"mac\":\"52:00:00:0a:0b:ff\",\"ip_seen\":null") != NULL);
    CHECK_EQ(read(text), 0);
    CHECK_EQ(cfg.nic_count, 2);
    CHECK_EQ(read("{\"nics\":[{\"mac\":\"52:00:00:0a:0b\"}]}"), -EINVAL);
    CHECK_STR(error.pointer, "/nics/0/mac");
}

static void check_text(enum cloud_init_part part, const char *want)
{
    u32 bytes;
    const char *text = cloud_init_text(cfg.cloud_init, part, &bytes);

    CHECK_EQ(bytes, strlen(want));
    CHECK(memcmp(text, want, bytes) == 0);
}

TEST(texts_for_cloud_init)
{
    static struct vmm_info info;
    static char text[40000];
    struct json_writer w;

    CHECK_EQ(read("{\"cloud_init\":{\"user_data\":\"a\\n\\u00e4\",\"network_config\":\"n\"}}"), 0);
    check_text(CLOUD_USER_DATA, "a\n\xc3\xa4");
    check_text(CLOUD_META_DATA, "");
    check_text(CLOUD_NETWORK_CONFIG, "n");
    /* What GET says are sizes, which change nothing. */
    info.cfg = cfg;
    json_write_init(&w, text, sizeof(text) - 1);
    vm_json_write(&w, &info, 7);
    w.len = json_members_keep(w.buf, w.len, "cloud_init");
    text[w.len] = '\0';
    CHECK_STR(text, "{\"cloud_init\":{\"user_data_bytes\":4,\"meta_data_bytes\":0,"
                    "\"network_config_bytes\":1}}");
    CHECK_EQ(merge(text), 0);
    check_text(CLOUD_USER_DATA, "a\n\xc3\xa4");
    /* Members are merged, null takes one away, and nothing is left behind by mistakes. */
    CHECK_EQ(merge("{\"cloud_init\":{\"user_data\":null,\"meta_data\":\"m\"}}"), 0);
    check_text(CLOUD_USER_DATA, "");
    check_text(CLOUD_META_DATA, "m");
    check_text(CLOUD_NETWORK_CONFIG, "n");
    CHECK_EQ(merge("{\"cloud_init\":{\"user_data\":\"x\",\"meta_data\":3}}"), -EINVAL);
    CHECK_STR(error.pointer, "/cloud_init/meta_data");
    CHECK_EQ(merge("{\"cloud_init\":{\"meta_data\":\"\\u0000\"}}"), -EINVAL);
    CHECK_EQ(merge("{\"cloud_init\":{\"vendor_data\":\"v\"}}"), -EINVAL);
    CHECK_STR(error.pointer, "/cloud_init/vendor_data");
    CHECK_STR(error.slug, "unknown_field");
    CHECK_EQ(merge("{\"cloud_init\":[]}"), -EINVAL);
    check_text(CLOUD_META_DATA, "m");
    CHECK_EQ(merge("{\"cloud_init\":{\"meta_data\":\"\",\"network_config\":null}}"), 0);
    CHECK(cfg.cloud_init == NULL);
    CHECK_EQ(merge("{\"cloud_init\":{\"meta_data\":\"m\"}}"), 0);
    CHECK_EQ(merge("{\"cloud_init\":null}"), 0);
    CHECK(cfg.cloud_init == NULL);
}

TEST(texts_for_cloud_init_are_bounded)
{
    static char text[CLOUD_INIT_TEXT_MAX + 64];
    int head = snprintf(text, sizeof(text), "{\"cloud_init\":{\"user_data\":\"");

    memset(text + head, 'u', CLOUD_INIT_TEXT_MAX);
    strcpy(text + head + CLOUD_INIT_TEXT_MAX, "\"}}");
    CHECK_EQ(read(text), 0);
    CHECK_EQ(cfg.cloud_init->bytes[CLOUD_USER_DATA], CLOUD_INIT_TEXT_MAX);
    vm_config_fini(&cfg);
    strcpy(text + head + CLOUD_INIT_TEXT_MAX, "u\"}}");
    CHECK_EQ(read(text), -EINVAL);
    CHECK_STR(error.pointer, "/cloud_init/user_data");
}
