/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Direct boot of Linux: the setup header says where the kernel wants to be; we skip its real-mode
 * part and its 32-bit entry and jump to startup_64 with identity page tables.
 *
 * The header is copied once and checked on the copy. What it claims decides only about this guest's
 * own memory.
 */
#include "core/vmm/boot_linux.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/guest_layout.h"
#include "core/vmm/guest_map.h"
#include "core/vmm/vmm_error.h"

/* struct setup_header, at SETUP_HEADER in the file and in the zero page. */
#define SETUP_HEADER 0x1f1u

struct setup_header {
    u8 setup_sects;
    u16 root_flags;
    u32 syssize;
    u16 ram_size;
    u16 vid_mode;
    u16 root_dev;
    u16 boot_flag;
    u16 jump; /* high byte: end of the header, relative to 0x202 */
    u32 header;
    u16 version;
    u32 realmode_swtch;
    u16 start_sys_seg;
    u16 kernel_version;
    u8 type_of_loader;
    u8 loadflags;
    u16 setup_move_size;
    u32 code32_start;
    u32 ramdisk_image;
    u32 ramdisk_size;
    u32 bootsect_kludge;
    u16 heap_end_ptr;
    u8 ext_loader_ver;
    u8 ext_loader_type;
    u32 cmd_line_ptr;
    u32 initrd_addr_max;
    u32 kernel_alignment;
    u8 relocatable_kernel;
    u8 min_alignment;
    u16 xloadflags;
    u32 cmdline_size;
    u32 hardware_subarch;
    u64 hardware_subarch_data;
    u32 payload_offset;
    u32 payload_length;
    u64 setup_data;
    u64 pref_address;
    u32 init_size;
    u32 handover_offset;
    u32 kernel_info_offset;
} packed;

_Static_assert(sizeof(struct setup_header) == 0x26c - SETUP_HEADER, "layout of setup_header");

#define BOOT_FLAG           0xaa55u
#define HEADER_MAGIC        0x53726448u /* "HdrS" */
#define VERSION_MIN         0x20cu      /* first with xloadflags */
#define XLF_KERNEL_64       BIT(0)
#define LOADED_HIGH         BIT(0)
#define LOADER_UNDEFINED    0xffu /* no assigned loader number */
#define SETUP_SECTS_DEFAULT 4u
#define SECTOR_BYTES        512u
#define STARTUP_64          0x200u /* entry, from the start of the loaded kernel */
#define ALIGNMENT_MAX       (16 * MiB)

/* Offsets in struct boot_params, the zero page. */
#define BP_ACPI_RSDP_ADDR 0x070u
#define BP_E820_ENTRIES   0x1e8u
#define BP_E820_TABLE     0x2d0u

struct e820_entry {
    u64 base;
    u64 bytes;
    u32 type;
} packed;

/* GDT of the 64-bit protocol: __BOOT_CS and __BOOT_DS, flat. */
#define BOOT_CS 0x10u
#define BOOT_DS 0x18u

static const u64 boot_gdt[] = {0, 0, 0x00af9b000000ffffull, 0x00cf93000000ffffull};

/* Spec: APM 2 "4-Kbyte Page Translation", "2-Mbyte Page Translation". */
#define PTE_P      BIT(0)
#define PTE_RW     BIT(1)
#define PTE_PS     BIT(7)
#define PTE_COUNT  512u
#define GIB_MAPPED 4u

#define NOT_A_KERNEL_HINT \
    "Upload an x86-64 bzImage, for example a distribution's vmlinuz, or use \"pvh\" for ELF."

static int reject(struct vmm_error *err, const char *what)
{
    vmm_error_set(err, "semantic", "/boot/kernel", NOT_A_KERNEL_HINT,
                  "The kernel image is not one that can be booted: %s.", what);
    return -EINVAL;
}

static int read_header(const struct guest_blob *kernel, struct setup_header *h,
                       struct vmm_error *err)
{
    if (blob_read(kernel, SETUP_HEADER, h, sizeof(*h)))
        return reject(err, "it is too short");
    if (h->boot_flag != BOOT_FLAG || h->header != HEADER_MAGIC)
        return reject(err, "it has no Linux boot header");
    if (h->version < VERSION_MIN)
        return reject(err, "its boot protocol is older than 2.12");
    if (!(h->xloadflags & XLF_KERNEL_64) || !(h->loadflags & LOADED_HIGH))
        return reject(err, "it has no 64-bit entry point");
    if (h->kernel_alignment == 0 || h->kernel_alignment > ALIGNMENT_MAX ||
        (h->kernel_alignment & (h->kernel_alignment - 1)) != 0)
        return reject(err, "its alignment is no power of two");
    return 0;
}

/* Offset of the protected-mode kernel in the file. */
static u64 kernel_offset(const struct setup_header *h)
{
    return ((h->setup_sects ? h->setup_sects : SETUP_SECTS_DEFAULT) + 1u) * (u64)SECTOR_BYTES;
}

/*
 * Chooses where the kernel goes: where it prefers, or, if that does not fit and it is relocatable,
 * as low as it may. Return: 0 and [*at, *end), init_size included; -EINVAL.
 */
static int place_kernel(const struct guest_boot *boot, const struct setup_header *h, u64 *at,
                        u64 *end, struct vmm_error *err)
{
    u64 low = guest_low_bytes(boot->memory_bytes);
    u64 file_bytes = boot->kernel->bytes - kernel_offset(h);
    u64 need = MAX(file_bytes, (u64)h->init_size);
    u64 lowest = ALIGN_UP(GUEST_RAM_ABOVE_1M, (u64)h->kernel_alignment);

    *at = h->pref_address;
    if (h->relocatable_kernel && (*at < GUEST_RAM_ABOVE_1M || *at >= low || need > low - *at))
        *at = lowest;
    *end = *at + need;
    if (*at >= GUEST_RAM_ABOVE_1M && *at < low && need <= low - *at)
        return 0;
    vmm_error_set(err, "semantic", "/memory/size_bytes", "Give the VM more memory.",
                  "The kernel needs %llu bytes from address 0x%llx on.", (unsigned long long)need,
                  (unsigned long long)*at);
    return -EINVAL;
}

static int write_gdt(const struct guest_sink *sink)
{
    return sink->write(sink->cookie, GUEST_GDT, boot_gdt, sizeof(boot_gdt));
}

/* Maps the first 4 GiB to themselves: PML4, PDPT, then page directories of 2 MiB pages. */
static int write_page_tables(const struct guest_sink *sink)
{
    u64 pdpt = GUEST_PAGE_TABLES + PAGE_SIZE;
    u64 directory = pdpt + PAGE_SIZE;
    u64 table[PTE_COUNT] = {pdpt | PTE_P | PTE_RW};
    int rc = sink->write(sink->cookie, GUEST_PAGE_TABLES, table, sizeof(table));

    for (u64 i = 0; i < GIB_MAPPED; i++)
        table[i] = (directory + i * PAGE_SIZE) | PTE_P | PTE_RW;
    if (rc == 0)
        rc = sink->write(sink->cookie, pdpt, table, sizeof(table));
    for (u64 gib = 0; rc == 0 && gib < GIB_MAPPED; gib++) {
        for (u64 i = 0; i < PTE_COUNT; i++)
            table[i] = (gib * PAGE_1G + i * PAGE_2M) | PTE_P | PTE_RW | PTE_PS;
        rc = sink->write(sink->cookie, directory + gib * PAGE_SIZE, table, sizeof(table));
    }
    return rc;
}

static int write_cmdline(const struct guest_boot *boot, const struct setup_header *h,
                         struct vmm_error *err)
{
    size_t length = strlen(boot->cmdline);

    if (length > h->cmdline_size) {
        vmm_error_set(err, "semantic", "/boot/cmdline", "Shorten it.",
                      "This kernel takes at most %u bytes of command line.", h->cmdline_size);
        return -EINVAL;
    }
    return boot->sink->write(boot->sink->cookie, GUEST_CMDLINE, boot->cmdline, length + 1);
}

static int write_e820(const struct guest_boot *boot)
{
    const struct guest_sink *sink = boot->sink;
    struct guest_map_entry map[GUEST_MAP_MAX];
    u32 count = guest_map_build(boot->memory_bytes, map);
    u8 entries = (u8)count;
    int rc = sink->write(sink->cookie, GUEST_BOOT_PARAMS + BP_E820_ENTRIES, &entries, 1);

    for (u32 i = 0; rc == 0 && i < count; i++) {
        struct e820_entry e = {map[i].base, map[i].bytes, map[i].type};

        rc = sink->write(sink->cookie, GUEST_BOOT_PARAMS + BP_E820_TABLE + i * sizeof(e), &e,
                         sizeof(e));
    }
    return rc;
}

/* The zero page: all zero but the kernel's own header, completed, the memory map and the RSDP's
 * address. */
static int write_boot_params(const struct guest_boot *boot, struct setup_header *h, u64 initrd,
                             u64 rsdp)
{
    const struct guest_sink *sink = boot->sink;
    /* Bytes beyond what the kernel's header claims to have belong to later fields of the zero page.
     */
    size_t header_bytes = MIN(sizeof(*h), (size_t)(0x202u + (h->jump >> 8) - SETUP_HEADER));
    int rc = sink->zero(sink->cookie, GUEST_BOOT_PARAMS, PAGE_SIZE);

    h->type_of_loader = LOADER_UNDEFINED;
    h->ramdisk_image = (u32)initrd;
    h->ramdisk_size = (u32)boot->initrd->bytes;
    h->cmd_line_ptr = (u32)GUEST_CMDLINE;
    h->setup_data = 0;
    if (rc == 0)
        rc = sink->write(sink->cookie, GUEST_BOOT_PARAMS + SETUP_HEADER, h, header_bytes);
    if (rc == 0)
        rc = sink->write(sink->cookie, GUEST_BOOT_PARAMS + BP_ACPI_RSDP_ADDR, &rsdp, sizeof(rsdp));
    return rc ? rc : write_e820(boot);
}

static int load_kernel(const struct guest_boot *boot, const struct setup_header *h, u64 at, u64 end,
                       struct vmm_error *err)
{
    u64 offset = kernel_offset(h);
    u64 bytes = boot->kernel->bytes - offset;
    int rc = blob_load(boot->kernel, offset, bytes, boot->sink, at);

    if (rc == 0)
        rc = boot->sink->zero(boot->sink->cookie, at + bytes, end - at - bytes);
    return rc ? reject(err, "it does not fit into the VM's memory") : 0;
}

int boot_linux(const struct guest_boot *boot, u64 rsdp, struct guest_cpu *cpu,
               struct vmm_error *err)
{
    u64 low = guest_low_bytes(boot->memory_bytes);
    struct setup_header h;
    u64 initrd;
    u64 at;
    u64 end;
    int rc = read_header(boot->kernel, &h, err);

    if (rc)
        return rc;
    if (boot->kernel->bytes <= kernel_offset(&h) + STARTUP_64)
        return reject(err, "it is too short");
    rc = place_kernel(boot, &h, &at, &end, err);
    if (rc == 0)
        rc = load_kernel(boot, &h, at, end, err);
    if (rc == 0)
        rc = initrd_load(boot, end, MIN(low, (u64)h.initrd_addr_max + 1), &initrd, err);
    if (rc == 0)
        rc = write_cmdline(boot, &h, err);
    if (rc)
        return rc;
    if (write_boot_params(boot, &h, initrd, rsdp) || write_gdt(boot->sink) ||
        write_page_tables(boot->sink))
        return reject(err, "there is no low memory to start it from");
    *cpu = (struct guest_cpu){
        .is_long = true,
        .rip = at + STARTUP_64,
        .rsp = GUEST_BOOT_STACK,
        .rsi = GUEST_BOOT_PARAMS,
        .cr3 = GUEST_PAGE_TABLES,
        .gdt_base = GUEST_GDT,
        .gdt_limit = sizeof(boot_gdt) - 1,
        .code_selector = BOOT_CS,
        .data_selector = BOOT_DS,
    };
    return 0;
}
