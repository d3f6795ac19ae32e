/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tests/fakes/log.c */
/*
 * A model of how a vCPU is asked for something (core/vm/vcpu_request.c, vcpu_run.c: vcpu_request,
 * wait_for_request, enter): requests may come while it is in the guest, blocked, or on the way to
 * either, and none is ever left lying. The steps and their memory order are those of the code; the
 * CPU, the task and the guest are this file's. A request that is lost makes it hang until the time
 * limit.
 */
#include "tests/race/race.h"

#define REQUESTS 20000u
#define ASKERS   3u
#define EVENT(n) (1u << (n))
#define ALL      (EVENT(ASKERS) - 1)

enum state { RUNNING, BLOCKED };

static struct {
    u32 requests;
    enum state state;
    u32 in_guest;
    u32 wake_token; /* of the task */
    u32 kicked;     /* the pCPU's interrupt */
    u32 answered[ASKERS];
    u32 finished;
} vcpu;

static u32 get(const u32 *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void set(u32 *word, u32 value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void request(u32 bits)
{
    enum state state;

    __atomic_fetch_or(&vcpu.requests, bits, __ATOMIC_SEQ_CST);
    state = __atomic_load_n(&vcpu.state, __ATOMIC_SEQ_CST);
    if (state == BLOCKED)
        set(&vcpu.wake_token, 1);
    else if (get(&vcpu.in_guest) != 0)
        set(&vcpu.kicked, 1);
}

static void ask(u32 asker)
{
    for (u32 i = 1; i <= REQUESTS; i++) {
        request(EVENT(asker));
        while (get(&vcpu.answered[asker]) != i)
            cpu_pause();
    }
    __atomic_add_fetch(&vcpu.finished, 1, __ATOMIC_SEQ_CST);
}

static void answer(void)
{
    u32 taken = __atomic_fetch_and(&vcpu.requests, ~ALL, __ATOMIC_SEQ_CST) & ALL;

    for (u32 i = 0; i < ASKERS; i++) {
        if ((taken & EVENT(i)) != 0)
            set(&vcpu.answered[i], vcpu.answered[i] + 1);
    }
}

/* Runs the guest until an interrupt ends it; the last answer ends the test. */
static void enter(void)
{
    set(&vcpu.in_guest, 1);
    if (get(&vcpu.requests) == 0)
        while (__atomic_exchange_n(&vcpu.kicked, 0, __ATOMIC_SEQ_CST) == 0 &&
               get(&vcpu.finished) < ASKERS)
            cpu_pause();
    __atomic_store_n(&vcpu.in_guest, 0, __ATOMIC_RELAXED);
}

static void block(void)
{
    __atomic_store_n(&vcpu.state, BLOCKED, __ATOMIC_SEQ_CST);
    while (get(&vcpu.requests) == 0 && get(&vcpu.finished) < ASKERS)
        while (__atomic_exchange_n(&vcpu.wake_token, 0, __ATOMIC_SEQ_CST) == 0 &&
               get(&vcpu.finished) < ASKERS)
            cpu_pause();
    __atomic_store_n(&vcpu.state, RUNNING, __ATOMIC_SEQ_CST);
}

static void loop(void)
{
    while (get(&vcpu.finished) < ASKERS) {
        answer();
        if (race_random() % 2)
            enter();
        else
            block();
    }
}

static void run(u32 thread)
{
    if (thread == ASKERS)
        loop();
    else
        ask(thread);
}

TEST(no_request_is_lost)
{
    race_run(ASKERS + 1, run);
    for (u32 i = 0; i < ASKERS; i++)
        CHECK_EQ(vcpu.answered[i], REQUESTS);
}
