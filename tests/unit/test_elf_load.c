/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: boot/elf_load.c */
/* The loader's ELF check, on a good image and on one broken field at a time. */
#include "boot/elf_load.h"
#include "tests/unit/harness.h"

#include <elf.h>
#include <string.h>

#define BASE  0xffffffff80000000ull
#define BYTES 0x4000

static struct {
    union {
        u8 bytes[BYTES];
        Elf64_Ehdr header;
    };
} image;

static Elf64_Phdr *segment(unsigned i)
{
    return (Elf64_Phdr *)(void *)(image.bytes + sizeof(Elf64_Ehdr)) + i;
}

static void make(void)
{
    memset(&image, 0, sizeof image);
    image.header = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
                                .e_type = ET_EXEC,
                                .e_machine = EM_X86_64,
                                .e_entry = BASE + 0x10,
                                .e_phoff = sizeof(Elf64_Ehdr),
                                .e_phentsize = sizeof(Elf64_Phdr),
                                .e_phnum = 2};
    *segment(0) = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = PF_R | PF_X,
                               .p_offset = 0x1000,
                               .p_vaddr = BASE,
                               .p_filesz = 0x800,
                               .p_memsz = 0x800};
    *segment(1) = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = PF_R | PF_W,
                               .p_offset = 0x2000,
                               .p_vaddr = BASE + 0x1000,
                               .p_filesz = 0x10,
                               .p_memsz = 0x1800};
    memset(image.bytes + 0x1000, 0x11, 0x800);
    memset(image.bytes + 0x2000, 0x22, 0x10);
}

static const char *plan(struct elf_plan *p)
{
    return elf_plan_make(&image, sizeof image, p);
}

TEST(a_good_image_is_loaded)
{
    static u8 memory[0x3000];
    struct elf_plan p;

    make();
    memset(memory, 0xee, sizeof memory);
    CHECK(plan(&p) == NULL);
    CHECK_EQ(p.segment_count, 2);
    CHECK_EQ(p.high - p.low, 0x3000);
    CHECK(p.segments[0].is_executable && !p.segments[0].is_writable);
    elf_plan_load(&p, &image, memory);
    CHECK_EQ(memory[0x7ff], 0x11);
    CHECK_EQ(memory[0x800], 0);
    CHECK_EQ(memory[0x100f], 0x22);
    CHECK_EQ(memory[0x1010], 0);
    CHECK_EQ(memory[0x2fff], 0);
}

#define REFUSED(change)          \
    do {                         \
        struct elf_plan p;       \
        make();                  \
        change;                  \
        CHECK(plan(&p) != NULL); \
    } while (0)

TEST(each_broken_field_is_refused)
{
    struct elf_plan p;

    REFUSED(image.header.e_ident[1] = 'X');
    REFUSED(image.header.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(image.header.e_machine = EM_386);
    REFUSED(image.header.e_phoff = BYTES - 8);
    REFUSED(image.header.e_phoff = ~0ull);
    REFUSED(image.header.e_phnum = 0xffff);
    REFUSED(image.header.e_phentsize = 1);
    REFUSED(image.header.e_entry = BASE + 0x1000); /* data */
    REFUSED(image.header.e_entry = BASE + 0x800);  /* behind the code */
    REFUSED(segment(0)->p_flags |= PF_W);
    REFUSED(segment(0)->p_offset = BYTES + 1);
    REFUSED(segment(0)->p_filesz = ~0ull);
    REFUSED(segment(0)->p_memsz = 0x100); /* smaller than in the file */
    REFUSED(segment(0)->p_vaddr = BASE + 1);
    REFUSED(segment(1)->p_vaddr = BASE); /* overlap */
    REFUSED(segment(1)->p_memsz = 1ull << 40);
    make();
    CHECK(elf_plan_make(&image, sizeof(Elf64_Ehdr) - 1, &p) != NULL);
}
