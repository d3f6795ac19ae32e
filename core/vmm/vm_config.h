/* SPDX-License-Identifier: BSD-2-Clause */
/* The definition of a VM as plain data: what a user asks for, checked before anything is built. */
#ifndef SOCLE_VMM_VM_CONFIG_H
#define SOCLE_VMM_VM_CONFIG_H

#include "core/lib/compiler.h"
#include "core/x86/cpu_mask.h"
#include "core/lib/types.h"

#define VM_NAME_MAX          63
#define VM_DESCRIPTION_MAX   255
#define VM_TAGS_MAX          8
#define VM_TAG_MAX           31
#define VM_CMDLINE_MAX       4096
#define VM_IMAGE_NAME_MAX    63
#define VM_CPUS_MAX          64u
#define VM_WEIGHT_MAX        10000u
#define VM_WEIGHT_DEFAULT    100u
#define VM_LIMIT_MAX         (VM_CPUS_MAX * 1000u)
#define VM_MEMORY_MIN        (2 * MiB)
#define VM_MEMORY_MAX        (1024 * GiB)
#define VM_LOG_BYTES_MIN     (4u * 1024u)
#define VM_LOG_BYTES_MAX     (16u * 1024u * 1024u)
#define VM_LOG_BYTES_DEFAULT (64u * 1024u) /* a Linux boot writes about 25 KiB */

#define VM_START_DELAY_MAX_MS (60u * 60u * 1000u)

#define VM_NICS_MAX         8
#define VM_NIC_ID_MAX       31
#define VM_NETWORK_NAME_MAX 63
#define VM_NETWORK_DEFAULT  "default" /* drivers/net makes it at boot */

enum vm_nic_model { VM_NIC_VIRTIO };

struct vm_nic {
    char id[VM_NIC_ID_MAX + 1];
    char network[VM_NETWORK_NAME_MAX + 1];
    enum vm_nic_model model;
    u8 mac[6];                  /* all zero: made of the VM's UUID and the id */
    u64 ops_per_s, bytes_per_s; /* frames and bytes, each way; 0: no limit */
    u64 burst_bytes;            /* 0: a tenth of a second's worth */
    bool is_isolated;           /* reaches no other isolated card of its network */
    bool checks_mac;            /* sends from its own address only */
};

#define VM_DISKS_MAX       8
#define VM_DISK_ID_MAX     31
#define VM_DISK_SERIAL_MAX 20
#define VM_VOLUME_NAME_MAX 63

enum vm_disk_bus { VM_DISK_VIRTIO };

struct vm_disk {
    char id[VM_DISK_ID_MAX + 1];
    char volume[VM_VOLUME_NAME_MAX + 1]; /* this, */
    char image[VM_IMAGE_NAME_MAX + 1];   /* or that, which is only read */
    enum vm_disk_bus bus;
    bool is_read_only;
    bool can_discard;                    /* the guest may give back what it does not need */
    char serial[VM_DISK_SERIAL_MAX + 1]; /* empty: the id, or what of it has room */
    u64 ops_per_s, bytes_per_s;          /* both ways together; 0: no limit */
    u64 burst_bytes;                     /* 0: a tenth of a second's worth */
};

enum vm_firmware { VM_FIRMWARE_DIRECT, VM_FIRMWARE_PVH };
enum vm_console { VM_CONSOLE_SERIAL, VM_CONSOLE_VIRTIO, VM_CONSOLE_COUNT }; /* their numbers */
enum vm_on_crash { VM_ON_CRASH_STOP, VM_ON_CRASH_RESTART };

struct cloud_init;

struct vm_config {
    char name[VM_NAME_MAX + 1];
    u8 uuid[16]; /* all zero: to be made up */
    char description[VM_DESCRIPTION_MAX + 1];
    char tags[VM_TAGS_MAX][VM_TAG_MAX + 1];
    u32 tag_count;
    u32 cpu_count;
    u32 cpu_weight;           /* share of each vCPU beside all others, 1..VM_WEIGHT_MAX */
    u32 cpu_limit_millicpu;   /* thousandths of a CPU, all vCPUs together; 0: no limit */
    struct cpu_mask pins;     /* the only pCPUs its vCPUs may run on; none: all */
    bool cpu_realtime;        /* a pCPU for each vCPU, shared with no other */
    u64 memory_bytes;         /* multiple of 2 MiB */
    u64 balloon_target_bytes; /* what the guest is asked to make do with; 0: all of it */
    enum vm_firmware firmware;
    char kernel[VM_IMAGE_NAME_MAX + 1];
    char initrd[VM_IMAGE_NAME_MAX + 1]; /* empty: none */
    char cmdline[VM_CMDLINE_MAX + 1];
    u32 serial_log_bytes;
    bool console_log;        /* its serial console's lines go to the host's log, too */
    bool has_virtio_console; /* a second console, number 1 */
    u32 virtio_log_bytes;
    enum vm_on_crash on_crash;
    bool autostart;     /* started with the host, */
    u32 start_order;    /* those with lower numbers first, */
    u32 start_delay_ms; /* so long after the one before it */
    struct vm_nic nics[VM_NICS_MAX];
    u32 nic_count;
    struct vm_disk disks[VM_DISKS_MAX];
    u32 disk_count;
    const struct cloud_init *cloud_init; /* for its seed disk; NULL: it has none */
};

/* What is wrong with a request, for the user. pointer and hint are static or in text. */
struct vmm_error {
    const char
        *slug; /* error type of API.md §2.3: "bad_value", "semantic", "state", "no_memory" … */
    const char *pointer; /* JSON pointer of the field, or NULL */
    char text[200];      /* one sentence: what and where */
    char hint[200];      /* one sentence: what to do */
    u64 need_bytes;      /* with no_memory and no_space; 0: not known */
    u64 free_bytes;
};

/* A card as it is where its members are not given, on VM_NETWORK_DEFAULT; it has no id. */
void vm_nic_default(struct vm_nic *nic);

/* "52:00:00:12:34:56". Return: false if the text is no MAC address. */
bool vm_mac_parse(const char *text, u8 mac[6]) must_check;

/* A disk as it is where its members are not given; it has no id and is on nothing. */
void vm_disk_default(struct vm_disk *disk);

/* The address the card has, given or made up. */
void vm_nic_mac(const struct vm_config *cfg, const struct vm_nic *nic, u8 mac[6]);

/* Fills an empty definition with the defaults (1 CPU, 256 MiB, direct boot). */
void vm_config_default(struct vm_config *cfg);

/* Lets go of what a definition has outside of itself: for all that were read, or hold it. */
void vm_config_fini(struct vm_config *cfg);

/* What of its memory the VM is to have: all, or the balloon's target. */
static inline u64 vm_config_target(const struct vm_config *cfg)
{
    return cfg->balloon_target_bytes ? cfg->balloon_target_bytes : cfg->memory_bytes;
}

/* Checks ranges and names, not the existence of images. Return: 0, -EINVAL with *err filled. */
int vm_config_validate(const struct vm_config *cfg, struct vmm_error *err) must_check;

/* True for [a-z0-9][a-z0-9-]{0,62}. */
bool vm_name_is_valid(const char *name);

#endif
