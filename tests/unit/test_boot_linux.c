/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/boot_linux.c core/vmm/guest_map.c core/vmm/guest_sink.c core/vmm/vmm_error.c
 * core/lib/printf.c
 */
/* A bzImage is placed as its header asks, and a damaged one is refused without touching what is not
 * the guest's. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "core/vmm/boot_linux.h"
#include "core/vmm/guest_layout.h"
#include "core/vmm/guest_map.h"
#include "tests/unit/guest_ram.h"

#define SETUP_BYTES  (5 * 512)
#define KERNEL_BYTES (SETUP_BYTES + 70000)
#define INIT_SIZE    (8 * MiB)
#define PREF         (16 * MiB)
#define RSDP         0xe0000

static u8 image[KERNEL_BYTES];
static u8 initrd_bytes[5000];

static void put(u64 offset, u64 value, unsigned bytes)
{
    memcpy(image + offset, &value, bytes);
}

static void make_image(void)
{
    memset(guest_ram, 0xcc, sizeof(guest_ram));
    for (u64 i = 0; i < sizeof(image); i++)
        image[i] = (u8)(i * 7 + i / 251);
    memset(image, 0, SETUP_BYTES);
    memset(initrd_bytes, 'I', sizeof(initrd_bytes));
    put(0x1f1, 4, 1);
    put(0x1fe, 0xaa55, 2);
    put(0x200, 0x6aeb, 2);
    put(0x202, 0x53726448, 4);
    put(0x206, 0x20f, 2);
    put(0x211, 1, 1);
    put(0x22c, 0x7fffffff, 4);
    put(0x230, 2 * MiB, 4);
    put(0x234, 1, 1);
    put(0x236, 1, 2);
    put(0x238, 2047, 4);
    put(0x258, PREF, 8);
    put(0x260, INIT_SIZE, 4);
}

static int boot_with(const char *cmdline, u64 initrd_size, u64 memory, struct guest_cpu *cpu,
                     struct vmm_error *err)
{
    struct guest_blob kernel = array_blob(image, sizeof(image));
    struct guest_blob initrd = array_blob(initrd_bytes, initrd_size);
    struct guest_boot boot = {&guest_ram_sink, &kernel, &initrd, cmdline, memory};

    return boot_linux(&boot, RSDP, cpu, err);
}

static void check_refused(const char *what)
{
    struct guest_cpu cpu;
    struct vmm_error err = {0};

    CHECK_EQ(boot_with("", 0, GUEST_RAM_BYTES, &cpu, &err), -EINVAL);
    CHECK(err.slug && err.hint[0]);
    CHECK(strstr(err.text, what) != NULL);
}

TEST(places_kernel_and_initrd)
{
    struct guest_cpu cpu;
    struct vmm_error err;
    u64 initrd;

    make_image();
    CHECK_EQ(boot_with("console=ttyS0", sizeof(initrd_bytes), GUEST_RAM_BYTES, &cpu, &err), 0);
    CHECK(cpu.is_long);
    CHECK_EQ(cpu.rip, PREF + 0x200);
    CHECK_EQ(cpu.rsi, GUEST_BOOT_PARAMS);
    CHECK(memcmp(guest_ram + PREF, image + SETUP_BYTES, KERNEL_BYTES - SETUP_BYTES) == 0);
    CHECK_EQ(guest_ram[PREF + INIT_SIZE - 1], 0);
    CHECK_EQ(guest_ram[PREF + INIT_SIZE], 0xcc);
    initrd = guest_get(GUEST_BOOT_PARAMS + 0x218, 4);
    CHECK_EQ(initrd % PAGE_SIZE, 0);
    CHECK(initrd + sizeof(initrd_bytes) <= GUEST_RAM_BYTES);
    CHECK(initrd + 2 * PAGE_SIZE >= GUEST_RAM_BYTES);
    CHECK_EQ(guest_get(GUEST_BOOT_PARAMS + 0x21c, 4), sizeof(initrd_bytes));
    CHECK(memcmp(guest_ram + initrd, initrd_bytes, sizeof(initrd_bytes)) == 0);
    CHECK_STR((const char *)guest_ram + guest_get(GUEST_BOOT_PARAMS + 0x228, 4), "console=ttyS0");
    CHECK_EQ(guest_get(GUEST_BOOT_PARAMS + 0x070, 8), RSDP);
    CHECK_EQ(guest_get(GUEST_BOOT_PARAMS + 0x1ef, 1), 0); /* sentinel */
    CHECK_EQ(guest_get(GUEST_BOOT_PARAMS + 0x210, 1), 0xff);
}

TEST(e820_matches_the_memory)
{
    struct guest_cpu cpu;
    struct vmm_error err;
    u64 ram = 0;

    make_image();
    CHECK_EQ(boot_with("", 0, GUEST_RAM_BYTES, &cpu, &err), 0);
    CHECK_EQ(guest_get(GUEST_BOOT_PARAMS + 0x1e8, 1), 5);
    for (u64 i = 0; i < 4; i++) {
        u64 e = GUEST_BOOT_PARAMS + 0x2d0 + i * 20;

        if (guest_get(e + 16, 4) == 1)
            ram += guest_get(e + 8, 8);
    }
    CHECK_EQ(ram, GUEST_RAM_BYTES - MiB + 0x9fc00);
}

TEST(map_of_a_large_guest_goes_around_the_hole)
{
    struct guest_map_entry map[GUEST_MAP_MAX];
    u32 count = guest_map_build(5 * GiB, map);

    CHECK_EQ(count, 6);
    CHECK_EQ(map[3].base + map[3].bytes, GUEST_LOW_RAM_END);
    CHECK_EQ(map[4].base, GUEST_PCI_ECAM);
    CHECK_EQ(map[4].type, GUEST_MAP_RESERVED);
    CHECK_EQ(map[5].base, GUEST_HIGH_RAM);
    CHECK_EQ(map[5].bytes, 2 * GiB);
    CHECK_EQ(guest_pci_mem64(5 * GiB), 16 * GiB);
    CHECK_EQ(guest_pci_mem64(15 * GiB), 16 * GiB); /* ends there, the hole included */
    CHECK_EQ(guest_pci_mem64(15 * GiB + PAGE_2M), 32 * GiB);
}

TEST(page_tables_are_an_identity)
{
    struct guest_cpu cpu;
    struct vmm_error err;

    make_image();
    CHECK_EQ(boot_with("", 0, GUEST_RAM_BYTES, &cpu, &err), 0);
    for (u64 va = 0; va < 4 * GiB; va += 511 * MiB) {
        u64 pml4e = guest_get(cpu.cr3, 8);
        u64 pdpte = guest_get((pml4e & ~0xfffull) + va / GiB * 8, 8);
        u64 pde = guest_get((pdpte & ~0xfffull) + va / PAGE_2M % 512 * 8, 8);

        CHECK_EQ(pml4e & pdpte & 3, 3);
        CHECK_EQ(pde, (va & ~(PAGE_2M - 1)) | 0x83);
    }
    CHECK_EQ(guest_get(cpu.gdt_base + cpu.code_selector, 8), 0x00af9b000000ffff);
}

TEST(small_guest_gets_the_kernel_lower)
{
    struct guest_cpu cpu;
    struct vmm_error err;

    make_image();
    CHECK_EQ(boot_with("", sizeof(initrd_bytes), 12 * MiB, &cpu, &err), 0);
    CHECK_EQ(cpu.rip, 2 * MiB + 0x200);
    put(0x234, 0, 1); /* not relocatable */
    CHECK_EQ(boot_with("", 0, 12 * MiB, &cpu, &err), -EINVAL);
    CHECK_STR(err.pointer, "/memory/size_bytes");
}

TEST(initrd_must_fit_beside_the_kernel)
{
    struct guest_cpu cpu;
    struct vmm_error err;

    make_image();
    CHECK_EQ(boot_with("", sizeof(initrd_bytes), 10 * MiB, &cpu, &err), -EINVAL);
    CHECK_STR(err.pointer, "/memory/size_bytes");
    put(0x22c, 1 * MiB, 4); /* initrd_addr_max below the kernel */
    CHECK_EQ(boot_with("", sizeof(initrd_bytes), GUEST_RAM_BYTES, &cpu, &err), -EINVAL);
}

TEST(long_command_line)
{
    struct guest_cpu cpu;
    struct vmm_error err;
    char cmdline[2050];

    make_image();
    memset(cmdline, 'x', sizeof(cmdline));
    cmdline[2047] = '\0';
    CHECK_EQ(boot_with(cmdline, 0, GUEST_RAM_BYTES, &cpu, &err), 0);
    cmdline[2047] = 'x';
    cmdline[2049] = '\0';
    CHECK_EQ(boot_with(cmdline, 0, GUEST_RAM_BYTES, &cpu, &err), -EINVAL);
    CHECK_STR(err.pointer, "/boot/cmdline");
}

TEST(damaged_headers_are_refused)
{
    make_image();
    put(0x202, 0, 4);
    check_refused("no Linux boot header");
    make_image();
    put(0x1fe, 0, 2);
    check_refused("no Linux boot header");
    make_image();
    put(0x206, 0x20b, 2);
    check_refused("older than 2.12");
    make_image();
    put(0x236, 0, 2);
    check_refused("no 64-bit entry");
    make_image();
    put(0x230, 3, 4);
    check_refused("alignment");
    make_image();
    put(0x230, 0, 4);
    check_refused("alignment");
    make_image();
    put(0x1f1, 255, 1); /* setup sectors beyond the file */
    check_refused("too short");
    make_image();
    put(0x260, 0xffffffff, 4);
    check_refused("needs");
    make_image();
    put(0x258, ~0ull, 8);
    put(0x234, 0, 1);
    check_refused("needs");
}

/* Whatever the header says, the loader stays inside the guest (checked by the sink and the
 * sanitizers). */
TEST(random_headers)
{
    struct guest_cpu cpu;
    struct vmm_error err;

    srand(5);
    for (int i = 0; i < 3000; i++) {
        make_image();
        for (int n = 0; n < 4; n++)
            image[0x1f1 + rand() % (0x26c - 0x1f1)] = (u8)rand();
        if (boot_with("a", 100, 32 * MiB, &cpu, &err) == 0)
            CHECK(cpu.rip >= MiB && cpu.rip < 32 * MiB);
    }
}
