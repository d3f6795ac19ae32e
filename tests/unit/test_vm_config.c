/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/vm_config.c core/vmm/vmm_error.c core/vmm/cloud_init.c core/lib/hex.c
 * core/lib/printf.c tests/fakes/heap.c
 */
/* Definitions out of range are refused with the field that is wrong. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vmm/vm_config.h"

static struct vm_config good(void)
{
    struct vm_config cfg;

    vm_config_default(&cfg);
    strcpy(cfg.name, "web-1");
    strcpy(cfg.kernel, "vmlinuz");
    return cfg;
}

static void check_refused(const struct vm_config *cfg, const char *pointer)
{
    struct vmm_error err = {0};

    CHECK_EQ(vm_config_validate(cfg, &err), -EINVAL);
    CHECK_STR(err.pointer, pointer);
    CHECK(err.slug && err.text[0] && err.hint[0]);
}

TEST(default_with_a_kernel_is_valid)
{
    struct vm_config cfg = good();
    struct vmm_error err;

    CHECK_EQ(vm_config_validate(&cfg, &err), 0);
    cfg.name[0] = '\0'; /* will be made up */
    CHECK_EQ(vm_config_validate(&cfg, &err), 0);
}

TEST(names)
{
    char longest[VM_NAME_MAX + 2];

    memset(longest, 'a', sizeof(longest));
    longest[VM_NAME_MAX] = '\0';
    CHECK(vm_name_is_valid(longest));
    longest[VM_NAME_MAX] = 'a';
    longest[VM_NAME_MAX + 1] = '\0';
    CHECK(!vm_name_is_valid(longest));
    CHECK(vm_name_is_valid("0"));
    CHECK(vm_name_is_valid("a-b-9-"));
    CHECK(!vm_name_is_valid(""));
    CHECK(!vm_name_is_valid("-a"));
    CHECK(!vm_name_is_valid("A"));
    CHECK(!vm_name_is_valid("a.b"));
    CHECK(!vm_name_is_valid("a/b"));
    CHECK(!vm_name_is_valid("\xc3\xa4"));
}

TEST(each_field_is_checked)
{
    struct vm_config cfg = good();

    strcpy(cfg.name, "Web");
    check_refused(&cfg, "/name");
    cfg = good();
    cfg.cpu_count = 0;
    check_refused(&cfg, "/cpu/count");
    cfg.cpu_count = VM_CPUS_MAX + 1;
    check_refused(&cfg, "/cpu/count");
    cfg = good();
    cfg.cpu_realtime = true;
    cfg.cpu_limit_millicpu = 1;
    check_refused(&cfg, "/cpu/limit_millicpu");
    cfg.cpu_realtime = false;
    cfg.cpu_limit_millicpu = 0;
    cfg.cpu_weight = 0;
    check_refused(&cfg, "/cpu/weight");
    cfg.cpu_weight = VM_WEIGHT_MAX + 1;
    check_refused(&cfg, "/cpu/weight");
    cfg = good();
    cfg.cpu_limit_millicpu = VM_LIMIT_MAX + 1;
    check_refused(&cfg, "/cpu/limit_millicpu");
    cfg = good();
    cfg.balloon_target_bytes = cfg.memory_bytes;
    CHECK_EQ(vm_config_target(&cfg), cfg.memory_bytes);
    cfg.balloon_target_bytes += PAGE_2M;
    check_refused(&cfg, "/memory/balloon/target_bytes");
    cfg.balloon_target_bytes = PAGE_SIZE;
    check_refused(&cfg, "/memory/balloon/target_bytes");
    cfg.balloon_target_bytes = PAGE_2M;
    CHECK_EQ(vm_config_target(&cfg), PAGE_2M);
    cfg.cpu_realtime = true;
    check_refused(&cfg, "/memory/balloon/target_bytes");
    cfg = good();
    CHECK_EQ(vm_config_target(&cfg), cfg.memory_bytes);
    cfg.memory_bytes = 0;
    check_refused(&cfg, "/memory/size_bytes");
    cfg.memory_bytes = 3 * MiB;
    check_refused(&cfg, "/memory/size_bytes");
    cfg.memory_bytes = VM_MEMORY_MAX + PAGE_2M;
    check_refused(&cfg, "/memory/size_bytes");
    cfg = good();
    cfg.serial_log_bytes = 5000;
    check_refused(&cfg, "/serial/0/log_bytes");
    cfg.serial_log_bytes = 0;
    check_refused(&cfg, "/serial/0/log_bytes");
    cfg.serial_log_bytes = VM_LOG_BYTES_DEFAULT;
    cfg.virtio_log_bytes = 4095;
    check_refused(&cfg, "/virtio_console/log_bytes");
    cfg = good();
    cfg.kernel[0] = '\0';
    check_refused(&cfg, "/boot/kernel");
    cfg = good();
    cfg.firmware = (enum vm_firmware)9;
    check_refused(&cfg, "/boot/firmware");
    cfg = good();
    cfg.on_crash = (enum vm_on_crash)9;
    check_refused(&cfg, "/on_crash");
    cfg = good();
    cfg.tag_count = VM_TAGS_MAX + 1;
    check_refused(&cfg, "/tags");
    cfg = good();
    cfg.tag_count = 1;
    check_refused(&cfg, "/tags");
}

TEST(unterminated_texts_are_refused)
{
    struct vm_config cfg = good();

    memset(cfg.name, 'a', sizeof(cfg.name));
    check_refused(&cfg, "/name");
    cfg = good();
    memset(cfg.cmdline, 'a', sizeof(cfg.cmdline));
    check_refused(&cfg, "/boot/cmdline");
    cfg = good();
    memset(cfg.description, 'a', sizeof(cfg.description));
    check_refused(&cfg, "/description");
    cfg = good();
    memset(cfg.initrd, 'a', sizeof(cfg.initrd));
    check_refused(&cfg, "/boot/initrd");
    cfg = good();
    memset(cfg.kernel, 'a', sizeof(cfg.kernel));
    check_refused(&cfg, "/boot/kernel");
}
