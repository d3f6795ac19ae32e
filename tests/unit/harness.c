/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the registered tests of one file and prints "N passed, N failed". */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_case *first;
static struct test_case **tail = &first;
static unsigned failed_checks;

void test_register(struct test_case *test)
{
    *tail = test;
    tail = &test->next;
}

bool test_check(bool ok, const char *expr, const char *file, int line)
{
    if (!ok) {
        failed_checks++;
        printf("%s:%d: not true: %s\n", file, line, expr);
    }
    return ok;
}

bool test_check_eq(uint64_t a, uint64_t b, const char *expr_a, const char *expr_b, const char *file,
                   int line)
{
    if (a != b) {
        failed_checks++;
        printf("%s:%d: %s is 0x%llx, %s is 0x%llx\n", file, line, expr_a, (unsigned long long)a,
               expr_b, (unsigned long long)b);
    }
    return a == b;
}

bool test_check_str(const char *a, const char *b, const char *file, int line)
{
    bool ok = a != NULL && b != NULL && strcmp(a, b) == 0;

    if (!ok) {
        failed_checks++;
        printf("%s:%d: \"%s\" is not \"%s\"\n", file, line, a ? a : "(null)", b ? b : "(null)");
    }
    return ok;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;

    (void)argc;
    setvbuf(stdout, NULL, _IONBF, 0);
    for (struct test_case *t = first; t != NULL; t = t->next) {
        failed_checks = 0;
        t->run();
        if (failed_checks == 0) {
            passed++;
        } else {
            failed++;
            printf("FAILED %s: %s\n", argv[0], t->name);
        }
    }
    printf("%s: %u passed, %u failed\n", argv[0], passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
