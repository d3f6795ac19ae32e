/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A console is two exchanges at once: the followed log, and a POST whenever something was typed.
 *
 * One multi handle runs both. What is typed during a POST waits in `typed`; what the guest was too
 * slow for is sent again.
 */
#include "tools/socle/console.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/socle/escape.h"

#define TYPED_MAX 4096u
#define WAIT_MS   1000
#define RETRY_MS  100
#define TOO_MANY  429

struct console {
    CURLM *multi;
    struct http *log, *input;
    struct http_reply log_reply, input_reply;
    char *log_path, *input_path;
    char typed[TYPED_MAX];
    size_t typed_len, sent_len; /* sent: by the POST under way; 0: there is none */
    struct escape escape;
    bool is_terminal, has_input, has_log_ended, is_over, is_held;
    enum outcome outcome;
};

static struct termios saved_terminal;
static volatile sig_atomic_t was_signalled;

static void on_signal(int number)
{
    was_signalled = number;
}

static bool enter_raw(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved_terminal))
        return false;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    raw = saved_terminal;
    cfmakeraw(&raw);
    return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void leave_raw(const struct console *c)
{
    if (c->is_terminal)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_terminal);
}

static bool show(void *context, const char *data, size_t len)
{
    (void)context;
    return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0;
}

static void read_keys(struct console *c)
{
    char keys[512], kept[sizeof(keys) + 1];
    size_t room = sizeof(c->typed) - c->typed_len, kept_len;
    ssize_t len;

    if (room < sizeof(kept))
        return;
    len = read(STDIN_FILENO, keys, sizeof(keys));
    if (len <= 0) {
        c->has_input = false;
        c->is_over = c->is_terminal;
        return;
    }
    if (!c->is_terminal) {
        memcpy(kept, keys, (size_t)len);
        kept_len = (size_t)len;
    } else if (!escape_filter(&c->escape, keys, (size_t)len, kept, &kept_len)) {
        c->is_over = true;
    }
    memcpy(c->typed + c->typed_len, kept, kept_len);
    c->typed_len += kept_len;
}

static void post_keys(struct console *c)
{
    if (c->sent_len || !c->typed_len || c->is_held)
        return;
    c->sent_len = c->typed_len;
    curl_multi_add_handle(c->multi, http_begin(c->input,
                                               &(struct http_request){
                                                   .method = "POST",
                                                   .path = c->input_path,
                                                   .content_type = "application/octet-stream",
                                                   .body = c->typed,
                                                   .body_len = c->sent_len,
                                               },
                                               &c->input_reply));
}

static void forget_typed(struct console *c, size_t len)
{
    memmove(c->typed, c->typed + len, c->typed_len - len);
    c->typed_len -= len;
}

/* The POST is over: what was taken is forgotten, the rest waits for another turn. */
static void end_input(struct console *c, CURLcode code)
{
    size_t taken = c->sent_len;

    if (code != CURLE_OK)
        leave_raw(c);
    c->outcome = http_end(c->input, code, &c->input_reply);
    if (c->outcome == DONE && c->input_reply.status == TOO_MANY) {
        taken =
            c->input_reply.accepted_bytes < taken ? (size_t)c->input_reply.accepted_bytes : taken;
        c->is_held = true;
    } else if (c->outcome == DONE && c->input_reply.status >= 300) {
        leave_raw(c);
        fputc('\n', stderr);
        c->outcome = api_problem(&c->input_reply);
    }
    c->is_over = c->is_over || c->outcome != DONE;
    c->sent_len = 0;
    forget_typed(c, taken);
    http_release(&c->input_reply);
}

static void end_log(struct console *c, CURLcode code)
{
    leave_raw(c);
    c->outcome = http_end(c->log, code, &c->log_reply);
    if (c->outcome == DONE && c->log_reply.status != 200)
        c->outcome = api_problem(&c->log_reply);
    c->is_over = c->has_log_ended = true;
}

static void take_ends(struct console *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        CURL *curl = message->easy_handle;
        CURLcode code = message->data.result;
        void *owner = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(curl, CURLINFO_PRIVATE, &owner);
        curl_multi_remove_handle(c->multi, curl);
        if (owner == c)
            end_log(c, code);
        else
            end_input(c, code);
    }
}

static void turn(struct console *c)
{
    bool has_room = sizeof(c->typed) - c->typed_len > 512;
    struct curl_waitfd keys = {.fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN};
    bool listens = c->has_input && has_room;
    int running;

    curl_multi_poll(c->multi, &keys, listens ? 1 : 0, c->is_held ? RETRY_MS : WAIT_MS, NULL);
    c->is_held = false;
    if (listens && keys.revents)
        read_keys(c);
    post_keys(c);
    curl_multi_perform(c->multi, &running);
    take_ends(c);
}

static void begin(struct console *c, struct cli *cli, const char *vm)
{
    CURL *log;

    c->multi = curl_multi_init();
    c->log = http_open(&cli->host);
    c->input = http_open(&cli->host);
    c->log_path = api_path("/vms/", vm, "/consoles/0/log?follow=true", NULL);
    c->input_path = api_path("/vms/", vm, "/consoles/0/input", NULL);
    c->has_input = true;
    log = http_begin(c->log,
                     &(struct http_request){.method = "GET", .path = c->log_path, .sink = show},
                     &c->log_reply);
    curl_easy_setopt(log, CURLOPT_PRIVATE, c);
    curl_multi_add_handle(c->multi, log);
}

static void end(struct console *c)
{
    http_close(c->log);
    http_close(c->input);
    curl_multi_cleanup(c->multi);
    http_release(&c->log_reply);
    free(c->log_path);
    free(c->input_path);
}

enum outcome console_attach(struct cli *cli, const char *vm)
{
    struct console c = {0};

    begin(&c, cli, vm);
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "This is the console of %s; \"~.\" at the beginning of a line leaves it.\n",
                vm);
    c.is_terminal = enter_raw();
    while (!was_signalled && !c.is_over)
        turn(&c);
    c.has_input = false;
    while (!was_signalled && !c.has_log_ended && c.outcome == DONE && c.typed_len && !c.is_held)
        turn(&c); /* what was typed before "~." */
    leave_raw(&c);
    if (c.is_terminal)
        fputs("\nLeft the console.\n", stderr);
    end(&c);
    return c.outcome;
}
