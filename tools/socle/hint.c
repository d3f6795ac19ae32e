/* SPDX-License-Identifier: BSD-2-Clause */
/* What the API's hints say, in the words of the command line. */
#include "tools/socle/hint.h"

#include <string.h>

#include "tools/socle/mem.h"

#define BASE     " /api/v1"
#define BASE_LEN (sizeof(BASE) - 1)

/* Where the host speaks of what is in a request. */
static const struct {
    const char *slug, *hint;
} of_slugs[] = {
    {"vms_running", "Add --shutdown to have their guests switch themselves off first, or --force."},
    {"no_token", "\"socle claim CODE\" on a new host; SOCLE_TOKEN, or \"socle connect\" with "
                 "--token or --user, on another."},
    {"bad_token", "Give another by SOCLE_TOKEN, or \"socle connect\" with --token or --user."},
    {"role", "Use a token with that role or a higher one."},
    {"etag", "Somebody else has changed it meanwhile: look at it again."},
};

/* Which command does what a route does; for others it is "socle api". */
static const struct {
    const char *route, *command;
} of_routes[] = {
    {"GET /host", "status"},
    {"GET /host/disks", "disk list"},
    {"GET /host/network", "host network"},
    {"GET /host/nics", "nic list"},
    {"GET /images", "image list"},
    {"GET /networks", "network list"},
    {"GET /pools", "pool list"},
    {"GET /tasks", "task list"},
    {"GET /tokens", "token list"},
    {"GET /users", "user list"},
    {"GET /vms", "vm list"},
    {"GET /vms/{vm}", "vm show"},
    {"GET /volumes", "volume list"},
    {"GET /volumes/{v}", "volume list"},
    {"POST /claim", "claim"},
    {"POST /tokens", "token create"},
    {"PUT /images/{name}", "image upload"},
    {"PUT /networks/{n}", "network create"},
    {"PUT /pools/{p}", "pool create"},
    {"PUT /users/{u}", "user put"},
    {"PUT /volumes/{v}", "volume create"},
};

static void put_command(struct buffer *out, const char *method, size_t method_len, const char *path,
                        size_t path_len)
{
    char *route = mem_text("%.*s %.*s", (int)method_len, method, (int)path_len, path);
    const char *command = NULL;

    for (size_t i = 0; i < sizeof(of_routes) / sizeof(of_routes[0]); i++) {
        if (strcmp(of_routes[i].route, route) == 0)
            command = of_routes[i].command;
    }
    buffer_print(out, command ? "\"socle %s\"" : "\"socle api %s\"", command ? command : route);
    free(route);
}

/* The method before a route: the word in capitals that ends at `end`. */
static const char *method_before(const char *text, const char *end)
{
    while (end > text && end[-1] >= 'A' && end[-1] <= 'Z')
        end--;
    return end;
}

char *hint_for(const char *type, const char *hint)
{
    const char *colon = strrchr(type, ':'), *slug = colon ? colon + 1 : type;
    struct buffer out = {0};
    const char *at;

    for (size_t i = 0; i < sizeof(of_slugs) / sizeof(of_slugs[0]); i++) {
        if (strcmp(of_slugs[i].slug, slug) == 0)
            return mem_text("%s", of_slugs[i].hint);
    }
    while ((at = strstr(hint, BASE)) != NULL) {
        const char *method = method_before(hint, at), *path = at + BASE_LEN;
        size_t len = strcspn(path, " ,;:)");

        if (len && path[len - 1] == '.')
            len--; /* the sentence's */
        buffer_add(&out, hint, (size_t)(method - hint));
        if (method < at && len)
            put_command(&out, method, (size_t)(at - method), path, len);
        else
            buffer_add(&out, method, (size_t)(path + len - method));
        hint = path + len;
    }
    buffer_print(&out, "%s", hint);
    return out.data;
}
