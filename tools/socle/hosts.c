/* SPDX-License-Identifier: BSD-2-Clause */
/* hosts.json: {"default": name, "hosts": {name: {"url", "pin", "token"}}}. */
#include "tools/socle/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/socle/mem.h"

#define PATH_BYTES_MAX 4096u

const char *hosts_path(void)
{
    static char path[PATH_BYTES_MAX];
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && config[0] == '/')
        snprintf(path, sizeof(path), "%s/socle/hosts.json", config);
    else
        snprintf(path, sizeof(path), "%s/.config/socle/hosts.json", home ? home : "");
    return path;
}

/* Return: the file's object, an empty one if there is no file, NULL if it is damaged. */
static json_t *load(void)
{
    json_error_t error;
    json_t *root;

    if (access(hosts_path(), F_OK) != 0)
        return json_object();
    root = json_load_file(hosts_path(), JSON_REJECT_DUPLICATES, &error);
    if (root && json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static void copy_member(char out[HOST_TEXT_MAX], const json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));

    snprintf(out, HOST_TEXT_MAX, "%s", text ? text : "");
}

static json_t *find_entry(json_t *hosts, const char *wanted, const char **name)
{
    char url[HOST_TEXT_MAX] = "";
    const char *key;
    json_t *entry;

    (void)hosts_take_url(wanted, url);
    json_object_foreach(hosts, key, entry)
    {
        const char *its = json_string_value(json_object_get(entry, "url"));

        if (strcmp(key, wanted) == 0 || (its && strcmp(its, url) == 0)) {
            *name = key;
            return entry;
        }
    }
    return NULL;
}

int hosts_find(const char *wanted, struct host *host)
{
    json_t *root = load(), *entry = NULL;
    const char *name = "";

    memset(host, 0, sizeof(*host));
    if (!root)
        return -2;
    if (!wanted)
        wanted = json_string_value(json_object_get(root, "default"));
    if (wanted)
        entry = find_entry(json_object_get(root, "hosts"), wanted, &name);
    if (entry) {
        snprintf(host->name, sizeof(host->name), "%s", name);
        copy_member(host->url, entry, "url");
        copy_member(host->pin, entry, "pin");
        copy_member(host->token, entry, "token");
    }
    json_decref(root);
    return entry ? 0 : -1;
}

/* The folders above the file; only their owner may look into those that are made. */
static bool make_folders(const char *path)
{
    char folder[PATH_BYTES_MAX];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

static bool write_file(const char *path, const json_t *root)
{
    char *temporary = mem_text("%s.XXXXXX", path);
    int fd = mkstemp(temporary); /* with mode 0600 */
    bool ok = fd >= 0 && json_dumpfd(root, fd, JSON_INDENT(2)) == 0 && fsync(fd) == 0;

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (ok)
        ok = rename(temporary, path) == 0;
    if (!ok && fd >= 0)
        unlink(temporary);
    free(temporary);
    return ok;
}

bool hosts_store(const struct host *host)
{
    json_t *root = load(), *hosts;
    bool ok;

    if (!root) {
        errno = EINVAL;
        return false;
    }
    hosts = json_object_get(root, "hosts");
    if (!json_is_object(hosts)) {
        hosts = json_object();
        json_object_set_new(root, "hosts", hosts);
    }
    json_object_set_new(
        hosts, host->name,
        json_pack("{ssssss}", "url", host->url, "pin", host->pin, "token", host->token));
    json_object_set_new(root, "default", json_string(host->name));
    ok = make_folders(hosts_path()) && write_file(hosts_path(), root);
    json_decref(root);
    return ok;
}

bool hosts_take_url(const char *text, char url[HOST_TEXT_MAX])
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    size_t len = strlen(text);

    while (len > scheme && text[len - 1] == '/')
        len--;
    if (!scheme || len == scheme || len >= HOST_TEXT_MAX ||
        strspn(text + scheme,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") !=
            len - scheme)
        return false;
    memcpy(url, text, len);
    url[len] = '\0';
    return true;
}
