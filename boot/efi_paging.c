/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hand-over page tables: identity map, direct map of RAM, kernel by segments.
 *
 * They live until the kernel's own tables are loaded; CPUs that start later pass through them once.
 */
#include "boot/loader.h"

#include "mm/layout.h"

#define PTE_P         0x001ull
#define PTE_W         0x002ull
#define PTE_PS        0x080ull
#define PTE_NX        (1ull << 63)
#define ENTRIES       512
#define PML4_INDEX(a) (((a) >> 39) & 511)
#define PDPT_INDEX(a) (((a) >> 30) & 511)
#define PD_INDEX(a)   (((a) >> 21) & 511)
#define PT_INDEX(a)   (((a) >> 12) & 511)
#define MSR_EFER      0xc0000080
#define EFER_NXE      0x800

static u64 *table_new(struct boot_info *info)
{
    return loader_alloc(info, PAGE_SIZE, 0xffffffff);
}

/* The table an entry points to, made if it is not there yet. */
static u64 *table_below(struct boot_info *info, u64 *entry)
{
    if ((*entry & PTE_P) == 0)
        *entry = (u64)table_new(info) | PTE_P | PTE_W;
    return (u64 *)(*entry & ~PAGE_MASK & ~PTE_NX);
}

static int has_1g_pages(void)
{
    u32 eax = 0x80000001, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (edx >> 26) & 1;
}

/* One PDPT for 512 GiB, used twice: executable as identity map, non-executable as direct map. */
static void map_ram(struct boot_info *info, u64 *pml4, u64 top)
{
    int large = has_1g_pages();

    for (u64 base = 0; base < top; base += 512 * GiB) {
        u64 *pdpt = table_new(info);

        for (u64 a = base; a < top && a < base + 512 * GiB; a += GiB) {
            u64 *pd;

            if (large) {
                pdpt[PDPT_INDEX(a)] = a | PTE_P | PTE_W | PTE_PS;
                continue;
            }
            pd = table_below(info, &pdpt[PDPT_INDEX(a)]);
            for (u64 i = 0; i < ENTRIES; i++)
                pd[i] = (a + i * PAGE_2M) | PTE_P | PTE_W | PTE_PS;
        }
        pml4[PML4_INDEX(base)] = (u64)pdpt | PTE_P | PTE_W;
        pml4[PML4_INDEX(DIRECT_MAP_BASE + base)] = (u64)pdpt | PTE_P | PTE_W | PTE_NX;
    }
}

static void map_segment(struct boot_info *info, u64 *pml4, const struct elf_segment *s)
{
    u64 flags = PTE_P | (s->is_writable ? PTE_W : 0) | (s->is_executable ? 0 : PTE_NX);

    for (u64 a = s->vaddr; a < s->vaddr + s->memory_bytes; a += PAGE_SIZE) {
        u64 *pdpt = table_below(info, &pml4[PML4_INDEX(a)]);
        u64 *pd = table_below(info, &pdpt[PDPT_INDEX(a)]);
        u64 *pt = table_below(info, &pd[PD_INDEX(a)]);

        pt[PT_INDEX(a)] = (info->kernel_base + (a - KERNEL_BASE)) | flags;
    }
}

void efi_paging_build(struct boot_info *info, const struct elf_plan *plan, u64 top_of_ram)
{
    u64 *pml4 = table_new(info);
    u32 lo, hi;

    map_ram(info, pml4, top_of_ram);
    for (u32 i = 0; i < plan->segment_count; i++)
        map_segment(info, pml4, &plan->segments[i]);
    info->handover_cr3 = (u64)pml4;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_EFER));
    __asm__ volatile("wrmsr" ::"c"(MSR_EFER), "a"(lo | EFER_NXE), "d"(hi));
}
