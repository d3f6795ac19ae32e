/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the panic page and stops the machine. */
#include "core/x86/panic.h"

#include "build_id.h"
#include "core/lib/assert.h"
#include "core/lib/printf.h"
#include "core/x86/backtrace.h"
#include "core/x86/cr.h"
#include "core/x86/exception.h"
#include "core/x86/insn.h"
#include "core/x86/lapic.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "core/x86/symbols.h"

#define LINE_MAX 160

/* How far the first panic got: each further fault goes on with the next stage, and none repeats
 * one. */
enum { STAGE_NONE, STAGE_REASON, STAGE_REGISTERS, STAGE_BACKTRACE, STAGE_EXTRA, STAGE_DONE };

static u32 stage;
static u32 owner_plus_1; /* CPU that panicked first */
static void (*extra)(void (*line)(const char *text));

static const char *const exception_names[VECTOR_COUNT] = {
    [VECTOR_DE] = "divide error",    [VECTOR_DB] = "debug exception",
    [VECTOR_BP] = "breakpoint",      [VECTOR_UD] = "undefined instruction",
    [VECTOR_NM] = "no FPU",          [VECTOR_DF] = "double fault",
    [VECTOR_TS] = "invalid TSS",     [VECTOR_NP] = "segment not present",
    [VECTOR_SS] = "stack fault",     [VECTOR_GP] = "general protection fault",
    [VECTOR_PF] = "page fault",      [VECTOR_MF] = "x87 error",
    [VECTOR_AC] = "alignment check", [VECTOR_MC] = "machine check",
    [VECTOR_XF] = "SIMD error",
};

void panic_on_print(void (*fn)(void (*line)(const char *text)))
{
    extra = fn;
}

static void print_line(const char *text)
{
    log_panic_line(text);
}

static void print(const char *fmt, ...) printf_like(1, 2);

static void print(const char *fmt, ...)
{
    char text[LINE_MAX];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_line(text);
}

static void print_frame(u64 address, void *arg)
{
    u64 offset;
    const char *name = symbol_find(address, &offset);

    (void)arg;
    print("  %016lx %s+0x%lx", address, name, offset);
}

static void print_registers(const struct interrupt_frame *f)
{
    print("rip %016lx  rflags %08lx  cs %04lx  ss %04lx", f->rip, f->rflags, f->cs, f->ss);
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
    print("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx", f->rsi, f->rdi, f->rbp, f->rsp);
    print("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx", f->r8, f->r9, f->r10, f->r11);
    print("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx", f->r12, f->r13, f->r14, f->r15);
    print("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx", read_cr0(), read_cr2(), read_cr3(),
          read_cr4());
}

static void stop_cpu(void)
{
    for (;;) {
        irq_disable();
        cpu_hlt();
    }
}

/* The first CPU here prints; the others stop. */
static void claim(void)
{
    u32 expected = 0, me = this_pcpu()->id + 1;

    irq_disable();
    if (!__atomic_compare_exchange_n(&owner_plus_1, &expected, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE) &&
        expected != me)
        stop_cpu();
    if (expected == 0) {
        exception_on_nmi(stop_cpu);
        lapic_nmi_others();
    }
}

static noreturn void print_page(const char *reason, const struct interrupt_frame *frame, u64 rbp)
{
    if (stage < STAGE_REASON) {
        stage = STAGE_REASON;
        print("=== Socle %s (%s): panic on pCPU %u ===", BUILD_VERSION, BUILD_GIT, this_pcpu()->id);
        print("%s", reason);
    }
    if (stage < STAGE_REGISTERS) {
        stage = STAGE_REGISTERS;
        if (frame != NULL)
            print_registers(frame);
    }
    if (stage < STAGE_BACKTRACE) {
        stage = STAGE_BACKTRACE;
        print("backtrace:");
        if (frame != NULL)
            print_frame(frame->rip, NULL);
        backtrace_walk(rbp, print_frame, NULL);
    }
    if (stage < STAGE_EXTRA) {
        stage = STAGE_EXTRA;
        if (extra != NULL)
            extra(print_line);
    }
    if (stage < STAGE_DONE) {
        stage = STAGE_DONE;
        print("The machine is stopped. Please report this page; reset it to go on.");
    }
    for (;;)
        stop_cpu();
}

void panic(const char *fmt, ...)
{
    char reason[LINE_MAX];
    va_list args;

    claim();
    va_start(args, fmt);
    kvsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    print_page(reason, NULL, (u64)__builtin_frame_address(0));
}

void panic_exception(const struct interrupt_frame *frame)
{
    const char *name = frame->vector < VECTOR_COUNT ? exception_names[frame->vector] : NULL;
    char reason[LINE_MAX];

    claim();
    ksnprintf(reason, sizeof reason, "exception %lu (%s), error code 0x%lx", frame->vector,
              name != NULL ? name : "reserved", frame->error_code);
    print_page(reason, frame, frame->rbp);
}

void assert_failed(const char *expr, const char *file, int line)
{
    panic("assertion failed: %s at %s:%d", expr, file, line);
}

/* Stack protector: the compiler's names. The guard gets its random value in cpu_features.c. */
u64 __stack_chk_guard = 0x595e9fbd94fda766ull;
noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    panic("a function overran its stack frame");
}
