/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host unit tests: TEST(name) { … } registers itself; CHECKs count and go on, so one run shows
 * every failure.
 *
 * A test file's first lines name what it links: "SOURCES: core/vm/bus.c tests/fakes/arena.c".
 */
#ifndef SOCLE_TESTS_HARNESS_H
#define SOCLE_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

void test_register(struct test_case *test);
bool test_check(bool ok, const char *expr, const char *file, int line);
bool test_check_eq(uint64_t a, uint64_t b, const char *expr_a, const char *expr_b, const char *file,
                   int line);
bool test_check_str(const char *a, const char *b, const char *file, int line);

#define TEST(id)                                                      \
    static void test_##id(void);                                      \
    static struct test_case test_case_##id = {#id, test_##id, 0};     \
    __attribute__((constructor)) static void test_register_##id(void) \
    {                                                                 \
        test_register(&test_case_##id);                               \
    }                                                                 \
    static void test_##id(void)

#define CHECK(cond)     test_check((cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(a, b)  test_check_eq((uint64_t)(a), (uint64_t)(b), #a, #b, __FILE__, __LINE__)
#define CHECK_STR(a, b) test_check_str((a), (b), __FILE__, __LINE__)

#endif
