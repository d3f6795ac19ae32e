/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's own page tables, built with the walker of slat.c from a host format: "guest" addresses
 * there are the low 48 bits of virtual ones.
 *
 * Nothing is writable and executable: the kernel by sections, RAM never executable, the pages of
 * the kernel image not even writable through the direct map. The windows for devices and stacks
 * have their upper tables from the start, so every address space that copies the upper half of the
 * root shares them for ever. Stack slots have all their tables, so stacks come and go without
 * leaving any behind.
 */
#include "mm/hpt.h"

#include <cpuid.h>

#include "boot/boot_info.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/spinlock.h"
#include "mm/layout.h"
#include "mm/memmap.h"
#include "mm/pmm.h"
#include "mm/slat.h"

/* Spec: APM 2 "Page-Translation-Table Entry Fields". */
#define PTE_P       BIT(0)
#define PTE_RW      BIT(1)
#define PTE_PWT     BIT(3)
#define PTE_PCD     BIT(4)
#define PTE_A       BIT(5)
#define PTE_D       BIT(6)
#define PTE_PS      BIT(7)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define PTE_NX      BIT(63)

#define CPUID_EXTENDED_1   0x80000001u
#define CPUID_EDX_1G_PAGES BIT(26)

#define ROOT_ENTRIES 512u
#define VA_MASK      (BIT(48) - 1)

#define READ_ONLY  SLAT_READ
#define READ_WRITE (SLAT_READ | SLAT_WRITE)
#define EXECUTE    (SLAT_READ | SLAT_EXEC)

#define DEVICE_MAPS_MAX 128u

#define KSTACK_SLOTS      2048u
#define KSTACK_SLOT_BYTES (PAGE_SIZE + KSTACK_BYTES) /* guard page below */
#define KSTACK_ORDER      2u
#define SLOT_WORD_BITS    64u

_Static_assert(PAGE_SIZE << KSTACK_ORDER == KSTACK_BYTES, "a stack is one block");

struct device_map {
    u64 base;
    u64 bytes;
    enum hpt_cache cache;
    u64 va;
};

static struct {
    struct spinlock lock;
    struct slat tables;
    struct device_map devices[DEVICE_MAPS_MAX];
    u32 device_count;
    u64 device_next; /* first unused address of the window */
    u64 slots_used[KSTACK_SLOTS / SLOT_WORD_BITS];
    void (*shootdown)(void);
} hpt = {.lock = SPINLOCK_INIT("hpt", LOCK_HPT), .device_next = DEVICE_WINDOW_BASE};

static u64 host_leaf(hpa_t page, u64 page_bytes, unsigned access, u64 cache)
{
    return page.v | PTE_P | PTE_A | PTE_D | cache | (access & SLAT_WRITE ? PTE_RW : 0) |
           (access & SLAT_EXEC ? 0 : PTE_NX) | (page_bytes > PAGE_SIZE ? PTE_PS : 0);
}

/* Cacheability is the format's, not the walker's: large pages are fine for device memory here. */
static u64 host_leaf_wb(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    (void)type;
    return host_leaf(page, page_bytes, access, 0);
}

static u64 host_leaf_uc(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    (void)type;
    return host_leaf(page, page_bytes, access, PTE_PCD | PTE_PWT);
}

static u64 host_leaf_wc(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    (void)type;
    return host_leaf(page, page_bytes, access, PTE_PWT); /* entry 1 of HPT_PAT */
}

static u64 host_table(hpa_t table)
{
    return table.v | PTE_P | PTE_RW | PTE_A;
}

static bool host_is_present(u64 entry)
{
    return (entry & PTE_P) != 0;
}

static bool host_is_leaf(u64 entry, unsigned level)
{
    return level == 1 || (entry & PTE_PS) != 0;
}

static hpa_t host_address(u64 entry)
{
    return hpa(entry & PTE_ADDRESS);
}

static unsigned host_access(u64 entry)
{
    return (unsigned)(SLAT_READ | (entry & PTE_RW ? SLAT_WRITE : 0) |
                      (entry & PTE_NX ? 0 : SLAT_EXEC));
}

/* By enum hpt_cache. page_sizes: 1 GiB is added if the CPU has it. */
static struct slat_format formats[] = {
    [HPT_WB] = {"host", 4, PAGE_SIZE | PAGE_2M, host_leaf_wb, host_table, host_is_present,
                host_is_leaf, host_address, host_access},
    [HPT_UC] = {"host UC", 4, PAGE_SIZE | PAGE_2M, host_leaf_uc, host_table, host_is_present,
                host_is_leaf, host_address, host_access},
    [HPT_WC] = {"host WC", 4, PAGE_SIZE | PAGE_2M, host_leaf_wc, host_table, host_is_present,
                host_is_leaf, host_address, host_access},
};

static gpa_t low_bits(u64 va)
{
    return gpa(va & VA_MASK);
}

static int map(u64 va, u64 host, u64 bytes, unsigned access, enum hpt_cache cache)
{
    int rc;

    hpt.tables.format = &formats[cache];
    rc = slat_map(&hpt.tables, low_bits(va), hpa(host), bytes, access, SLAT_MEM_WB);
    hpt.tables.format = &formats[HPT_WB];
    return rc;
}

static int map_section(const struct boot_info *info, const u8 *start, const u8 *end,
                       unsigned access)
{
    return map((u64)start, info->kernel_base + ((u64)start - KERNEL_BASE), (u64)(end - start),
               access, HPT_WB);
}

static int map_kernel(const struct boot_info *info)
{
    int rc = map_section(info, kernel_text_start, kernel_text_end, EXECUTE);

    if (rc == 0)
        rc = map_section(info, kernel_rodata_start, kernel_rodata_end, READ_ONLY);
    if (rc == 0)
        rc = map_section(info, kernel_data_start, kernel_data_end, READ_WRITE);
    return rc;
}

/* How a kind of region appears in the direct map; 0: not at all. */
static unsigned direct_access(u32 kind)
{
    switch (kind) {
    case BOOT_REGION_USABLE:
    case BOOT_REGION_LOADER:
    case BOOT_REGION_MODULE:
        return READ_WRITE;
    case BOOT_REGION_ACPI:
    case BOOT_REGION_KERNEL:
    case BOOT_REGION_RUNTIME_DATA:
        return READ_ONLY;
    default:
        return 0;
    }
}

/*
 * Maps all regions of one access. Regions that overlap get the lesser access: usable RAM loses to
 * everything, and what is not mapped at all wins over all. A piece lost to a full table is RAM that
 * nobody hands out.
 */
static int map_direct(const struct boot_info *info, unsigned access)
{
    static struct memmap ranges; /* too large for the stack */
    u32 count = MIN(info->region_count, BOOT_REGIONS_MAX);

    memmap_init(&ranges);
    for (u32 i = 0; i < count; i++)
        if (direct_access(info->regions[i].kind) == access)
            (void)!memmap_add(&ranges, info->regions[i].base, info->regions[i].bytes);
    for (u32 i = 0; i < count; i++)
        if (direct_access(info->regions[i].kind) < access)
            (void)!memmap_remove(&ranges, info->regions[i].base, info->regions[i].bytes);
    for (u32 i = 0; i < ranges.count; i++) {
        u64 base = ranges.ranges[i].base;
        int rc = map(DIRECT_MAP_BASE + base, base, ranges.ranges[i].end - base, access, HPT_WB);

        if (rc)
            return rc;
    }
    return 0;
}

/* Upper tables of both windows, and all tables of the stacks. */
static int reserve_windows(void)
{
    int rc = slat_reserve(&hpt.tables, low_bits(DEVICE_WINDOW_BASE), DEVICE_WINDOW_BYTES, 3);

    if (rc == 0)
        rc = slat_reserve(&hpt.tables, low_bits(KSTACK_WINDOW_BASE),
                          KSTACK_SLOTS * KSTACK_SLOT_BYTES, 1);
    return rc;
}

static void detect_page_sizes(void)
{
    u32 eax;
    u32 ebx;
    u32 ecx;
    u32 edx;

    if (__get_cpuid(CPUID_EXTENDED_1, &eax, &ebx, &ecx, &edx) && (edx & CPUID_EDX_1G_PAGES))
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
            formats[i].page_sizes |= PAGE_1G;
}

int hpt_init(const struct boot_info *info)
{
    int rc;

    detect_page_sizes();
    rc = slat_init_for(&hpt.tables, &formats[HPT_WB], PMM_HYPERVISOR);
    if (rc == 0)
        rc = map_kernel(info);
    if (rc == 0)
        rc = map_direct(info, READ_WRITE);
    if (rc == 0)
        rc = map_direct(info, READ_ONLY);
    if (rc == 0)
        rc = reserve_windows();
    return rc;
}

void hpt_set_shootdown(void (*fn)(void))
{
    hpt.shootdown = fn;
}

hpa_t hpt_root(void)
{
    return hpt.tables.root;
}

int hpt_build_firmware_root(const struct boot_info *info, hpa_t *cr3)
{
    static struct slat tables; /* lives for ever, as its root does */
    u32 count = MIN(info->region_count, BOOT_REGIONS_MAX);
    u32 mapped = 0;
    u64 *root;
    int rc = slat_init_for(&tables, &formats[HPT_WB], PMM_HYPERVISOR);

    for (u32 i = 0; rc == 0 && i < count; i++) {
        const struct boot_region *r = &info->regions[i];
        bool is_code = r->kind == BOOT_REGION_RUNTIME_CODE;

        if (!is_code && r->kind != BOOT_REGION_RUNTIME_DATA)
            continue;
        mapped++;
        rc = slat_map(&tables, gpa(r->base), hpa(r->base), r->bytes,
                      is_code ? READ_WRITE | SLAT_EXEC : READ_WRITE, SLAT_MEM_WB);
    }
    if (rc)
        return rc;
    if (mapped == 0)
        return -ENODEV;
    root = hpa_to_ptr(tables.root);
    memcpy(root + ROOT_ENTRIES / 2, (u64 *)hpa_to_ptr(hpt.tables.root) + ROOT_ENTRIES / 2,
           ROOT_ENTRIES / 2 * sizeof(u64));
    *cr3 = tables.root;
    return 0;
}

/* The mapping that is there already, or NULL. */
static const struct device_map *device_find(u64 base, u64 bytes, enum hpt_cache cache)
{
    for (u32 i = 0; i < hpt.device_count; i++) {
        const struct device_map *d = &hpt.devices[i];

        if (d->base == base && d->bytes == bytes && d->cache == cache)
            return d;
    }
    return NULL;
}

/* Takes addresses that are as far from a 2 MiB border as the registers are, so that large pages
 * fit. */
static u64 device_reserve(u64 base, u64 bytes)
{
    u64 va =
        bytes < PAGE_2M ? hpt.device_next : ALIGN_UP(hpt.device_next, PAGE_2M) + base % PAGE_2M;

    if (bytes > DEVICE_WINDOW_BYTES || va + bytes > DEVICE_WINDOW_BASE + DEVICE_WINDOW_BYTES)
        return 0;
    hpt.device_next = va + bytes;
    return va;
}

static const struct device_map *device_add(u64 base, u64 bytes, enum hpt_cache cache)
{
    struct device_map *d = &hpt.devices[hpt.device_count];
    u64 va;

    if (hpt.device_count == DEVICE_MAPS_MAX)
        return NULL;
    va = device_reserve(base, bytes);
    if (va == 0 || map(va, base, bytes, READ_WRITE, cache))
        return NULL;
    *d = (struct device_map){base, bytes, cache, va};
    hpt.device_count++;
    return d;
}

volatile void *hpt_map_device(hpa_t base, u64 bytes, enum hpt_cache cache)
{
    u64 first = ALIGN_DOWN(base.v, PAGE_SIZE);
    u64 whole = ALIGN_UP(base.v + bytes, PAGE_SIZE) - first;
    const struct device_map *d;
    u64 flags = spin_lock_irqsave(&hpt.lock);

    d = device_find(first, whole, cache);
    if (!d)
        d = device_add(first, whole, cache);
    spin_unlock_irqrestore(&hpt.lock, flags);
    return d ? (volatile void *)(d->va + (base.v - first)) : NULL;
}

static u64 slot_stack(u32 slot)
{
    return KSTACK_WINDOW_BASE + slot * KSTACK_SLOT_BYTES + PAGE_SIZE;
}

/* Return: a free slot, or KSTACK_SLOTS. */
static u32 slot_find(void)
{
    for (u32 word = 0; word < ARRAY_SIZE(hpt.slots_used); word++)
        if (~hpt.slots_used[word])
            return word * SLOT_WORD_BITS + (u32)__builtin_ctzll(~hpt.slots_used[word]);
    return KSTACK_SLOTS;
}

static void slot_mark(u32 slot, bool used)
{
    u64 bit = BIT(slot % SLOT_WORD_BITS);

    if (used)
        hpt.slots_used[slot / SLOT_WORD_BITS] |= bit;
    else
        hpt.slots_used[slot / SLOT_WORD_BITS] &= ~bit;
}

void *kstack_alloc(void)
{
    void *stack = NULL;
    hpa_t block;
    u64 flags;
    u32 slot;

    if (pmm_alloc(KSTACK_ORDER, PMM_HYPERVISOR, false, &block))
        return NULL;
    flags = spin_lock_irqsave(&hpt.lock);
    slot = slot_find();
    if (slot < KSTACK_SLOTS &&
        map(slot_stack(slot), block.v, KSTACK_BYTES, READ_WRITE, HPT_WB) == 0) {
        slot_mark(slot, true);
        stack = (void *)slot_stack(slot);
    }
    spin_unlock_irqrestore(&hpt.lock, flags);
    if (!stack)
        pmm_free(block, KSTACK_ORDER, PMM_HYPERVISOR, false);
    return stack;
}

void kstack_free(void *stack)
{
    u32 slot = (u32)(((u64)stack - KSTACK_WINDOW_BASE) / KSTACK_SLOT_BYTES);
    struct slat_translation t;
    u64 flags;
    int rc;

    flags = spin_lock_irqsave(&hpt.lock);
    rc = slat_lookup(&hpt.tables, low_bits((u64)stack), &t);
    if (rc == 0)
        rc = slat_unmap(&hpt.tables, low_bits((u64)stack), KSTACK_BYTES);
    spin_unlock_irqrestore(&hpt.lock, flags);
    assert(rc == 0 && slot < KSTACK_SLOTS && (u64)stack == slot_stack(slot) && hpt.shootdown);

    hpt.shootdown();

    flags = spin_lock_irqsave(&hpt.lock);
    slot_mark(slot, false);
    spin_unlock_irqrestore(&hpt.lock, flags);
    pmm_free(t.host, KSTACK_ORDER, PMM_HYPERVISOR, true);
}

bool kstack_is_guard(u64 va)
{
    u64 offset = va - KSTACK_WINDOW_BASE;

    return offset < KSTACK_SLOTS * KSTACK_SLOT_BYTES && offset % KSTACK_SLOT_BYTES < PAGE_SIZE;
}
