/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes and small compile-time helpers. */
#ifndef SOCLE_LIB_COMPILER_H
#define SOCLE_LIB_COMPILER_H

#define must_check        __attribute__((warn_unused_result))
#define noreturn          __attribute__((noreturn))
#define packed            __attribute__((packed))
#define aligned_to(n)     __attribute__((aligned(n)))
#define unused            __attribute__((unused))
#define noinline          __attribute__((noinline))
#define always_inline     inline __attribute__((always_inline))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1ull << (n))

/* Extracts the bits of `mask` from `value`, shifted down to bit 0; FIELD_PREP does the reverse. */
#define FIELD_GET(mask, value)  (((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzll(mask)) & (mask))

#define ALIGN_DOWN(x, a) ((x) & ~((a)-1))
#define ALIGN_UP(x, a)   (((x) + ((a)-1)) & ~((a)-1))
#define IS_ALIGNED(x, a) (((x) & ((a)-1)) == 0)

/* Each argument is looked at once: what others change meanwhile must not differ between the
 * comparison and the result. Not for constant expressions. */
#define MIN(a, b)          PICK_(<, a, b, __COUNTER__)
#define MAX(a, b)          PICK_(>, a, b, __COUNTER__)
#define PICK_(op, a, b, n) PICK_BY_(op, a, b, n)
#define PICK_BY_(op, a, b, n)                               \
    ({                                                      \
        __typeof__(1 ? (a) : (b)) pick_a_##n = (a);         \
        __typeof__(1 ? (a) : (b)) pick_b_##n = (b);         \
        pick_a_##n op pick_b_##n ? pick_a_##n : pick_b_##n; \
    })

/* The structure that embeds `member`, found from the member's address. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Keeps the compiler from moving memory accesses across this point. */
#define compiler_barrier() __asm__ volatile("" ::: "memory")

#endif
