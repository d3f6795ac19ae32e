/* SPDX-License-Identifier: BSD-2-Clause */
/* Defaults and checks of VM definitions. */
#include "core/vmm/vm_config.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/vmm_error.h"

#define NAME_HINT "Names are 1 to 63 of a-z, 0-9 and '-', and do not begin with '-'."

void vm_config_default(struct vm_config *cfg)
{
    *cfg = (struct vm_config){
        .cpu_count = 1,
        .cpu_weight = VM_WEIGHT_DEFAULT,
        .memory_bytes = 256 * MiB,
        .firmware = VM_FIRMWARE_DIRECT,
        .serial_log_bytes = VM_LOG_BYTES_DEFAULT,
        .virtio_log_bytes = VM_LOG_BYTES_DEFAULT,
        .on_crash = VM_ON_CRASH_STOP,
    };
}

void vm_config_fini(struct vm_config *cfg)
{
    cloud_init_release(cfg->cloud_init);
    cfg->cloud_init = NULL;
}

bool vm_name_is_valid(const char *name)
{
    size_t length = strnlen(name, VM_NAME_MAX + 1);

    if (length == 0 || length > VM_NAME_MAX || name[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

/* True if the array of `size` characters holds a terminated string. */
static bool is_terminated(const char *text, size_t size)
{
    return strnlen(text, size) < size;
}

static int check_texts(const struct vm_config *cfg, struct vmm_error *err)
{
    if (!is_terminated(cfg->name, sizeof(cfg->name)) ||
        (cfg->name[0] != '\0' && !vm_name_is_valid(cfg->name))) {
        vmm_error_set(err, "bad_value", "/name", NAME_HINT, "The name is not valid.");
        return -EINVAL;
    }
    if (!is_terminated(cfg->description, sizeof(cfg->description))) {
        vmm_error_set(err, "bad_value", "/description", "Use at most 255 bytes.",
                      "The description is too long.");
        return -EINVAL;
    }
    if (!is_terminated(cfg->cmdline, sizeof(cfg->cmdline))) {
        vmm_error_set(err, "bad_value", "/boot/cmdline", "Use at most 4095 bytes.",
                      "The kernel command line is too long.");
        return -EINVAL;
    }
    return 0;
}

static int check_tags(const struct vm_config *cfg, struct vmm_error *err)
{
    bool is_bad = cfg->tag_count > VM_TAGS_MAX;

    for (u32 i = 0; !is_bad && i < cfg->tag_count; i++)
        is_bad = cfg->tags[i][0] == '\0' || !is_terminated(cfg->tags[i], sizeof(cfg->tags[i]));
    if (!is_bad)
        return 0;
    vmm_error_set(err, "bad_value", "/tags", "Use at most 8 tags of 1 to 31 bytes.",
                  "The list of tags is not valid.");
    return -EINVAL;
}

static int check_cpu(const struct vm_config *cfg, struct vmm_error *err)
{
    if (cfg->cpu_count < 1 || cfg->cpu_count > VM_CPUS_MAX) {
        vmm_error_set(err, "semantic", "/cpu/count", "Ask for 1 to 64 CPUs.",
                      "A VM cannot have %u CPUs.", cfg->cpu_count);
        return -EINVAL;
    }
    if (cfg->cpu_weight < 1 || cfg->cpu_weight > VM_WEIGHT_MAX) {
        vmm_error_set(err, "bad_value", "/cpu/weight",
                      "Use 1 to 10000; 100 is the share of a VM that does not say.",
                      "A VM cannot have a weight of %u.", cfg->cpu_weight);
        return -EINVAL;
    }
    if (cfg->cpu_limit_millicpu > VM_LIMIT_MAX) {
        vmm_error_set(err, "bad_value", "/cpu/limit_millicpu",
                      "Use thousandths of one CPU up to 64000, or 0 for no limit.",
                      "A VM cannot be limited to %u thousandths of a CPU.",
                      cfg->cpu_limit_millicpu);
        return -EINVAL;
    }
    return 0;
}

/* What has a CPU for itself has nothing to share. */
static int check_realtime(const struct vm_config *cfg, struct vmm_error *err)
{
    if (!cfg->cpu_realtime || cfg->cpu_limit_millicpu == 0)
        return 0;
    vmm_error_set(err, "semantic", "/cpu/limit_millicpu", "Leave the limit out, or realtime.",
                  "A real-time VM cannot have a limit on CPU time.");
    return -EINVAL;
}

static int check_sizes(const struct vm_config *cfg, struct vmm_error *err)
{
    if (cfg->memory_bytes < VM_MEMORY_MIN || cfg->memory_bytes > VM_MEMORY_MAX ||
        !IS_ALIGNED(cfg->memory_bytes, PAGE_2M)) {
        vmm_error_set(err, "bad_value", "/memory/size_bytes",
                      "Use a multiple of 2097152 (2 MiB), at least 2097152.",
                      "A VM cannot have %llu bytes of memory.",
                      (unsigned long long)cfg->memory_bytes);
        return -EINVAL;
    }
    return 0;
}

static int check_log(u32 bytes, const char *pointer, struct vmm_error *err)
{
    if (bytes >= VM_LOG_BYTES_MIN && bytes <= VM_LOG_BYTES_MAX && (bytes & (bytes - 1)) == 0)
        return 0;
    vmm_error_set(err, "bad_value", pointer, "Use a power of two from 4096 to 16777216.",
                  "A console log cannot have %u bytes.", bytes);
    return -EINVAL;
}

static int check_consoles(const struct vm_config *cfg, struct vmm_error *err)
{
    int rc = check_log(cfg->serial_log_bytes, "/serial/0/log_bytes", err);

    return rc ? rc : check_log(cfg->virtio_log_bytes, "/virtio_console/log_bytes", err);
}

static int check_balloon(const struct vm_config *cfg, struct vmm_error *err)
{
    if (cfg->balloon_target_bytes > cfg->memory_bytes ||
        !IS_ALIGNED(cfg->balloon_target_bytes, PAGE_2M)) {
        vmm_error_set(err, "bad_value", "/memory/balloon/target_bytes",
                      "Use a multiple of 2097152 (2 MiB) up to size_bytes, or null.",
                      "A VM of %llu bytes cannot be asked to make do with %llu.",
                      (unsigned long long)cfg->memory_bytes,
                      (unsigned long long)cfg->balloon_target_bytes);
        return -EINVAL;
    }
    if (cfg->cpu_realtime && cfg->balloon_target_bytes != 0) {
        vmm_error_set(err, "semantic", "/memory/balloon/target_bytes",
                      "Leave the target out, or realtime.",
                      "A real-time VM keeps its memory: it has no balloon.");
        return -EINVAL;
    }
    return 0;
}

/* Image names follow the looser rule of images; core/vmm/image.c knows it, here only the length
 * counts. */
static int check_boot(const struct vm_config *cfg, struct vmm_error *err)
{
    if (cfg->firmware != VM_FIRMWARE_DIRECT && cfg->firmware != VM_FIRMWARE_PVH) {
        vmm_error_set(err, "bad_value", "/boot/firmware", "Use \"direct\" or \"pvh\".",
                      "The firmware is not known.");
        return -EINVAL;
    }
    if (cfg->kernel[0] == '\0' || !is_terminated(cfg->kernel, sizeof(cfg->kernel))) {
        vmm_error_set(err, "bad_value", "/boot/kernel", "Name an image uploaded to /api/v1/images.",
                      "No kernel image is named.");
        return -EINVAL;
    }
    if (!is_terminated(cfg->initrd, sizeof(cfg->initrd))) {
        vmm_error_set(err, "bad_value", "/boot/initrd", "Name an image uploaded to /api/v1/images.",
                      "The initrd's name is too long.");
        return -EINVAL;
    }
    if (cfg->on_crash != VM_ON_CRASH_STOP && cfg->on_crash != VM_ON_CRASH_RESTART) {
        vmm_error_set(err, "bad_value", "/on_crash", "Use \"stop\" or \"restart\".",
                      "The crash policy is not known.");
        return -EINVAL;
    }
    return 0;
}

void vm_nic_default(struct vm_nic *nic)
{
    *nic =
        (struct vm_nic){.network = VM_NETWORK_DEFAULT, .model = VM_NIC_VIRTIO, .checks_mac = true};
}

bool vm_mac_parse(const char *text, u8 mac[6])
{
    for (u32 i = 0; i < 6; i++) {
        text = hex_read(&mac[i], 1, text);
        if (!text || *text++ != (i < 5 ? ':' : '\0'))
            return false;
    }
    return true;
}

/* FNV-1a; locally administered, unicast. */
void vm_nic_mac(const struct vm_config *cfg, const struct vm_nic *nic, u8 mac[6])
{
    u64 hash = 0xcbf29ce484222325ull;

    memcpy(mac, nic->mac, 6);
    if (memcmp(mac, (u8[6]){0}, 6) != 0)
        return;
    for (size_t i = 0; i < sizeof(cfg->uuid); i++)
        hash = (hash ^ cfg->uuid[i]) * 0x100000001b3ull;
    for (const char *c = nic->id; *c; c++)
        hash = (hash ^ (u8)*c) * 0x100000001b3ull;
    mac[0] = 0x52;
    for (u32 i = 1; i < 6; i++)
        mac[i] = (u8)(hash >> (8 * i));
}

static int check_nic(const struct vm_config *cfg, u32 index, struct vmm_error *err)
{
    const struct vm_nic *nic = &cfg->nics[index];

    if (!is_terminated(nic->id, sizeof(nic->id)) || !vm_name_is_valid(nic->id)) {
        vmm_error_set(err, "bad_value", "/nics",
                      "Give it an \"id\" of 1 to 31 of a-z, 0-9 and '-'.",
                      "The id of network card %u is not valid.", index);
        return -EINVAL;
    }
    if (!is_terminated(nic->network, sizeof(nic->network)) || !vm_name_is_valid(nic->network)) {
        vmm_error_set(err, "bad_value", "/nics", "Name one of those GET /api/v1/networks lists.",
                      "Network card \"%s\" names no network.", nic->id);
        return -EINVAL;
    }
    if (nic->mac[0] & 1) {
        vmm_error_set(err, "bad_value", "/nics",
                      "Use one whose first byte is even, or leave it out.",
                      "The MAC address of network card \"%s\" is that of a group.", nic->id);
        return -EINVAL;
    }
    for (u32 i = 0; i < index; i++) {
        if (strcmp(cfg->nics[i].id, nic->id) != 0)
            continue;
        vmm_error_set(err, "bad_value", "/nics", "Give each card an id of its own.",
                      "Two network cards have the id \"%s\".", nic->id);
        return -EINVAL;
    }
    return 0;
}

static int check_nics(const struct vm_config *cfg, struct vmm_error *err)
{
    int rc = 0;

    if (cfg->nic_count > VM_NICS_MAX) {
        vmm_error_set(err, "bad_value", "/nics", "Use at most 8.",
                      "There are too many network cards.");
        return -EINVAL;
    }
    for (u32 i = 0; rc == 0 && i < cfg->nic_count; i++)
        rc = check_nic(cfg, i, err);
    return rc;
}

void vm_disk_default(struct vm_disk *disk)
{
    *disk = (struct vm_disk){.bus = VM_DISK_VIRTIO, .can_discard = true};
}

static int bad_disk(struct vmm_error *err, const char *hint, const char *what, const char *id)
{
    vmm_error_set(err, "bad_value", "/disks", hint, "Disk \"%s\" %s.", id, what);
    return -EINVAL;
}

static int check_disk_source(const struct vm_disk *disk, struct vmm_error *err)
{
    bool has_volume = disk->volume[0] != '\0';
    bool has_image = disk->image[0] != '\0';

    if (has_volume == has_image)
        return bad_disk(err, "Name a volume (GET /api/v1/volumes) or an image, not both.",
                        has_volume ? "names a volume and an image" : "names no volume", disk->id);
    if (!is_terminated(disk->volume, sizeof(disk->volume)) ||
        (has_volume && !vm_name_is_valid(disk->volume)))
        return bad_disk(err, NAME_HINT, "has a name for its volume that is not valid", disk->id);
    if (!is_terminated(disk->image, sizeof(disk->image)))
        return bad_disk(err, "Name one of those GET /api/v1/images lists.",
                        "has a name for its image that is too long", disk->id);
    if (has_image && !disk->is_read_only)
        return bad_disk(err, "Set read_only, or make a volume of the image, which can be written.",
                        "is an image, which is only read", disk->id);
    return 0;
}

/* What tools print as it is. */
static bool serial_is_valid(const struct vm_disk *disk)
{
    for (const char *c = disk->serial; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return true;
}

static int check_disk(const struct vm_config *cfg, u32 index, struct vmm_error *err)
{
    const struct vm_disk *disk = &cfg->disks[index];

    if (!is_terminated(disk->id, sizeof(disk->id)) || !vm_name_is_valid(disk->id)) {
        vmm_error_set(err, "bad_value", "/disks",
                      "Give it an \"id\" of 1 to 31 of a-z, 0-9 and '-'.",
                      "The id of disk %u is not valid.", index);
        return -EINVAL;
    }
    if (!is_terminated(disk->serial, sizeof(disk->serial)) || !serial_is_valid(disk))
        return bad_disk(err, "Use at most 20 printable characters without spaces.",
                        "has a serial number that is not valid", disk->id);
    for (u32 i = 0; i < index; i++) {
        if (strcmp(cfg->disks[i].id, disk->id) == 0)
            return bad_disk(err, "Give each disk an id of its own.", "is there twice", disk->id);
    }
    return check_disk_source(disk, err);
}

static int check_disks(const struct vm_config *cfg, struct vmm_error *err)
{
    int rc = 0;

    if (cfg->disk_count > VM_DISKS_MAX) {
        vmm_error_set(err, "bad_value", "/disks", "Use at most 8.", "There are too many disks.");
        return -EINVAL;
    }
    for (u32 i = 0; rc == 0 && i < cfg->disk_count; i++)
        rc = check_disk(cfg, i, err);
    return rc;
}

static int check_start(const struct vm_config *cfg, struct vmm_error *err)
{
    if (cfg->start_delay_ms <= VM_START_DELAY_MAX_MS)
        return 0;
    vmm_error_set(err, "bad_value", "/autostart/delay_ms", "Use at most 3600000: an hour.",
                  "The delay of the start is too long.");
    return -EINVAL;
}

int vm_config_validate(const struct vm_config *cfg, struct vmm_error *err)
{
    int rc = check_texts(cfg, err);

    if (rc == 0)
        rc = check_tags(cfg, err);
    if (rc == 0)
        rc = check_cpu(cfg, err);
    if (rc == 0)
        rc = check_realtime(cfg, err);
    if (rc == 0)
        rc = check_sizes(cfg, err);
    if (rc == 0)
        rc = check_consoles(cfg, err);
    if (rc == 0)
        rc = check_balloon(cfg, err);
    if (rc == 0)
        rc = check_boot(cfg, err);
    if (rc == 0)
        rc = check_nics(cfg, err);
    if (rc == 0)
        rc = check_disks(cfg, err);
    if (rc == 0)
        rc = check_start(cfg, err);
    return rc;
}
