/* SPDX-License-Identifier: BSD-2-Clause */
/* The hosts this user knows: URL, pin and token, in ~/.config/socle/hosts.json. */
#ifndef SOCLE_CLI_HOSTS_H
#define SOCLE_CLI_HOSTS_H

#include <stdbool.h>

#define HOST_TEXT_MAX 256u

struct host {
    char name[HOST_TEXT_MAX];
    char url[HOST_TEXT_MAX]; /* without a slash at its end */
    char pin[HOST_TEXT_MAX]; /* "sha256//…"; "" with plain HTTP */
    char token[HOST_TEXT_MAX];
};

/* wanted: a name or URL in the file; NULL: the one of the last connect. Return: 0; -1 if there is
 * no such host; -2 if the file is damaged. */
int hosts_find(const char *wanted, struct host *host);

/* Adds or replaces the host of that name and makes it the default. The file is there in whole or
 * not at all, with mode 0600. Return: false with errno set. */
bool hosts_store(const struct host *host);

/* Checks and copies "http[s]://host[:port][/]". Return: false if it is nothing of the kind. */
bool hosts_take_url(const char *text, char url[HOST_TEXT_MAX]);

/* Where the file is; the text is good until the next call. */
const char *hosts_path(void);

#endif
