/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/boot_pvh.c core/vmm/guest_map.c core/vmm/guest_sink.c core/vmm/vmm_error.c
 * core/lib/printf.c
 */
/* ELF kernels of both classes are loaded by their PVH note; damaged ones are refused. */
#include "tests/unit/harness.h"

#include <elf.h>
#include <stdlib.h>

#include "core/vmm/boot_pvh.h"
#include "core/vmm/guest_layout.h"
#include "tests/unit/guest_ram.h"

#define RSDP  0xe0000
#define LOAD  0x100000
#define ENTRY 0x100040

static u8 image[0x4000];
static u8 initrd_bytes[3000];

struct note {
    u32 namesz, descsz, type;
    char name[4];
    u32 desc;
};

static const struct note other_note = {4, 4, 6, "Xen", 1};
static const struct note entry_note = {4, 4, 18, "Xen", ENTRY};

/* ELF64: notes at 0x200 (one strange one first), one segment of 0x1000 bytes in the file and 0x3000
 * in memory. */
static void make_elf64(void)
{
    Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                    .e_type = ET_EXEC,
                    .e_machine = EM_X86_64,
                    .e_phoff = 64,
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = 2};
    Elf64_Phdr p[2] = {{.p_type = PT_LOAD,
                        .p_offset = 0x1000,
                        .p_paddr = LOAD,
                        .p_filesz = 0x1000,
                        .p_memsz = 0x3000},
                       {.p_type = PT_NOTE, .p_offset = 0x200, .p_filesz = 2 * sizeof(struct note)}};

    memset(image, 0x11, sizeof(image));
    memset(guest_ram, 0xcc, sizeof(guest_ram));
    memcpy(image, &e, sizeof(e));
    memcpy(image + 64, p, sizeof(p));
    memcpy(image + 0x200, &other_note, sizeof(other_note));
    memcpy(image + 0x200 + sizeof(other_note), &entry_note, sizeof(entry_note));
}

static void make_elf32(void)
{
    Elf32_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, 1},
                    .e_type = ET_EXEC,
                    .e_machine = EM_386,
                    .e_phoff = 64,
                    .e_phentsize = sizeof(Elf32_Phdr),
                    .e_phnum = 2};
    Elf32_Phdr p[2] = {{.p_type = PT_LOAD,
                        .p_offset = 0x1000,
                        .p_paddr = LOAD,
                        .p_filesz = 0x1000,
                        .p_memsz = 0x3000},
                       {.p_type = PT_NOTE, .p_offset = 0x200, .p_filesz = sizeof(struct note)}};

    memset(image, 0x11, sizeof(image));
    memset(guest_ram, 0xcc, sizeof(guest_ram));
    memcpy(image, &e, sizeof(e));
    memcpy(image + 64, p, sizeof(p));
    memcpy(image + 0x200, &entry_note, sizeof(entry_note));
}

static int boot(u64 initrd_size, struct guest_cpu *cpu, struct vmm_error *err)
{
    struct guest_blob kernel = array_blob(image, sizeof(image));
    struct guest_blob initrd = array_blob(initrd_bytes, initrd_size);
    struct guest_boot b = {&guest_ram_sink, &kernel, &initrd, "hello", GUEST_RAM_BYTES};

    return boot_pvh(&b, RSDP, cpu, err);
}

static void check_loaded(void)
{
    struct guest_cpu cpu;
    struct vmm_error err;
    u64 info = GUEST_START_INFO;
    u64 module;

    CHECK_EQ(boot(sizeof(initrd_bytes), &cpu, &err), 0);
    CHECK(!cpu.is_long);
    CHECK_EQ(cpu.rip, ENTRY);
    CHECK_EQ(cpu.rbx, info);
    CHECK_EQ(guest_ram[LOAD + 0xfff], 0x11);
    CHECK_EQ(guest_ram[LOAD + 0x1000], 0);
    CHECK_EQ(guest_ram[LOAD + 0x2fff], 0);
    CHECK_EQ(guest_ram[LOAD + 0x3000], 0xcc);
    CHECK_EQ(guest_get(info, 4), 0x336ec578);
    CHECK_EQ(guest_get(info + 4, 4), 1);
    CHECK_EQ(guest_get(info + 12, 4), 1);
    module = guest_get(info + 16, 8);
    CHECK_STR((const char *)guest_ram + guest_get(info + 24, 8), "hello");
    CHECK_EQ(guest_get(info + 32, 8), RSDP);
    CHECK_EQ(guest_get(info + 48, 4), 5);
    CHECK_EQ(guest_get(guest_get(info + 40, 8) + 3 * 24, 8), MiB);
    CHECK_EQ(guest_get(module + 8, 8), sizeof(initrd_bytes));
    CHECK(memcmp(guest_ram + guest_get(module, 8), initrd_bytes, sizeof(initrd_bytes)) == 0);
}

TEST(loads_elf64)
{
    make_elf64();
    check_loaded();
}

TEST(loads_elf32)
{
    make_elf32();
    check_loaded();
}

static void check_refused(u64 offset, u64 value, unsigned bytes, const char *what)
{
    struct guest_cpu cpu;
    struct vmm_error err = {0};

    make_elf64();
    memcpy(image + offset, &value, bytes);
    CHECK_EQ(boot(0, &cpu, &err), -EINVAL);
    CHECK(strstr(err.text, what) != NULL);
}

TEST(damaged_files_are_refused)
{
    check_refused(0, 0, 4, "no x86 ELF");
    check_refused(5, 2, 1, "no x86 ELF");
    check_refused(18, 40, 2, "no x86 ELF");
    check_refused(4, 7, 1, "ELF header");
    check_refused(32, ~0ull, 8, "program headers");
    check_refused(56, 0, 2, "program headers");
    check_refused(56, 65, 2, "program headers");
    check_refused(54, 32, 2, "program headers");
    check_refused(64 + 24, 0x1000, 8, "outside"); /* below 1 MiB */
    check_refused(64 + 24, GUEST_RAM_BYTES, 8, "outside");
    check_refused(64 + 40, ~0ull, 8, "outside");             /* memsz */
    check_refused(64 + 32, 0x5000, 8, "segment is damaged"); /* filesz */
    check_refused(64 + 8, ~0ull, 8, "segment is damaged");
    check_refused(64 + 56 + 8, ~0ull, 8, "no PVH entry"); /* note offset */
    check_refused(0x200 + 20 + 8, 7, 4, "no PVH entry");
    check_refused(0x200, ~0u, 4, "no PVH entry"); /* name size */
}

TEST(random_damage)
{
    struct guest_cpu cpu;
    struct vmm_error err;

    srand(11);
    for (int i = 0; i < 2000; i++) {
        make_elf64();
        for (int n = 0; n < 3; n++)
            image[rand() % 0x240] = (u8)rand();
        (void)!boot(0, &cpu, &err);
    }
}
