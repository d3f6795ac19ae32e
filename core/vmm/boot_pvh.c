/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PVH boot: program headers of both ELF classes are brought into one form, segments go to their
 * physical addresses above 1 MiB, and a note names the 32-bit entry point.
 */
#include "core/vmm/boot_pvh.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/guest_layout.h"
#include "core/vmm/guest_map.h"
#include "core/vmm/vmm_error.h"

#define ELF_MAGIC   0x464c457fu
#define ELFCLASS32  1u
#define ELFCLASS64  2u
#define ELFDATA2LSB 1u
#define EM_386      3u
#define EM_X86_64   62u
#define PT_LOAD     1u
#define PT_NOTE     4u
#define HEADERS_MAX 64u

#define XEN_ELFNOTE_PHYS32_ENTRY 18u
#define NOTE_NAME                "Xen"
#define NOTES_MAX                256u

struct elf_ident {
    u32 magic;
    u8 class;
    u8 data;
    u8 rest[10];
    u16 type;
    u16 machine;
    u32 version;
} packed;

struct elf32_tail {
    u32 entry;
    u32 phoff;
    u32 shoff;
    u32 flags;
    u16 ehsize;
    u16 phentsize;
    u16 phnum;
} packed;

struct elf64_tail {
    u64 entry;
    u64 phoff;
    u64 shoff;
    u32 flags;
    u16 ehsize;
    u16 phentsize;
    u16 phnum;
} packed;

struct elf32_phdr {
    u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
} packed;

struct elf64_phdr {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
} packed;

struct elf_note {
    u32 namesz, descsz, type;
} packed;

struct elf {
    const struct guest_blob *blob;
    bool is_64;
    u64 phoff;
    u32 phnum;
};

struct segment {
    u32 type;
    u64 offset;
    u64 paddr;
    u64 filesz;
    u64 memsz;
};

/* Start info and what it points to, one page at GUEST_START_INFO. */
#define START_INFO_MAGIC   0x336ec578u
#define START_INFO_VERSION 1u

struct start_info {
    u32 magic;
    u32 version;
    u32 flags;
    u32 nr_modules;
    u64 modlist_paddr;
    u64 cmdline_paddr;
    u64 rsdp_paddr;
    u64 memmap_paddr;
    u32 memmap_entries;
    u32 reserved;
} packed;

struct start_module {
    u64 paddr, size, cmdline_paddr, reserved;
} packed;

struct start_memmap {
    u64 addr, size;
    u32 type, reserved;
} packed;

struct start_page {
    struct start_info info;
    struct start_module module;
    struct start_memmap map[GUEST_MAP_MAX];
} packed;

_Static_assert(sizeof(struct start_info) == 56, "layout of hvm_start_info");
_Static_assert(sizeof(struct start_page) <= GUEST_BOOT_PARAMS - GUEST_START_INFO, "fits");

static int reject(struct vmm_error *err, const char *what)
{
    vmm_error_set(err, "semantic", "/boot/kernel",
                  "Upload an ELF file with a PVH entry note, or use \"direct\" for a bzImage.",
                  "The kernel image is not one that can be booted: %s.", what);
    return -EINVAL;
}

static int open_elf(struct elf *elf, struct vmm_error *err)
{
    struct elf_ident ident;
    struct elf32_tail t32;
    struct elf64_tail t64;
    u16 phentsize;

    if (blob_read(elf->blob, 0, &ident, sizeof(ident)) || ident.magic != ELF_MAGIC ||
        ident.data != ELFDATA2LSB || (ident.machine != EM_386 && ident.machine != EM_X86_64))
        return reject(err, "it is no x86 ELF file");
    elf->is_64 = ident.class == ELFCLASS64;
    if (elf->is_64 && blob_read(elf->blob, sizeof(ident), &t64, sizeof(t64)) == 0) {
        elf->phoff = t64.phoff;
        elf->phnum = t64.phnum;
        phentsize = t64.phentsize;
    } else if (ident.class == ELFCLASS32 &&
               blob_read(elf->blob, sizeof(ident), &t32, sizeof(t32)) == 0) {
        elf->phoff = t32.phoff;
        elf->phnum = t32.phnum;
        phentsize = t32.phentsize;
    } else {
        return reject(err, "its ELF header is damaged");
    }
    if (phentsize != (elf->is_64 ? sizeof(struct elf64_phdr) : sizeof(struct elf32_phdr)) ||
        elf->phnum == 0 || elf->phnum > HEADERS_MAX || elf->phoff > elf->blob->bytes)
        return reject(err, "its program headers are damaged");
    return 0;
}

/* Reads program header i. Return: 0, -EINVAL (beyond the file). */
static int read_segment(const struct elf *elf, u32 i, struct segment *out)
{
    struct elf64_phdr p64;
    struct elf32_phdr p32;

    if (elf->is_64) {
        if (blob_read(elf->blob, elf->phoff + i * sizeof(p64), &p64, sizeof(p64)))
            return -EINVAL;
        *out = (struct segment){p64.type, p64.offset, p64.paddr, p64.filesz, p64.memsz};
        return 0;
    }
    if (blob_read(elf->blob, elf->phoff + i * sizeof(p32), &p32, sizeof(p32)))
        return -EINVAL;
    *out = (struct segment){p32.type, p32.offset, p32.paddr, p32.filesz, p32.memsz};
    return 0;
}

static int load_segment(const struct guest_boot *boot, const struct segment *s, u64 *end,
                        struct vmm_error *err)
{
    const struct guest_sink *sink = boot->sink;
    u64 low = guest_low_bytes(boot->memory_bytes);

    if (s->memsz == 0)
        return 0;
    if (s->filesz > s->memsz || s->offset > boot->kernel->bytes ||
        s->filesz > boot->kernel->bytes - s->offset)
        return reject(err, "a segment is damaged");
    if (s->paddr < GUEST_RAM_ABOVE_1M || s->paddr >= low || s->memsz > low - s->paddr)
        return reject(err, "a segment lies outside of the VM's memory");
    if (blob_load(boot->kernel, s->offset, s->filesz, sink, s->paddr) ||
        sink->zero(sink->cookie, s->paddr + s->filesz, s->memsz - s->filesz))
        return reject(err, "a segment lies outside of the VM's memory");
    *end = MAX(*end, s->paddr + s->memsz);
    return 0;
}

/* Looks at one note at `at`. Return: true if it is the entry point. Always moves *at past the note.
 */
static bool match_note(const struct elf *elf, u64 *at, u64 *entry)
{
    struct elf_note note;
    char name[sizeof(NOTE_NAME)];
    u32 value;
    u64 desc;

    if (blob_read(elf->blob, *at, &note, sizeof(note))) {
        *at = elf->blob->bytes;
        return false;
    }
    desc = *at + sizeof(note) + ALIGN_UP((u64)note.namesz, 4ull);
    if (note.type == XEN_ELFNOTE_PHYS32_ENTRY && note.namesz == sizeof(name) &&
        note.descsz >= sizeof(value) &&
        blob_read(elf->blob, *at + sizeof(note), name, sizeof(name)) == 0 &&
        memcmp(name, NOTE_NAME, sizeof(name)) == 0 &&
        blob_read(elf->blob, desc, &value, sizeof(value)) == 0) {
        *entry = value;
        return true;
    }
    *at = desc + ALIGN_UP((u64)note.descsz, 4ull);
    return false;
}

static bool find_entry(const struct elf *elf, const struct segment *notes, u64 *entry)
{
    u64 at = notes->offset;

    if (notes->offset > elf->blob->bytes || notes->filesz > elf->blob->bytes - notes->offset)
        return false;
    for (u32 i = 0; i < NOTES_MAX && at < notes->offset + notes->filesz; i++)
        if (match_note(elf, &at, entry))
            return true;
    return false;
}

/* Loads all segments. Out: entry point, and the end of the highest segment. */
static int load_elf(const struct guest_boot *boot, u64 *entry, u64 *end, struct vmm_error *err)
{
    struct elf elf = {.blob = boot->kernel};
    bool has_entry = false;
    int rc = open_elf(&elf, err);

    *end = GUEST_RAM_ABOVE_1M;
    for (u32 i = 0; rc == 0 && i < elf.phnum; i++) {
        struct segment s;

        if (read_segment(&elf, i, &s))
            return reject(err, "its program headers are damaged");
        if (s.type == PT_LOAD)
            rc = load_segment(boot, &s, end, err);
        else if (s.type == PT_NOTE && !has_entry)
            has_entry = find_entry(&elf, &s, entry);
    }
    if (rc == 0 && !has_entry)
        return reject(err, "it has no PVH entry note");
    return rc;
}

static int write_start_info(const struct guest_boot *boot, u64 initrd, u64 rsdp)
{
    const struct guest_sink *sink = boot->sink;
    struct guest_map_entry map[GUEST_MAP_MAX];
    u32 count = guest_map_build(boot->memory_bytes, map);
    struct start_page page = {
        .info = {.magic = START_INFO_MAGIC,
                 .version = START_INFO_VERSION,
                 .nr_modules = boot->initrd->bytes ? 1 : 0,
                 .modlist_paddr = GUEST_START_INFO + offsetof(struct start_page, module),
                 .cmdline_paddr = GUEST_CMDLINE,
                 .rsdp_paddr = rsdp,
                 .memmap_paddr = GUEST_START_INFO + offsetof(struct start_page, map),
                 .memmap_entries = count},
        .module = {.paddr = initrd, .size = boot->initrd->bytes},
    };
    int rc;

    for (u32 i = 0; i < count; i++)
        page.map[i] = (struct start_memmap){map[i].base, map[i].bytes, map[i].type, 0};
    rc = sink->write(sink->cookie, GUEST_START_INFO, &page, sizeof(page));
    return rc ? rc
              : sink->write(sink->cookie, GUEST_CMDLINE, boot->cmdline, strlen(boot->cmdline) + 1);
}

int boot_pvh(const struct guest_boot *boot, u64 rsdp, struct guest_cpu *cpu, struct vmm_error *err)
{
    u64 low = guest_low_bytes(boot->memory_bytes);
    u64 entry = 0;
    u64 initrd;
    u64 end;
    int rc = load_elf(boot, &entry, &end, err);

    if (rc == 0)
        rc = initrd_load(boot, end, low, &initrd, err);
    if (rc)
        return rc;
    if (write_start_info(boot, initrd, rsdp))
        return reject(err, "there is no low memory to start it from");
    *cpu = (struct guest_cpu){.rip = entry, .rbx = GUEST_START_INFO};
    return 0;
}
