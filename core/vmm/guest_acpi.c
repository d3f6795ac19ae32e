/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables of the guest: built byte by byte into one buffer, in ascending order of dependence.
 *
 * The board has the fixed hardware of ACPI (PM timer, power button, sleep control), one PCI
 * bus, no keyboard controller and no VGA. The hardware is always in ACPI mode: there is no SMI
 * command port.
 */
#include "core/vmm/guest_acpi.h"

#include "core/lib/assert.h"
#include "core/lib/string.h"
#include "core/vmm/guest_dsdt.h"
#include "core/vmm/guest_layout.h"

#define OEM_ID       "SOCLE "
#define OEM_TABLE_ID "SOCLEVM "
#define OEM_REVISION 1u
#define CREATOR_ID   "SOCL"
#define RSDP_BYTES   64u /* 36, rounded up */
#define RSDP_V1      20u /* bytes under the first checksum */
#define FACS_ALIGN   64u
#define TABLE_ALIGN  16u

struct acpi_header {
    char signature[4];
    u32 length;
    u8 revision;
    u8 checksum;
    char oem_id[6];
    char oem_table_id[8];
    u32 oem_revision;
    char creator_id[4];
    u32 creator_revision;
} packed;

struct acpi_rsdp {
    char signature[8];
    u8 checksum;
    char oem_id[6];
    u8 revision;
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum;
    u8 reserved[3];
} packed;

/* Generic address structure. */
struct acpi_gas {
    u8 space;
    u8 bits;
    u8 offset;
    u8 access;
    u64 address;
} packed;

#define GAS_IO          1u
#define GAS_ACCESS_BYTE 1u
#define GAS_ACCESS_WORD 2u
#define GAS_ACCESS_LONG 3u

struct acpi_fadt {
    struct acpi_header header;
    u32 firmware_ctrl, dsdt;
    u8 reserved0, preferred_pm_profile;
    u16 sci_int;
    u32 smi_cmd;
    u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
    u32 pm1a_evt_blk, pm1b_evt_blk, pm1a_cnt_blk, pm1b_cnt_blk, pm2_cnt_blk, pm_tmr_blk;
    u32 gpe0_blk, gpe1_blk;
    u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_blk_len, gpe1_blk_len;
    u8 gpe1_base, cst_cnt;
    u16 p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
    u8 duty_offset, duty_width, day_alrm, mon_alrm, century;
    u16 iapc_boot_arch;
    u8 reserved1;
    u32 flags;
    struct acpi_gas reset_reg;
    u8 reset_value;
    u16 arm_boot_arch;
    u8 minor_version;
    u64 x_firmware_ctrl, x_dsdt;
    struct acpi_gas x_pm1a_evt_blk, x_pm1b_evt_blk, x_pm1a_cnt_blk, x_pm1b_cnt_blk;
    struct acpi_gas x_pm2_cnt_blk, x_pm_tmr_blk, x_gpe0_blk, x_gpe1_blk;
    struct acpi_gas sleep_control_reg, sleep_status_reg;
    u64 hypervisor_vendor;
} packed;

_Static_assert(sizeof(struct acpi_fadt) == 276, "layout of FADT revision 6");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "layout of FADT");

#define FADT_REVISION       6u
#define FADT_MINOR          3u
#define FADT_PROFILE_SERVER 4u
#define FADT_LAT_NO_C2      101u /* beyond the limit: state absent */
#define FADT_LAT_NO_C3      1001u

/* Spec: ACPI 6.4, 5.2.9 "Fixed ACPI Description Table Fixed Feature Flags" and "IA-PC Boot
 * Architecture Flags". */
#define FADT_WBINVD          BIT(0)
#define FADT_PROC_C1         BIT(2)
#define FADT_SLP_BUTTON      BIT(5) /* set: there is none among the fixed hardware */
#define FADT_FIX_RTC         BIT(6) /* set: RTC wake status is not in the PM1 registers */
#define FADT_TMR_VAL_EXT     BIT(8) /* 32-bit PM timer */
#define FADT_RESET_REG_SUP   BIT(10)
#define BOOT_LEGACY_DEVICES  BIT(0)
#define BOOT_VGA_NOT_PRESENT BIT(2)

struct acpi_facs {
    char signature[4];
    u32 length;
    u32 hardware_signature;
    u32 waking_vector;
    u32 global_lock;
    u32 flags;
    u64 x_waking_vector;
    u8 version;
    u8 reserved[31];
} packed;

_Static_assert(sizeof(struct acpi_facs) == 64, "layout of FACS");

struct madt_head {
    struct acpi_header header;
    u32 lapic_address;
    u32 flags;
} packed;

struct madt_lapic {
    u8 type, length, uid, apic_id;
    u32 flags;
} packed;

struct madt_ioapic {
    u8 type, length, id, reserved;
    u32 address;
    u32 gsi_base;
} packed;

struct madt_override {
    u8 type, length, bus, source;
    u32 gsi;
    u16 flags;
} packed;

struct madt_lapic_nmi {
    u8 type, length, uid;
    u16 flags;
    u8 lint;
} packed;

/* One ECAM window: segment 0, bus 0. */
struct mcfg {
    struct acpi_header header;
    u64 reserved0;
    u64 base;
    u16 segment;
    u8 first_bus, last_bus;
    u32 reserved1;
} packed;

#define MADT_REVISION      5u
#define MADT_PCAT_COMPAT   BIT(0) /* there is a pair of 8259 too */
#define MADT_LAPIC         0u
#define MADT_IOAPIC        1u
#define MADT_OVERRIDE      2u
#define MADT_LAPIC_NMI     4u
#define MADT_LAPIC_ENABLED BIT(0)
#define MADT_ALL_CPUS      0xffu
#define MADT_CONFORMS      0x0u
#define MADT_ACTIVE_HIGH   0x1u
#define MADT_LEVEL         0xcu
#define IOAPIC_PIT_PIN     2u

/* The buffer being filled; used counts bytes from the start. */
struct out {
    u8 *buf;
    u64 base;
    size_t used;
};

static void *reserve(struct out *out, size_t bytes)
{
    void *p = out->buf + out->used;

    assert(out->used + bytes <= GUEST_ACPI_TABLES_MAX);
    memset(p, 0, bytes);
    out->used += bytes;
    return p;
}

static void align_to(struct out *out, size_t alignment)
{
    (void)reserve(out, ALIGN_UP(out->used, alignment) - out->used);
}

static u64 address_of(const struct out *out, const void *p)
{
    return out->base + (u64)((const u8 *)p - out->buf);
}

static u8 checksum(const void *p, size_t bytes)
{
    const u8 *b = p;
    u8 sum = 0;

    for (size_t i = 0; i < bytes; i++)
        sum = (u8)(sum + b[i]);
    return (u8)-sum;
}

static void header_begin(struct acpi_header *h, const char signature[4], u8 revision)
{
    memcpy(h->signature, signature, sizeof(h->signature));
    h->revision = revision;
    memcpy(h->oem_id, OEM_ID, sizeof(h->oem_id));
    memcpy(h->oem_table_id, OEM_TABLE_ID, sizeof(h->oem_table_id));
    h->oem_revision = OEM_REVISION;
    memcpy(h->creator_id, CREATOR_ID, sizeof(h->creator_id));
    h->creator_revision = OEM_REVISION;
}

/* Ends a table where the buffer now ends. */
static void header_end(struct out *out, struct acpi_header *h)
{
    h->length = (u32)(out->buf + out->used - (u8 *)h);
    h->checksum = 0;
    h->checksum = checksum(h, h->length);
}

static u64 build_dsdt(struct out *out, const struct guest_acpi *board)
{
    struct acpi_header *h;

    align_to(out, TABLE_ALIGN);
    h = reserve(out, sizeof(*h));
    header_begin(h, "DSDT", 2);
    out->used += guest_dsdt_build(out->buf + out->used, GUEST_ACPI_TABLES_MAX - out->used, board);
    header_end(out, h);
    return address_of(out, h);
}

static u64 build_facs(struct out *out)
{
    struct acpi_facs *facs;

    align_to(out, FACS_ALIGN);
    facs = reserve(out, sizeof(*facs));
    memcpy(facs->signature, "FACS", sizeof(facs->signature));
    facs->length = sizeof(*facs);
    facs->version = 2;
    return address_of(out, facs);
}

static struct acpi_gas io_register(u32 port, u32 bytes)
{
    u8 access = bytes == 1 ? GAS_ACCESS_BYTE : bytes == 2 ? GAS_ACCESS_WORD : GAS_ACCESS_LONG;

    return (struct acpi_gas){GAS_IO, (u8)(bytes * 8), 0, access, port};
}

static void fill_fadt_registers(struct acpi_fadt *f)
{
    f->pm1a_evt_blk = GUEST_PM1A_EVT;
    f->pm1_evt_len = GUEST_PM1A_EVT_BYTES;
    f->x_pm1a_evt_blk = io_register(GUEST_PM1A_EVT, GUEST_PM1A_EVT_BYTES);
    f->x_pm1a_evt_blk.access = GAS_ACCESS_WORD; /* status and enable, one word each */
    f->pm1a_cnt_blk = GUEST_PM1A_CNT;
    f->pm1_cnt_len = GUEST_PM1A_CNT_BYTES;
    f->x_pm1a_cnt_blk = io_register(GUEST_PM1A_CNT, GUEST_PM1A_CNT_BYTES);
    f->pm_tmr_blk = GUEST_PM_TMR;
    f->pm_tmr_len = GUEST_PM_TMR_BYTES;
    f->x_pm_tmr_blk = io_register(GUEST_PM_TMR, GUEST_PM_TMR_BYTES);
    f->gpe0_blk = GUEST_GPE0;
    f->gpe0_blk_len = GUEST_GPE0_BYTES;
    f->x_gpe0_blk = io_register(GUEST_GPE0, GUEST_GPE0_BYTES);
    f->x_gpe0_blk.access = GAS_ACCESS_BYTE; /* status and enable, one byte each */
    f->reset_reg = io_register(GUEST_RESET_PORT, 1);
    f->reset_value = GUEST_RESET_VALUE;
}

static u64 build_fadt(struct out *out, u64 facs, u64 dsdt)
{
    struct acpi_fadt *f;

    align_to(out, TABLE_ALIGN);
    f = reserve(out, sizeof(*f));
    header_begin(&f->header, "FACP", FADT_REVISION);
    f->minor_version = FADT_MINOR;
    f->firmware_ctrl = (u32)facs;
    f->dsdt = (u32)dsdt;
    f->x_dsdt = dsdt;
    f->preferred_pm_profile = FADT_PROFILE_SERVER;
    f->sci_int = GUEST_SCI_LINE;
    f->p_lvl2_lat = FADT_LAT_NO_C2;
    f->p_lvl3_lat = FADT_LAT_NO_C3;
    f->iapc_boot_arch = BOOT_LEGACY_DEVICES | BOOT_VGA_NOT_PRESENT;
    f->flags = (u32)(FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC |
                     FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP);
    memcpy(&f->hypervisor_vendor, OEM_TABLE_ID, sizeof(f->hypervisor_vendor));
    fill_fadt_registers(f);
    header_end(out, &f->header);
    return address_of(out, f);
}

static void madt_override(struct out *out, u8 source, u32 gsi, u16 flags)
{
    struct madt_override *o = reserve(out, sizeof(*o));

    *o = (struct madt_override){MADT_OVERRIDE, sizeof(*o), 0, source, gsi, flags};
}

static u64 build_madt(struct out *out, u32 cpu_count)
{
    struct madt_head *m;
    struct madt_ioapic *ioapic;
    struct madt_lapic_nmi *nmi;

    align_to(out, TABLE_ALIGN);
    m = reserve(out, sizeof(*m));
    header_begin(&m->header, "APIC", MADT_REVISION);
    m->lapic_address = (u32)GUEST_LAPIC_BASE;
    m->flags = MADT_PCAT_COMPAT;
    for (u32 i = 0; i < cpu_count; i++) {
        struct madt_lapic *lapic = reserve(out, sizeof(*lapic));

        *lapic = (struct madt_lapic){MADT_LAPIC, sizeof(*lapic), (u8)i, (u8)i, MADT_LAPIC_ENABLED};
    }
    ioapic = reserve(out, sizeof(*ioapic));
    *ioapic = (struct madt_ioapic){MADT_IOAPIC, sizeof(*ioapic),        GUEST_IOAPIC_ID,
                                   0,           (u32)GUEST_IOAPIC_BASE, 0};
    madt_override(out, GUEST_PIT_LINE, IOAPIC_PIT_PIN, MADT_CONFORMS);
    madt_override(out, GUEST_SCI_LINE, GUEST_SCI_LINE, MADT_ACTIVE_HIGH | MADT_LEVEL);
    nmi = reserve(out, sizeof(*nmi));
    *nmi = (struct madt_lapic_nmi){MADT_LAPIC_NMI, sizeof(*nmi), MADT_ALL_CPUS, MADT_CONFORMS, 1};
    header_end(out, &m->header);
    return address_of(out, m);
}

static u64 build_mcfg(struct out *out)
{
    struct mcfg *m;

    align_to(out, TABLE_ALIGN);
    m = reserve(out, sizeof(*m));
    header_begin(&m->header, "MCFG", 1);
    m->base = GUEST_PCI_ECAM;
    header_end(out, &m->header);
    return address_of(out, m);
}

static u64 build_xsdt(struct out *out, u64 fadt, u64 madt, u64 mcfg)
{
    const u64 tables[] = {fadt, madt, mcfg};
    struct acpi_header *h;

    align_to(out, TABLE_ALIGN);
    h = reserve(out, sizeof(*h));
    header_begin(h, "XSDT", 1);
    memcpy(reserve(out, sizeof(tables)), tables, sizeof(tables));
    header_end(out, h);
    return address_of(out, h);
}

size_t guest_acpi_build(u8 *buf, u64 base, const struct guest_acpi *board)
{
    struct out out = {.buf = buf, .base = base};
    struct acpi_rsdp *rsdp = reserve(&out, RSDP_BYTES);
    u64 facs = build_facs(&out);
    u64 dsdt = build_dsdt(&out, board);
    u64 fadt = build_fadt(&out, facs, dsdt);
    u64 madt = build_madt(&out, board->cpu_count);
    u64 mcfg = build_mcfg(&out);

    memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
    memcpy(rsdp->oem_id, OEM_ID, sizeof(rsdp->oem_id));
    rsdp->revision = 2;
    rsdp->length = sizeof(*rsdp);
    rsdp->xsdt = build_xsdt(&out, fadt, madt, mcfg);
    rsdp->checksum = checksum(rsdp, RSDP_V1);
    rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
    return out.used;
}
