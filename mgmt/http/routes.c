/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's route table, made of routes.def. */
#include "mgmt/api/api.h"

#define ROUTE(route_verb, route_role, route_path, route_body, route_query, handler) \
    {.verb = route_verb,                                                            \
     .role = route_role,                                                            \
     .body = route_body,                                                            \
     .path = route_path,                                                            \
     .query = route_query,                                                          \
     .handle = handler},

const struct route api_routes[] = {
#include "mgmt/http/routes.def"
};

const u32 api_route_count = ARRAY_SIZE(api_routes);
