/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into Debian's bochs-bin 3.1: repairs what it computes wrongly.
 *
 * 64-bit IDIV and IMUL: GCC 15 compiled Bochs' 128-bit helpers with strict aliasing, which they
 * break: every signed 64-bit division of the emulated machine gives garbage (upstream issue 668).
 * The helpers are exported, so each is first asked a question with a known answer; where the answer
 * is wrong, a jump to the function here is written over its first bytes.
 *
 * Virtual interrupts: when an interrupt for the host comes while a virtual one waits for the guest
 * to turn interrupts on, HandleExtInterrupt delivers the virtual one at once: it asks whether it is
 * pending, not whether the guest would take it. A kernel interrupted inside its critical sections
 * deadlocks now and then. The test is replaced by one that looks at the mask, too.
 *
 * Several CPUs: when an exception has been delivered, or a VM exit taken, the loop that gives each
 * CPU its turn forgets what the loop for a single CPU does: to commit RIP. If the next event comes
 * before the handler's first instruction, a VM exit saves the old RIP beside the new CS, RSP and
 * flags. RIP is committed before each turn.
 *
 * The emulator does not start when something cannot be found or repaired, because nothing it
 * computed could be believed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096ul

/* Bochs' Bit128s. */
struct wide {
    uint64_t low;
    int64_t high;
};

typedef void divide_fn(struct wide *quotient, int64_t *remainder, const struct wide *dividend,
                       int64_t divisor);
typedef void multiply_fn(struct wide *product, int64_t a, int64_t b);

static struct wide to_wide(__int128 value)
{
    return (struct wide){(uint64_t)value, (int64_t)(value >> 64)};
}

static __int128 from_wide(const struct wide *w)
{
    return (__int128)((unsigned __int128)(uint64_t)w->high << 64 | w->low);
}

static void divide(struct wide *quotient, int64_t *remainder, const struct wide *dividend,
                   int64_t divisor)
{
    __int128 value = from_wide(dividend);

    *quotient = to_wide(value / divisor);
    *remainder = (int64_t)(value % divisor);
}

static void multiply(struct wide *product, int64_t a, int64_t b)
{
    *product = to_wide((__int128)a * b);
}

static int divides(void *function)
{
    struct wide dividend = to_wide(-1000000007), quotient = {0, 0};
    int64_t remainder = 0;

    ((divide_fn *)function)(&quotient, &remainder, &dividend, 10);
    return from_wide(&quotient) == -100000000 && remainder == -7;
}

static int multiplies(void *function)
{
    struct wide product = {0, 0};

    ((multiply_fn *)function)(&product, -3000000000000000001, 5);
    return from_wide(&product) == (__int128)-3000000000000000001 * 5;
}

static void refuse(const char *symbol, const char *why)
{
    fprintf(stderr, "repair: %s %s; this Bochs would compute wrong results and is not started.\n",
            symbol, why);
    _exit(1);
}

static int overwrite(void *code, const void *with, size_t bytes)
{
    void *page = (void *)((uintptr_t)code & ~(PAGE_BYTES - 1));

    if (mprotect(page, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return -1;
    memcpy(code, with, bytes);
    return mprotect(page, 2 * PAGE_BYTES, PROT_READ | PROT_EXEC);
}

/* Writes "mov rax, target; jmp rax". */
static int redirect(void *function, void *target)
{
    unsigned char jump[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0};

    memcpy(jump + 2, &target, sizeof(target));
    return overwrite(function, jump, sizeof(jump));
}

static void repair(const char *symbol, int (*is_right)(void *function), void *target)
{
    void *function = dlsym(RTLD_DEFAULT, symbol);

    if (function == NULL)
        refuse(symbol, "is not there");
    if (!is_right(function) && (redirect(function, target) != 0 || !is_right(function)))
        refuse(symbol, "cannot be repaired");
}

#define CALL_BYTES 12u

/* Instructions of a function that are replaced by a call to other ones. */
struct patch {
    const char *symbol;
    size_t offset;
    const unsigned char *known; /* what must be there */
    size_t bytes;               /* room for the call, and for no more than its nops */
    void (*instead)(void);
};

/* test byte [rbx + pending_event + 1], BX_EVENT_PENDING_VMX_VIRTUAL_INTR >> 8; jne deliver */
static const unsigned char pending_test[] = {0xf6, 0x83, 0xe1, 0x91, 0x00, 0x00, 0x02,
                                             0x0f, 0x85, 0xa9, 0x00, 0x00, 0x00};

/* RBX is the CPU; pending_event and event_mask lie side by side. If it is to be delivered, the
 * return goes to where the jump went: 0xa9 behind the test, which has one byte more than the call.
 */
void deliver_test(void);
__asm__(".text\n"
        "deliver_test:\n"
        "    movl 0x91e4(%rbx), %eax\n"
        "    notl %eax\n"
        "    andl 0x91e0(%rbx), %eax\n"
        "    testl $0x200, %eax\n"
        "    je 1f\n"
        "    addq $0xaa, (%rsp)\n"
        "1:  ret\n");

/* mov eax, [rdi + async_event]; mov [rsp + 8], rbx; mov rbx, rdi */
static const unsigned char trace_start[] = {0x8b, 0x87, 0xe8, 0x91, 0x00, 0x00, 0x48,
                                            0x89, 0x5c, 0x24, 0x08, 0x48, 0x89, 0xfb};

/* RDI is the CPU: prev_rip = RIP, speculative_rsp = false, then what was there. */
void commit_rip(void);
__asm__(".text\n"
        "commit_rip:\n"
        "    movq 0xe8(%rdi), %rax\n"
        "    movq %rax, 0x120(%rdi)\n"
        "    movb $0, 0x138(%rdi)\n"
        "    movl 0x91e8(%rdi), %eax\n"
        "    movq %rbx, 0x10(%rsp)\n"
        "    movq %rdi, %rbx\n"
        "    ret\n");

static const struct patch patches[] = {
    {"_ZN8BX_CPU_C18HandleExtInterruptEv", 0x3a, pending_test, sizeof(pending_test), deliver_test},
    {"_ZN8BX_CPU_C13cpu_run_traceEv", 0x8, trace_start, sizeof(trace_start), commit_rip},
};

static void apply(const struct patch *patch)
{
    /* mov rax, instead; call rax; the rest stays: nop */
    unsigned char call[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x90, 0x90, 0x90, 0x90};
    unsigned char *function = dlsym(RTLD_DEFAULT, patch->symbol);

    if (function == NULL)
        refuse(patch->symbol, "is not there");
    if (patch->bytes < CALL_BYTES || patch->bytes > sizeof(call) ||
        memcmp(function + patch->offset, patch->known, patch->bytes) != 0)
        refuse(patch->symbol, "is not the code this repair knows");
    memcpy(call + 2, &patch->instead, sizeof(patch->instead));
    if (overwrite(function + patch->offset, call, patch->bytes) != 0)
        refuse(patch->symbol, "cannot be repaired");
}

__attribute__((constructor)) static void repair_all(void)
{
    repair("_Z9long_idivP7Bit128sPlPKS_l", divides, (void *)divide);
    repair("_Z9long_imulP7Bit128sll", multiplies, (void *)multiply);
    for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++)
        apply(&patches[i]);
}
