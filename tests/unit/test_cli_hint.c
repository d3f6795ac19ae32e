/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tools/socle/hint.c tools/socle/mem.c */
/* What the host's hints become on the command line. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "tools/socle/hint.h"

static void check(const char *slug, const char *hint, const char *want)
{
    char *got = hint_for(slug, hint);

    CHECK_STR(got, want);
    free(got);
}

TEST(routes_become_commands)
{
    check("no_such", "GET /api/v1/vms lists the VMs there are.",
          "\"socle vm list\" lists the VMs there are.");
    check("semantic", "Upload it with PUT /api/v1/images/{name}.",
          "Upload it with \"socle image upload\".");
    check("state", "Delete one: GET /api/v1/users; GET /api/v1/pools, GET /api/v1/tokens: (see)",
          "Delete one: \"socle user list\"; \"socle pool list\", \"socle token list\": (see)");
    check("state", "See /api/v1/vms or GET /api/v1", "See /api/v1/vms or GET /api/v1");
}

TEST(routes_without_a_command_are_any_request)
{
    check("no_such", "GET /api/v1/openapi.json lists every path.",
          "\"socle api GET /openapi.json\" lists every path.");
}

TEST(other_hints_stay)
{
    check("semantic", "Use a larger pool.", "Use a larger pool.");
    check("semantic", "", "");
}

TEST(what_is_said_of_requests_is_said_of_options)
{
    check("urn:socle:error:vms_running", "Send {\"vms\": \"kill\"}.",
          "Add --shutdown to have their guests switch themselves off first, or --force.");
}
