/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/router.c mgmt/auth/role.c core/lib/printf.c core/lib/str.c */
/* Paths find their routes, and the OpenAPI document has the same routes as the server. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/http/router.h"

#define ROUTE(route_verb, route_role, route_path, route_body, route_query, handler) \
    {.verb = route_verb,                                                            \
     .role = route_role,                                                            \
     .body = route_body,                                                            \
     .path = route_path,                                                            \
     .query = route_query},

static const struct route routes[] = {
#include "mgmt/http/routes.def"
};

#define COUNT (sizeof(routes) / sizeof(routes[0]))

static struct route_match match;

static const char *find(enum http_verb verb, const char *path)
{
    router_match(routes, COUNT, verb, path, &match);
    return match.route ? match.route->path : "none";
}

TEST(paths_find_their_routes)
{
    CHECK_STR(find(VERB_GET, "/api/v1/"), "/api/v1/");
    CHECK_STR(find(VERB_GET, "/"), "/");
    CHECK_STR(find(VERB_GET, "/ui/app.js"), "/ui/{file}");
    CHECK_STR(match.params[0], "app.js");
    CHECK_STR(find(VERB_GET, "/api/v1"), "/api/v1/");
    CHECK_STR(find(VERB_GET, "/api/v1/vms"), "/api/v1/vms");
    CHECK_STR(find(VERB_GET, "/api/v1/vms/"), "/api/v1/vms");
    CHECK_STR(find(VERB_HEAD, "/api/v1/host"), "/api/v1/host");
    CHECK_STR(find(VERB_POST, "/api/v1/vms/a/consoles/0/input"),
              "/api/v1/vms/{vm}/consoles/{id}/input");
    CHECK_EQ(match.param_count, 2);
    CHECK_STR(match.params[0], "a");
    CHECK_STR(match.params[1], "0");
    CHECK_STR(find(VERB_DELETE, "/api/v1/vms/debian"), "/api/v1/vms/{vm}");
    CHECK_STR(match.params[0], "debian");
}

TEST(what_is_not_there_is_not_found)
{
    static const char *const paths[] = {
        "/ui",
        "/ui/",
        "/ui/a/b",
        "/api",
        "/api/v2/",
        "/api/v1/vm",
        "/api/v1/vmss",
        "/api/v1/vms//start",
        "/api/v1//vms",
        "/api/v1/vms/a/b",
        "//api/v1/vms",
        "/metrics/x",
        "/api/v1/vms/a/start/b",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        CHECK_STR(find(VERB_GET, paths[i]), "none");
        CHECK_EQ(match.allowed, 0);
    }
}

TEST(wrong_methods_are_told_what_is_allowed)
{
    char text[64];

    CHECK_STR(find(VERB_POST, "/api/v1/vms/a"), "none");
    CHECK_STR(router_allow_text(match.allowed, text, sizeof(text)),
              "GET, HEAD, PUT, DELETE, OPTIONS, PATCH");
    CHECK_STR(find(VERB_GET, "/api/v1/vms/a/start"), "none");
    CHECK_STR(router_allow_text(match.allowed, text, sizeof(text)), "POST, OPTIONS");
    router_allow_text(~0u, text, 10);
    CHECK(strlen(text) < 10);
}

TEST(queries_are_known_by_whole_names)
{
    find(VERB_GET, "/api/v1/vms");
    CHECK(route_has_query(match.route, "limit"));
    CHECK(route_has_query(match.route, "after"));
    CHECK(route_has_query(match.route, "fields"));
    CHECK(!route_has_query(match.route, "field"));
    CHECK(!route_has_query(match.route, "limit after"[0] ? "imit" : ""));
    CHECK(!route_has_query(match.route, ""));
}

/* The document, terminated. */
static char *read_document(void)
{
    FILE *file = fopen("mgmt/openapi.json", "r");
    char *text = calloc(1, 1 << 20);

    CHECK(file != NULL);
    if (file) {
        CHECK(fread(text, 1, (1 << 20) - 1, file) > 1000);
        fclose(file);
    }
    return text;
}

/* Where the document describes the operation: the line of the method under that of the path. */
static const char *operation(const char *document, const char *path, enum http_verb verb)
{
    char needle[128];
    const char *at;
    const char *end;
    char *c;

    snprintf(needle, sizeof(needle), "\n  \"%s\":{\n", path);
    at = strstr(document, needle);
    if (!at)
        return NULL;
    end = strstr(at + strlen(needle) - 1, "\n  }");
    snprintf(needle, sizeof(needle), "\n    \"%s\":{", verb_text(verb));
    for (c = needle; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    at = strstr(at, needle);
    return at && at < end ? at + 1 : NULL;
}

TEST(the_document_has_every_route_and_its_query)
{
    char *document = read_document();
    char list[256], needle[80];

    for (size_t i = 0; i < COUNT; i++) {
        const char *at = operation(document, routes[i].path, routes[i].verb);
        const char *end = at ? strchr(at, '\n') : NULL;

        if (!at)
            fprintf(stderr, "not in openapi.json: %s %s\n", verb_text(routes[i].verb),
                    routes[i].path);
        CHECK(at != NULL);
        snprintf(list, sizeof(list), "%s", routes[i].query);
        for (char *name = strtok(list, " "); at && name; name = strtok(NULL, " ")) {
            snprintf(needle, sizeof(needle), "{\"name\":\"%s\",\"in\":\"query\"", name);
            CHECK(strstr(at, needle) != NULL && strstr(at, needle) < end);
        }
    }
    free(document);
}

TEST(the_document_says_the_role_of_every_route)
{
    char *document = read_document();
    char needle[120];

    for (size_t i = 0; i < COUNT; i++) {
        const char *at = operation(document, routes[i].path, routes[i].verb);
        const char *end = at ? strchr(at, '\n') : NULL;

        if (routes[i].role == ROLE_NONE)
            snprintf(needle, sizeof(needle), "\"security\":[],");
        else
            snprintf(needle, sizeof(needle),
                     "\"security\":[{\"token\":[\"%s\"]},{\"session\":[\"%s\"]}],",
                     role_name(routes[i].role), role_name(routes[i].role));
        if (!at || !strstr(at, needle) || strstr(at, needle) > end)
            fprintf(stderr, "%s %s is not for role %s in openapi.json\n", verb_text(routes[i].verb),
                    routes[i].path, role_name(routes[i].role));
        CHECK(at && strstr(at, needle) != NULL && strstr(at, needle) < end);
    }
    free(document);
}

/* What is open to anybody is written down here as well, so that no slip of the pen opens more. */
TEST(only_these_routes_are_open)
{
    static const char *const open[] = {"/",
                                       "/ui/app.js",
                                       "/api/v1/",
                                       "/api/v1/openapi.json",
                                       "/api/v1/health",
                                       "/api/v1/claim",
                                       "/api/v1/sessions"};
    size_t count = 0;

    for (size_t i = 0; i < COUNT; i++)
        count += routes[i].role == ROLE_NONE;
    CHECK_EQ(count, sizeof(open) / sizeof(open[0]));
    for (size_t i = 0; i < count; i++) {
        find(i >= 5 ? VERB_POST : VERB_GET, open[i]);
        CHECK(match.route && match.route->role == ROLE_NONE);
    }
    for (size_t i = 0; i < COUNT; i++) /* viewers change nothing but what is theirs */
        CHECK(routes[i].verb == VERB_GET || routes[i].role != ROLE_VIEWER ||
              strstr(routes[i].path, "/tokens") || strstr(routes[i].path, "/sessions"));
}

TEST(the_document_has_nothing_else)
{
    char *document = read_document();
    size_t operations = 0, queries = 0, known = 0;

    for (const char *at = document; (at = strstr(at, "\"operationId\"")) != NULL; at++)
        operations++;
    for (const char *at = document; (at = strstr(at, "\"in\":\"query\"")) != NULL; at++)
        queries++;
    for (size_t i = 0; i < COUNT; i++) {
        for (const char *c = routes[i].query; *c; c++)
            known += *c == ' ' || c == routes[i].query;
    }
    CHECK_EQ(operations, COUNT);
    CHECK_EQ(queries, known);
    free(document);
}
