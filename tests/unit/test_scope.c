/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/auth/scope.c core/lib/str.c */
/* Tokens for some VMs: which routes they reach, one by one, and which VMs. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "mgmt/http/router.h"
#include "mgmt/auth/scope.h"

#define ROUTE(route_verb, route_role, route_path, route_body, route_query, handler) \
    {.verb = route_verb, .role = route_role, .path = route_path},

static const struct route routes[] = {
#include "mgmt/http/routes.def"
};

#define COUNT (sizeof(routes) / sizeof(routes[0]))

/* What changes a VM's definition is another one's disk away from another one's data. */
TEST(definitions_and_the_host_are_out_of_reach)
{
    u32 vm = 0, open = 0;

    for (size_t i = 0; i < COUNT; i++) {
        const struct route *route = &routes[i];
        enum reach reach = scope_reach(route->verb, route->path);
        bool names_vm = strstr(route->path, "/{vm}") != NULL;

        vm += reach == REACH_VM;
        open += reach == REACH_OPEN;
        if (reach == REACH_VM)
            CHECK(names_vm && (route->verb == VERB_GET || route->verb == VERB_POST));
        if (names_vm)
            CHECK(reach != REACH_OPEN);
        if (names_vm &&
            (route->verb == VERB_PUT || route->verb == VERB_PATCH || route->verb == VERB_DELETE))
            CHECK_EQ(reach, REACH_HOST);
        if (reach == REACH_OPEN && route->verb != VERB_GET)
            CHECK(route->verb == VERB_DELETE && (strcmp(route->path, "/api/v1/sessions") == 0 ||
                                                 strcmp(route->path, "/api/v1/tasks/{t}") == 0));
        if (route->role == ROLE_ADMIN || strstr(route->path, "/tokens") ||
            strstr(route->path, "/data") || strstr(route->path, "/api/v1/host"))
            CHECK_EQ(reach, REACH_HOST);
    }
    CHECK_EQ(vm, 15); /* each row of the table is a route that exists */
    CHECK_EQ(open, 11);
    CHECK_EQ(scope_reach(VERB_GET, "/api/v1/new/thing"), REACH_HOST);
}

TEST(one_tag_in_common_is_enough)
{
    struct vm_config cfg = {.tags = {"web", "test"}, .tag_count = 2};
    struct scope scope = {0};

    CHECK(scope_has(&scope, &cfg)); /* no scope */
    CHECK(scope_add(&scope, "db"));
    CHECK(!scope_has(&scope, &cfg));
    CHECK(scope_add(&scope, "test"));
    CHECK(scope_has(&scope, &cfg));
    cfg.tag_count = 1; /* what is behind it is no tag of the VM */
    CHECK(!scope_has(&scope, &cfg));
    cfg.tag_count = 0;
    CHECK(!scope_has(&scope, &cfg));
}

TEST(tags)
{
    struct scope scope = {0};
    char tag[40];

    memset(tag, 't', sizeof(tag));
    tag[VM_TAG_MAX + 1] = '\0';
    CHECK(!scope_add(&scope, ""));
    CHECK(!scope_add(&scope, "a\nb"));
    scope.count = 0;
    CHECK(!scope_add(&scope, tag));
    scope.count = 0;
    tag[VM_TAG_MAX] = '\0';
    for (u32 i = 0; i < SCOPE_TAGS_MAX; i++)
        CHECK(scope_add(&scope, tag));
    CHECK(!scope_add(&scope, "one more"));
}
