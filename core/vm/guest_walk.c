/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's own address translation in software.
 *
 * One walker for all modes: a mode is a number of levels, an entry size and an index width. Entries
 * are read once each; accessed and dirty marks are set only after the whole walk was allowed. Spec:
 * APM 2 "Page Translation and Protection", "Segmented Virtual Memory".
 */
#include "core/vm/guest_walk.h"

#include "core/lib/errno.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_A  BIT(5)
#define PTE_D  BIT(6)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)

#define LEVELS_MAX        5u
#define INDEX_BITS_64     9u
#define TOP_SHIFT_64      39u /* of four levels */
#define ADDRESS_MASK      0x000ffffffffff000ull
#define ADDRESS_BITS_MAX  52u
#define CR3_PAE           0x00000000ffffffe0ull
#define LINEAR_32         0x00000000ffffffffull
#define PDPTE_RESERVED    0x00000000000001e6ull /* legacy PAE: bits 2:1 and 8:5 */
#define PAT_LARGE         BIT(12)
#define PSE36_HIGH        0x00000000001fe000ull /* address bits 39:32 of a 4 MiB page */
#define PSE36_SHIFT       19u
#define PSE36_RESERVED    BIT(21)
#define CANONICAL_BITS    48u
#define CANONICAL_BITS_57 57u

struct mode {
    u8 levels;
    u8 entry_bytes;
    u8 index_bits;
    bool is_pae; /* three levels, the top one of special entries */
    u64 root;
};

struct walk {
    struct mode mode;
    u64 entries[LEVELS_MAX + 1];
    u64 entry_at[LEVELS_MAX + 1];
    unsigned leaf; /* level the walk ended at */
    u64 rights;    /* PTE_W and PTE_U if every level has them, PTE_NX if any has it */
};

static struct mode mode_of(const struct guest_paging *paging)
{
    if ((paging->cr4 & CR4_PAE) == 0)
        return (struct mode){2, sizeof(u32), 10, false, paging->cr3 & LINEAR_32 & ADDRESS_MASK};
    if ((paging->efer & EFER_LMA) == 0)
        return (struct mode){3, sizeof(u64), 9, true, paging->cr3 & CR3_PAE};
    return (struct mode){(paging->cr4 & CR4_LA57) != 0 ? 5 : 4, sizeof(u64), 9, false,
                         paging->cr3 & ADDRESS_MASK};
}

static unsigned level_shift(const struct mode *mode, unsigned level)
{
    return PAGE_SHIFT + mode->index_bits * (level - 1);
}

static bool is_leaf(const struct guest_paging *paging, const struct mode *mode, unsigned level,
                    u64 entry)
{
    if (level == 1)
        return true;
    if ((entry & PTE_PS) == 0)
        return false;
    if (mode->entry_bytes == sizeof(u32))
        return (paging->cr4 & CR4_PSE) != 0;
    return level == 2 || (level == 3 && !mode->is_pae);
}

/* Bits that must be zero in a present entry. */
static u64 reserved_bits(const struct guest_paging *paging, const struct mode *mode, unsigned level,
                         bool leaf)
{
    u64 reserved, page = BIT(level_shift(mode, level));

    if (mode->entry_bytes == sizeof(u32))
        return leaf && level == 2 ? PSE36_RESERVED : 0;
    reserved = (BIT(ADDRESS_BITS_MAX) - 1) & ~(BIT(paging->phys_bits) - 1);
    if ((paging->efer & EFER_NXE) == 0)
        reserved |= PTE_NX;
    if (mode->is_pae && level == 3)
        return reserved | PDPTE_RESERVED | PTE_NX;
    if (leaf && level > 1)
        reserved |= (page - 1) & ADDRESS_MASK & ~PAT_LARGE;
    if (level > 3)
        reserved |= PTE_PS;
    return reserved;
}

static int read_entry(const struct walk *w, const struct guest_mem *mem, unsigned level, u64 *entry)
{
    u32 narrow;
    int rc;

    if (w->mode.entry_bytes == sizeof(u64))
        return mem->read(mem->cookie, gpa(w->entry_at[level]), entry, sizeof *entry);
    rc = mem->read(mem->cookie, gpa(w->entry_at[level]), &narrow, sizeof narrow);
    *entry = narrow;
    return rc;
}

/* Return: 0; -EFAULT with *error = PF_RSVD or 0; -EIO. */
static int walk_tables(struct walk *w, const struct guest_paging *paging,
                       const struct guest_mem *mem, u64 linear, u64 *error)
{
    u64 table = w->mode.root, entry;

    w->rights = PTE_W | PTE_U;
    for (unsigned level = w->mode.levels; level > 0; level--) {
        u64 index = (linear >> level_shift(&w->mode, level)) & (BIT(w->mode.index_bits) - 1);
        bool leaf;

        w->entry_at[level] = table + index * w->mode.entry_bytes;
        if (read_entry(w, mem, level, &entry) != 0)
            return -EIO;
        if ((entry & PTE_P) == 0)
            return -EFAULT;
        leaf = is_leaf(paging, &w->mode, level, entry);
        if ((entry & reserved_bits(paging, &w->mode, level, leaf)) != 0) {
            *error = PF_PRESENT | PF_RSVD;
            return -EFAULT;
        }
        w->entries[level] = entry;
        if (!(w->mode.is_pae && level == 3)) {
            w->rights &= entry | PTE_NX;
            w->rights |= entry & PTE_NX;
        }
        w->leaf = level;
        if (leaf)
            return 0;
        table = entry & ADDRESS_MASK;
    }
    return 0;
}

static bool is_user_access(const struct guest_paging *paging, unsigned access)
{
    return paging->cpl == 3 && (access & GUEST_IMPLICIT) == 0;
}

static bool is_supervisor_denied(const struct guest_paging *paging, u64 rights, unsigned access)
{
    bool may_override = (paging->rflags & RFLAGS_AC) != 0 && (access & GUEST_IMPLICIT) == 0;

    if ((access & GUEST_WRITE) != 0 && (rights & PTE_W) == 0 && (paging->cr0 & CR0_WP) != 0)
        return true;
    if ((rights & PTE_U) == 0)
        return false;
    if ((access & GUEST_FETCH) != 0)
        return (paging->cr4 & CR4_SMEP) != 0;
    return (paging->cr4 & CR4_SMAP) != 0 && !may_override;
}

static bool is_denied(const struct guest_paging *paging, u64 rights, unsigned access)
{
    if ((access & GUEST_FETCH) != 0 && (rights & PTE_NX) != 0)
        return true;
    if (!is_user_access(paging, access))
        return is_supervisor_denied(paging, rights, access);
    return (rights & PTE_U) == 0 || ((access & GUEST_WRITE) != 0 && (rights & PTE_W) == 0);
}

static u32 error_code(const struct guest_paging *paging, unsigned access, u64 error)
{
    bool has_fetch_bit = ((paging->cr4 & CR4_PAE) != 0 && (paging->efer & EFER_NXE) != 0) ||
                         (paging->cr4 & CR4_SMEP) != 0;

    if ((access & GUEST_WRITE) != 0)
        error |= PF_WRITE;
    if (is_user_access(paging, access))
        error |= PF_USER;
    if ((access & GUEST_FETCH) != 0 && has_fetch_bit)
        error |= PF_FETCH;
    return (u32)error;
}

static int mark(const struct walk *w, const struct guest_mem *mem, unsigned access)
{
    for (unsigned level = w->mode.levels; level >= w->leaf; level--) {
        u64 wanted = PTE_A;

        if (w->mode.is_pae && level == 3)
            continue;
        if (level == w->leaf && (access & GUEST_WRITE) != 0)
            wanted |= PTE_D;
        if ((w->entries[level] & wanted) != wanted &&
            mem->set_bits(mem->cookie, gpa(w->entry_at[level]), (u8)wanted) != 0)
            return -EIO;
    }
    return 0;
}

static u64 leaf_address(const struct walk *w, u64 linear, u64 page_bytes)
{
    u64 entry = w->entries[w->leaf], base = entry & ADDRESS_MASK & ~(page_bytes - 1);

    if (w->mode.entry_bytes == sizeof(u32) && w->leaf == 2)
        base |= (entry & PSE36_HIGH) << PSE36_SHIFT;
    return base | (linear & (page_bytes - 1));
}

/*
 * The common case in one pass: four levels, nothing to mark, nothing unusual. What it gives up on,
 * the full walk looks at again, so it only decides what is allowed, never what is refused.
 */
static bool walk_common(const struct guest_paging *paging, const struct guest_mem *mem, u64 linear,
                        unsigned access, struct guest_translation *out)
{
    u64 marks = PTE_P | PTE_A | ((access & GUEST_WRITE) != 0 ? PTE_D : 0);
    u64 refused = (BIT(ADDRESS_BITS_MAX) - 1) & ~(BIT(paging->phys_bits) - 1);
    u64 all = ~0ull, any = 0, table = paging->cr3, entry, page;
    unsigned shift = TOP_SHIFT_64 + INDEX_BITS_64;

    do {
        u64 index;

        shift -= INDEX_BITS_64;
        index = (linear >> shift) & (BIT(INDEX_BITS_64) - 1);
        if (mem->read(mem->cookie, gpa((table & ADDRESS_MASK) + index * sizeof entry), &entry,
                      sizeof entry) != 0)
            return false;
        all &= shift == PAGE_SHIFT || (entry & PTE_PS) != 0 ? entry : entry | PTE_D;
        any |= entry;
        table = entry;
    } while (shift > PAGE_SHIFT && (entry & PTE_PS) == 0);

    page = BIT(shift);
    if ((paging->efer & EFER_NXE) == 0)
        refused |= PTE_NX;
    if (shift == TOP_SHIFT_64 || (all & marks) != marks || (any & refused) != 0)
        return false;
    if (shift > PAGE_SHIFT && (entry & (page - 1) & ADDRESS_MASK & ~PAT_LARGE) != 0)
        return false;
    if (is_denied(paging, (all & (PTE_W | PTE_U)) | (any & PTE_NX), access))
        return false;
    out->gpa = gpa((entry & ADDRESS_MASK & ~(page - 1)) | (linear & (page - 1)));
    out->page_bytes = page;
    return true;
}

int guest_walk(const struct guest_paging *paging, const struct guest_mem *mem, gva_t linear,
               unsigned access, struct guest_translation *out)
{
    u64 address = (paging->efer & EFER_LMA) != 0 ? linear.v : linear.v & LINEAR_32, error = 0;
    struct walk w;
    int rc;

    *out = (struct guest_translation){.gpa = gpa(address), .page_bytes = PAGE_SIZE};
    if ((paging->cr0 & CR0_PG) == 0)
        return 0;
    if ((paging->efer & EFER_LMA) != 0 && (paging->cr4 & CR4_LA57) == 0 &&
        walk_common(paging, mem, address, access, out))
        return 0;
    w.mode = mode_of(paging);
    rc = walk_tables(&w, paging, mem, address, &error);
    if (rc == 0 && is_denied(paging, w.rights, access)) {
        error = PF_PRESENT;
        rc = -EFAULT;
    }
    if (rc != 0) {
        out->error_code = error_code(paging, access, error);
        return rc;
    }
    out->page_bytes = BIT(level_shift(&w.mode, w.leaf));
    out->gpa = gpa(leaf_address(&w, address, out->page_bytes));
    return mark(&w, mem, access);
}

bool guest_is_canonical(const struct guest_paging *paging, u64 linear)
{
    unsigned bits = (paging->cr4 & CR4_LA57) != 0 ? CANONICAL_BITS_57 : CANONICAL_BITS;
    s64 high = (s64)linear >> (bits - 1);

    return (paging->efer & EFER_LMA) == 0 || high == 0 || high == -1;
}

#define TYPE_CODE        BIT(3)
#define TYPE_EXPAND_DOWN BIT(2) /* data segments */
#define TYPE_WRITABLE    BIT(1) /* readable, in code segments */

/* Outside 64-bit code: is every byte of [offset, last] inside the segment? */
static bool is_inside(const struct hvm_segment *desc, u64 offset, u64 last)
{
    u64 top = (desc->attributes & HVM_SEG_DB) != 0 ? LINEAR_32 : 0xffff;

    if ((desc->attributes & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN)
        return offset > desc->limit && last <= top;
    return last <= desc->limit;
}

static bool is_type_allowed(const struct hvm_segment *desc, unsigned access)
{
    bool is_code = (desc->attributes & TYPE_CODE) != 0;
    bool has_bit = (desc->attributes & TYPE_WRITABLE) != 0;

    if ((desc->attributes & HVM_SEG_P) == 0)
        return false;
    if ((access & GUEST_WRITE) != 0)
        return !is_code && has_bit;
    if ((access & GUEST_READ) != 0)
        return !is_code || has_bit;
    return true;
}

static int linear_64(const struct guest_paging *paging, enum hvm_seg seg,
                     const struct hvm_segment *desc, u64 offset, unsigned bytes, gva_t *linear)
{
    bool has_base = seg >= HVM_FS;
    u64 first = offset + (has_base ? desc->base : 0);

    *linear = gva(first);
    if (!guest_is_canonical(paging, first) || !guest_is_canonical(paging, first + bytes - 1))
        return -EFAULT;
    return 0;
}

int guest_linear(const struct guest_paging *paging, bool code_64, enum hvm_seg seg,
                 const struct hvm_segment *desc, u64 offset, unsigned bytes, unsigned access,
                 gva_t *linear)
{
    bool has_types = (paging->cr0 & CR0_PE) != 0 && (paging->rflags & RFLAGS_VM) == 0;
    u64 last = offset + bytes - 1;

    if (code_64)
        return linear_64(paging, seg, desc, offset, bytes, linear);
    *linear = gva((desc->base + offset) & LINEAR_32);
    if (last < offset || last > LINEAR_32 || !is_inside(desc, offset, last))
        return -EFAULT;
    return has_types && !is_type_allowed(desc, access) ? -EFAULT : 0;
}
