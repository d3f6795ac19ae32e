/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: vmx/vmx_exit.c */
/* Exit-information fields become the right neutral exits. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/x86/cr.h"
#include "vmx/vmx_exit.h"

static struct vmx_raw_exit raw;
static struct vm_exit out;

static void setup(void)
{
    raw = (struct vmx_raw_exit){.rip = 0x1000, .insn_len = 2};
}

static enum vm_exit_kind decode(u64 reason, u64 qualification)
{
    memset(&out, 0xa5, sizeof out); /* nothing may depend on what was there */
    raw.reason = reason;
    raw.qualification = qualification;
    vmx_exit_decode(&raw, &out);
    return out.kind;
}

TEST(plain_reasons)
{
    static const struct {
        u64 reason;
        enum vm_exit_kind kind;
    } rows[] = {
        {1, EXIT_HOST_IRQ},
        {2, EXIT_SHUTDOWN},
        {3, EXIT_INIT},
        {7, EXIT_IRQ_WINDOW},
        {8, EXIT_NMI_WINDOW},
        {9, EXIT_TASK_SWITCH},
        {10, EXIT_CPUID},
        {11, EXIT_UNDEFINED},
        {12, EXIT_HLT},
        {13, EXIT_CACHE},
        {15, EXIT_RDPMC},
        {18, EXIT_HYPERCALL},
        {19, EXIT_UNDEFINED},
        {20, EXIT_UNDEFINED},
        {21, EXIT_UNDEFINED},
        {22, EXIT_UNDEFINED},
        {23, EXIT_UNDEFINED},
        {24, EXIT_UNDEFINED},
        {25, EXIT_UNDEFINED},
        {26, EXIT_UNDEFINED},
        {27, EXIT_UNDEFINED},
        {36, EXIT_UNDEFINED},
        {39, EXIT_UNDEFINED},
        {40, EXIT_PAUSE},
        {41, EXIT_HOST_IRQ},
        {52, EXIT_HOST_IRQ},
        {43, EXIT_TPR},
        {50, EXIT_UNDEFINED},
        {53, EXIT_UNDEFINED},
        {54, EXIT_CACHE},
        {55, EXIT_XSETBV},
        {59, EXIT_UNDEFINED},
        {14, EXIT_UNKNOWN},
        {49, EXIT_UNKNOWN},
        {60, EXIT_UNKNOWN},
        {0xffff, EXIT_UNKNOWN},
        {0x80000021, EXIT_ENTRY_FAILED},
        {0x80000022, EXIT_ENTRY_FAILED},
        {0x80000029, EXIT_HOST_IRQ},
        {0x80000000, EXIT_ENTRY_FAILED},
    };

    setup();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_EQ(decode(rows[i].reason, 0), rows[i].kind);
        CHECK_EQ(out.rip, 0x1000);
        CHECK_EQ(out.vendor_code, rows[i].reason);
        CHECK_EQ(out.interrupted.kind, EVENT_NONE);
    }
}

TEST(instruction_length)
{
    setup();
    decode(10, 0);
    CHECK_EQ(out.insn_len, 2);
    raw.insn_len = 15;
    decode(10, 0);
    CHECK_EQ(out.insn_len, 15);
    raw.insn_len = 16; /* not a length: core decodes */
    decode(10, 0);
    CHECK_EQ(out.insn_len, 0);
}

TEST(ports)
{
    setup();
    CHECK_EQ(decode(30, 0x03f80000), EXIT_IO); /* OUT DX, AL */
    CHECK_EQ(out.u.io.port, 0x3f8);
    CHECK_EQ(out.u.io.size, 1);
    CHECK(!out.u.io.is_in && !out.u.io.is_string && !out.u.io.is_rep);
    CHECK_EQ(out.u.io.next_rip, 0x1002);
    decode(30, 0x00800040 | 8 | 3); /* IN EAX, 80h */
    CHECK_EQ(out.u.io.port, 0x80);
    CHECK_EQ(out.u.io.size, 4);
    CHECK(out.u.io.is_in);
    raw.insn_info = 2u << 7 | 3u << 15;   /* 64-bit addresses, DS */
    decode(30, 0x01f00000 | 1 | 16 | 32); /* REP OUTSW */
    CHECK_EQ(out.u.io.size, 2);
    CHECK(out.u.io.is_string && out.u.io.is_rep && !out.u.io.is_in);
    CHECK_EQ(out.u.io.address_bytes, 8);
    CHECK(out.u.io.has_segment);
    CHECK_EQ(out.u.io.segment, 3);
    raw.insn_info = 0; /* 16-bit addresses; INS has no segment of its own */
    decode(30, 0x01f00000 | 8 | 16);
    CHECK_EQ(out.u.io.address_bytes, 2);
    CHECK(!out.u.io.has_segment);
}

TEST(msrs)
{
    setup();
    CHECK_EQ(decode(31, 0), EXIT_MSR);
    CHECK(!out.u.msr.is_write);
    CHECK_EQ(decode(32, 0), EXIT_MSR);
    CHECK(out.u.msr.is_write);
}

TEST(ept_violations)
{
    setup();
    raw.guest_physical = 0xfec00010;
    CHECK_EQ(decode(48, 0x181), EXIT_SLAT_FAULT);
    CHECK_EQ(out.u.slat.gpa.v, 0xfec00010);
    CHECK_EQ(out.u.slat.access, SLAT_READ);
    CHECK(!out.u.slat.is_present && !out.u.slat.in_walk);
    CHECK_EQ(out.insn_len, 0);
    decode(48, 0x183); /* a read-modify-write */
    CHECK_EQ(out.u.slat.access, SLAT_WRITE);
    decode(48, 0x782); /* with advanced information */
    CHECK_EQ(out.u.slat.access, SLAT_WRITE);
    CHECK(!out.u.slat.in_walk);
    decode(48, 0x184 | 8);
    CHECK_EQ(out.u.slat.access, SLAT_EXEC);
    CHECK(out.u.slat.is_present);
    decode(48, 0x81); /* the walk, not the translation */
    CHECK(out.u.slat.in_walk);
}

TEST(apic_page)
{
    setup();
    CHECK_EQ(decode(44, 0x0390), EXIT_SLAT_FAULT); /* a linear read */
    CHECK_EQ(out.u.slat.gpa.v, 0xfee00390);
    CHECK_EQ(out.u.slat.access, SLAT_READ);
    CHECK(!out.u.slat.in_walk);
    decode(44, 0x1030);
    CHECK_EQ(out.u.slat.access, SLAT_WRITE);
    decode(44, 0x2000);
    CHECK_EQ(out.u.slat.access, SLAT_EXEC);
    decode(44, 0xf000); /* a guest-physical access: the guest's page tables lie there */
    CHECK(out.u.slat.in_walk);
    CHECK_EQ(decode(56, 0x300), EXIT_APIC_WRITE);
    CHECK_EQ(out.u.apic.offset, 0x300);
    CHECK_EQ(decode(45, 0x41), EXIT_APIC_EOI);
    CHECK_EQ(out.u.apic.vector, 0x41);
}

TEST(control_registers)
{
    setup();
    CHECK_EQ(decode(28, 0x300), EXIT_CR); /* MOV CR0, RBX */
    CHECK_EQ(out.u.cr.number, 0);
    CHECK(out.u.cr.is_write && out.u.cr.has_gpr);
    CHECK_EQ(out.u.cr.gpr, 3);
    decode(28, 0xf04); /* MOV CR4, R15 */
    CHECK_EQ(out.u.cr.number, 4);
    CHECK_EQ(out.u.cr.gpr, 15);
    decode(28, 0x018); /* MOV RAX, CR8 */
    CHECK(!out.u.cr.is_write);
    CHECK_EQ(decode(28, 0x20), EXIT_UNKNOWN); /* CLTS does not exit */
    CHECK_EQ(decode(28, 0x30), EXIT_UNKNOWN); /* nor does LMSW */
}

TEST(exceptions)
{
    setup();
    raw.intr_info = 0x80000301; /* #DB */
    CHECK_EQ(decode(0, 0x4000), EXIT_EXCEPTION);
    CHECK_EQ(out.u.exception.event.vector, VECTOR_DB);
    CHECK(!out.u.exception.event.has_error_code);
    raw.intr_info = 0x80000b11; /* #AC(0) */
    raw.intr_error = 0;
    CHECK_EQ(decode(0, 0), EXIT_EXCEPTION);
    CHECK(out.u.exception.event.has_error_code);
    raw.intr_info = 0x80000202; /* an NMI */
    CHECK_EQ(decode(0, 0), EXIT_HOST_IRQ);
    raw.intr_info = 0x80000312; /* a machine check */
    CHECK_EQ(decode(0, 0), EXIT_HOST_IRQ);
}

TEST(interrupted_delivery)
{
    setup();
    raw.cr2 = 0x7000;
    raw.idt_info = 0x80000030; /* external interrupt 30h */
    decode(48, 0x181);
    CHECK_EQ(out.interrupted.kind, EVENT_EXTINT);
    CHECK_EQ(out.interrupted.vector, 0x30);
    raw.idt_info = 0x80000b0e;
    raw.idt_error = 6;
    decode(48, 0x181);
    CHECK_EQ(out.interrupted.kind, EVENT_EXCEPTION);
    CHECK(out.interrupted.has_error_code);
    CHECK_EQ(out.interrupted.error_code, 6);
    CHECK_EQ(out.interrupted.address, 0x7000);
    raw.idt_info = 0x80000202;
    decode(48, 0x181);
    CHECK_EQ(out.interrupted.kind, EVENT_NMI);
    static const u64 instructions[] = {0x80000480, 0x80000501, 0x80000603}; /* INT n, INT1, INT3 */
    for (unsigned i = 0; i < 3; i++) {
        raw.idt_info = instructions[i];
        decode(48, 0x181);
        CHECK_EQ(out.interrupted.kind, EVENT_NONE); /* they are executed again */
    }
}
