/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks an ELF64 image and copies its segments; every offset is checked before it is used. */
#include "boot/elf_load.h"

#define ELF_MAGIC   0x464c457fu
#define ELF_CLASS64 2
#define ELF_LITTLE  1
#define ELF_EXEC    2
#define ELF_X86_64  62
#define ELF_PT_LOAD 1
#define ELF_PF_X    1
#define ELF_PF_W    2
#define IMAGE_MAX   (64 * MiB)

struct elf_header {
    u32 magic;
    u8 class, data, ident[10];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};

/* Eight bytes a step: an emulator that counts instructions counts steps. */
static void copy_bytes(void *dst, const void *src, u64 n)
{
    u64 words = n / 8, rest = n % 8;

    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(rest)::"memory");
}

static void zero_bytes(void *dst, u64 n)
{
    u64 words = n / 8, rest = n % 8;

    __asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(0) : "memory");
    __asm__ volatile("rep stosb" : "+D"(dst), "+c"(rest) : "a"(0) : "memory");
}

static const char *check_header(const struct elf_header *h, u64 bytes)
{
    if (h->magic != ELF_MAGIC || h->class != ELF_CLASS64 || h->data != ELF_LITTLE)
        return "the hypervisor's image is no 64-bit ELF file";
    if (h->type != ELF_EXEC || h->machine != ELF_X86_64)
        return "the hypervisor's image is not for x86-64";
    if (h->phentsize != sizeof(struct elf_phdr) || h->phoff > bytes ||
        (bytes - h->phoff) / sizeof(struct elf_phdr) < h->phnum)
        return "the hypervisor's image has program headers outside the file";
    return NULL;
}

static const char *add_segment(struct elf_plan *plan, const struct elf_phdr *p, u64 bytes)
{
    struct elf_segment *s;
    u64 previous_end = 0;

    if (plan->segment_count == ELF_SEGMENTS_MAX)
        return "the hypervisor's image has too many segments";
    if (p->offset > bytes || p->filesz > bytes - p->offset || p->filesz > p->memsz)
        return "the hypervisor's image has a segment outside the file";
    if ((p->vaddr & PAGE_MASK) != 0 || p->memsz > IMAGE_MAX || p->vaddr + p->memsz < p->vaddr)
        return "the hypervisor's image has a segment with impossible addresses";
    if ((p->flags & ELF_PF_W) != 0 && (p->flags & ELF_PF_X) != 0)
        return "the hypervisor's image has a segment both writable and executable";
    if (plan->segment_count > 0) {
        s = &plan->segments[plan->segment_count - 1];
        previous_end = (s->vaddr + s->memory_bytes + PAGE_MASK) & ~PAGE_MASK;
    }
    if (p->vaddr < previous_end)
        return "the hypervisor's image has segments that overlap or are out of order";
    plan->segments[plan->segment_count++] = (struct elf_segment){
        .vaddr = p->vaddr,
        .file_offset = p->offset,
        .file_bytes = p->filesz,
        .memory_bytes = p->memsz,
        .is_writable = (p->flags & ELF_PF_W) != 0,
        .is_executable = (p->flags & ELF_PF_X) != 0,
    };
    return NULL;
}

static bool entry_is_code(const struct elf_plan *plan)
{
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *s = &plan->segments[i];

        if (s->is_executable && plan->entry >= s->vaddr && plan->entry - s->vaddr < s->file_bytes)
            return true;
    }
    return false;
}

const char *elf_plan_make(const void *image, u64 bytes, struct elf_plan *plan)
{
    struct elf_header header;
    const char *wrong;

    *plan = (struct elf_plan){0};
    if (bytes < sizeof header)
        return "the hypervisor's image is cut off";
    copy_bytes(&header, image, sizeof header);
    wrong = check_header(&header, bytes);
    if (wrong != NULL)
        return wrong;
    plan->entry = header.entry;
    for (u32 i = 0; i < header.phnum; i++) {
        struct elf_phdr p;

        copy_bytes(&p, (const u8 *)image + header.phoff + i * sizeof p, sizeof p);
        if (p.type != ELF_PT_LOAD || p.memsz == 0)
            continue;
        wrong = add_segment(plan, &p, bytes);
        if (wrong != NULL)
            return wrong;
    }
    if (plan->segment_count == 0 || !entry_is_code(plan))
        return "the hypervisor's image has no entry point in its code";
    plan->low = plan->segments[0].vaddr;
    plan->high = plan->segments[plan->segment_count - 1].vaddr +
                 plan->segments[plan->segment_count - 1].memory_bytes;
    plan->high = (plan->high + PAGE_MASK) & ~PAGE_MASK;
    if (plan->high - plan->low > IMAGE_MAX)
        return "the hypervisor's image is too large";
    return NULL;
}

void elf_plan_load(const struct elf_plan *plan, const void *image, void *memory)
{
    u64 done = plan->low;
    u8 *base = memory;

    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *s = &plan->segments[i];

        zero_bytes(base + (done - plan->low), s->vaddr - done);
        copy_bytes(base + (s->vaddr - plan->low), (const u8 *)image + s->file_offset,
                   s->file_bytes);
        done = s->vaddr + s->file_bytes;
    }
    zero_bytes(base + (done - plan->low), plan->high - done);
}
