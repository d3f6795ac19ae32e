/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer types, address types and size units used everywhere.
 *
 * The address types are one-word structs, so the compiler refuses to mix them up; under the System
 * V ABI they travel in registers like plain integers and cost nothing.
 */
#ifndef SOCLE_LIB_TYPES_H
#define SOCLE_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Guest-virtual, guest-physical and host-physical addresses. Host-virtual ones are plain pointers.
 */
typedef struct {
    u64 v;
} gva_t;
typedef struct {
    u64 v;
} gpa_t;
typedef struct {
    u64 v;
} hpa_t;

static inline gva_t gva(u64 v)
{
    return (gva_t){v};
}

static inline gpa_t gpa(u64 v)
{
    return (gpa_t){v};
}

static inline hpa_t hpa(u64 v)
{
    return (hpa_t){v};
}

#define KiB 1024ull
#define MiB (1024ull * KiB)
#define GiB (1024ull * MiB)

#define PAGE_SHIFT 12u
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (PAGE_SIZE - 1)
#define PAGE_2M    (2 * MiB)
#define PAGE_1G    GiB
#define NS_PER_US  1000ull
#define NS_PER_MS  1000000ull
#define NS_PER_S   1000000000ull

#endif
