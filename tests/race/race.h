/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Race tests: modules of the hypervisor in threads of this process, watched by ThreadSanitizer.
 *
 * Locks are the real ones, with their order checked. A data race, a wrong order of locks, and a
 * failed check end the program with an error; what hangs is ended by its time limit.
 */
#ifndef SOCLE_TESTS_RACE_H
#define SOCLE_TESTS_RACE_H

#include "tests/unit/harness.h"

#include "core/lib/types.h"
#include "core/x86/insn.h"

#define RACE_THREADS_MAX 8u

/* Runs fn(0) to fn(threads - 1) at once, each as a pCPU of that number, and waits for all. */
void race_run(u32 threads, void (*fn)(u32 thread));

/* A number from the thread's own sequence. */
u32 race_random(void);

#endif
