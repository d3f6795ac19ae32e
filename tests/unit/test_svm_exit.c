/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: svm/svm_exit.c */
/* Exit fields as CPUs and emulators write them become the right neutral exits. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/x86/cr.h"
#include "mm/slat.h"
#include "svm/svm_exit.h"

static struct vmcb vmcb;
static struct vm_exit out;
static const struct svm_caps bare;
static const struct svm_caps full = {.has_nrip = true, .has_decode_assist = true};

static enum vm_exit_kind decode(u64 code, u64 info1, u64 info2)
{
    memset(&out, 0xa5, sizeof out); /* nothing may depend on what was there */
    vmcb.control.exitcode = code;
    vmcb.control.exitinfo1 = info1;
    vmcb.control.exitinfo2 = info2;
    svm_exit_decode(&vmcb, &bare, &out);
    return out.kind;
}

static void setup(void)
{
    memset(&vmcb, 0, sizeof vmcb);
    vmcb.save.rip = 0x1000;
}

TEST(plain_codes)
{
    static const struct {
        u64 code;
        enum vm_exit_kind kind;
    } rows[] = {
        {0x60, EXIT_HOST_IRQ},      {0x61, EXIT_HOST_IRQ},
        {0x62, EXIT_HOST_IRQ},      {0x52, EXIT_HOST_IRQ},
        {0x63, EXIT_INIT},          {0x64, EXIT_IRQ_WINDOW},
        {0x6f, EXIT_RDPMC},         {0x72, EXIT_CPUID},
        {0x74, EXIT_NMI_WINDOW},    {0x76, EXIT_CACHE},
        {0x77, EXIT_PAUSE},         {0x78, EXIT_HLT},
        {0x7a, EXIT_UNDEFINED},     {0x7f, EXIT_SHUTDOWN},
        {0x80, EXIT_UNDEFINED},     {0x81, EXIT_HYPERCALL},
        {0x82, EXIT_UNDEFINED},     {0x83, EXIT_UNDEFINED},
        {0x84, EXIT_UNDEFINED},     {0x85, EXIT_UNDEFINED},
        {0x86, EXIT_UNDEFINED},     {0x89, EXIT_CACHE},
        {0x8a, EXIT_UNDEFINED},     {0x8b, EXIT_UNDEFINED},
        {0x8d, EXIT_XSETBV},        {0x8e, EXIT_UNDEFINED},
        {~0ull, EXIT_ENTRY_FAILED}, {0xffffffff, EXIT_ENTRY_FAILED},
        {0x00, EXIT_UNKNOWN},       {0x8f, EXIT_UNKNOWN},
        {0x401, EXIT_UNKNOWN},      {0xfffffffe, EXIT_UNKNOWN},
    };

    setup();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_EQ(decode(rows[i].code, 0, 0), rows[i].kind);
        CHECK_EQ(out.rip, 0x1000);
        CHECK_EQ(out.insn_len, 0);
        CHECK_EQ(out.insn_byte_cnt, 0);
        CHECK_EQ(out.interrupted.kind, EVENT_NONE);
        CHECK_EQ(out.vendor_code, (u32)rows[i].code);
    }
}

TEST(io)
{
    setup();
    /* out 0x3f8, al */
    CHECK_EQ(decode(0x7b, 0x03f80090 | (1 << 9), 0x1001), EXIT_IO);
    CHECK_EQ(out.u.io.port, 0x3f8);
    CHECK_EQ(out.u.io.size, 1);
    CHECK(!out.u.io.is_in && !out.u.io.is_string && !out.u.io.is_rep && !out.u.io.has_segment);
    CHECK_EQ(out.u.io.next_rip, 0x1001);
    /* rep insd with 32-bit addresses */
    CHECK_EQ(decode(0x7b, 0x0cfc0000 | 1 | 4 | 8 | (1 << 6) | (1 << 8), 0x1002), EXIT_IO);
    CHECK_EQ(out.u.io.port, 0xcfc);
    CHECK_EQ(out.u.io.size, 4);
    CHECK(out.u.io.is_in && out.u.io.is_string && out.u.io.is_rep);
    CHECK_EQ(out.u.io.address_bytes, 4);
    decode(0x7b, 1 << 7, 0);
    CHECK_EQ(out.u.io.address_bytes, 2);
    decode(0x7b, 1 << 9, 0);
    CHECK_EQ(out.u.io.address_bytes, 8);
}

TEST(nested_page_faults)
{
    setup();
    CHECK_EQ(decode(0x400, (1ull << 32) | 4, 0xfee00300), EXIT_SLAT_FAULT);
    CHECK_EQ(out.u.slat.gpa.v, 0xfee00300);
    CHECK_EQ(out.u.slat.access, SLAT_READ);
    CHECK(!out.u.slat.is_present && !out.u.slat.in_walk);
    decode(0x400, (1ull << 32) | 7, 0x1000);
    CHECK_EQ(out.u.slat.access, SLAT_WRITE);
    CHECK(out.u.slat.is_present);
    decode(0x400, (1ull << 32) | 0x14, 0x2000);
    CHECK_EQ(out.u.slat.access, SLAT_EXEC);
    decode(0x400, (1ull << 33) | 6, 0x3000);
    CHECK(out.u.slat.in_walk);
}

TEST(msr_and_exceptions)
{
    setup();
    CHECK_EQ(decode(0x7c, 0, 0), EXIT_MSR);
    CHECK(!out.u.msr.is_write);
    decode(0x7c, 1, 0);
    CHECK(out.u.msr.is_write);
    CHECK_EQ(decode(0x41, 0, 0), EXIT_EXCEPTION);
    CHECK_EQ(out.u.exception.event.vector, VECTOR_DB);
    CHECK(!out.u.exception.event.has_error_code);
    CHECK_EQ(decode(0x51, 0, 0), EXIT_EXCEPTION);
    CHECK_EQ(out.u.exception.event.vector, VECTOR_AC);
    CHECK(out.u.exception.event.has_error_code);
    CHECK_EQ(out.u.exception.event.error_code, 0);
}

TEST(interrupted_delivery)
{
    setup();
    vmcb.control.exitintinfo = 0x80000000ull | 0x30;
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_EXTINT);
    CHECK_EQ(out.interrupted.vector, 0x30);
    vmcb.control.exitintinfo = 0x80000000ull | 0x202;
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_NMI);
    vmcb.control.exitintinfo = (0x1234ull << 32) | 0x80000000ull | 0x800 | 0x300 | 14;
    vmcb.save.cr2 = 0xdead000;
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_EXCEPTION);
    CHECK_EQ(out.interrupted.vector, 14);
    CHECK(out.interrupted.has_error_code);
    CHECK_EQ(out.interrupted.error_code, 0x1234);
    CHECK_EQ(out.interrupted.address, 0xdead000);
    vmcb.control.exitintinfo = 0x80000000ull | 0x400 | 0x80; /* INT 80h runs again by itself */
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_NONE);
    vmcb.control.exitintinfo = 0x80000000ull | 0x300 | 3; /* so does INT3 */
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_NONE);
    vmcb.control.exitintinfo = 0x30; /* not valid */
    decode(0x400, 0, 0);
    CHECK_EQ(out.interrupted.kind, EVENT_NONE);
}

TEST(assists)
{
    setup();
    vmcb.control.nrip = 0x1003;
    vmcb.control.exitcode = 0x72;
    svm_exit_decode(&vmcb, &full, &out);
    CHECK_EQ(out.insn_len, 3);
    vmcb.control.nrip = 0;
    svm_exit_decode(&vmcb, &full, &out);
    CHECK_EQ(out.insn_len, 0);
    vmcb.control.nrip = 0x1010; /* 16 bytes: no instruction */
    svm_exit_decode(&vmcb, &full, &out);
    CHECK_EQ(out.insn_len, 0);
    vmcb.control.exitcode = 0x400;
    vmcb.control.bytes_fetched = 0xff; /* a CPU never says more than 15 */
    vmcb.control.instruction_bytes[0] = 0x8b;
    svm_exit_decode(&vmcb, &full, &out);
    CHECK_EQ(out.insn_byte_cnt, 15);
    CHECK_EQ(out.insn_bytes[0], 0x8b);
    vmcb.control.exitcode = 0x7b;
    vmcb.control.exitinfo1 = 4 | (1 << 5) | (4 << 10);
    svm_exit_decode(&vmcb, &full, &out);
    CHECK(out.u.io.has_segment);
    CHECK_EQ(out.u.io.segment, 4);
}
