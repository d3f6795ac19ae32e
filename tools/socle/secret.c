/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal's echo is off while a secret is typed, and on again also after an interrupt. */
#include "tools/socle/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/socle/cli.h"

static struct termios shown;

static void on_signal(int number)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
    signal(number, SIG_DFL);
    raise(number);
}

/* Return: false if standard input is no terminal. */
static bool hide(void)
{
    struct termios hidden;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
}

static void show(void)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    fputc('\n', stderr);
}

enum outcome secret_read(const char *question, char secret[SECRET_MAX + 1])
{
    char line[SECRET_MAX + 3] = "";
    bool is_hidden = hide();
    size_t len;

    if (is_hidden)
        fprintf(stderr, "%s: ", question);
    if (!fgets(line, sizeof(line), stdin))
        line[0] = '\0';
    if (is_hidden)
        show();
    len = strcspn(line, "\r\n");
    line[len] = '\0';
    if (len == 0 || len > SECRET_MAX) {
        explicit_bzero(line, sizeof(line));
        return say(MISUSED, len ? "a password has %u bytes at most." : "no password was given.",
                   SECRET_MAX);
    }
    memcpy(secret, line, len + 1);
    explicit_bzero(line, sizeof(line));
    return DONE;
}

enum outcome secret_choose(const char *question, char secret[SECRET_MAX + 1])
{
    char again[SECRET_MAX + 1] = "";
    enum outcome outcome = secret_read(question, secret);

    if (outcome == DONE && isatty(STDIN_FILENO))
        outcome = secret_read("Again", again);
    else
        memcpy(again, secret, sizeof(again));
    if (outcome == DONE && strcmp(secret, again) != 0)
        outcome = say(MISUSED, "the two are not the same.");
    explicit_bzero(again, sizeof(again));
    return outcome;
}
