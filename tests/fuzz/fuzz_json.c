/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/json/json_read.c mgmt/json/json_get.c mgmt/json/json_write.c core/lib/date.c
 * core/lib/hex.c core/lib/printf.c */
/* Any bytes: the reader accepts or refuses, and what it accepts can be walked, read and pointed at.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mgmt/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json_doc doc;

static void look_at(const struct json_node *node)
{
    char text[64];
    u64 number;
    bool flag;

    json_pointer(&doc, node, text, sizeof(text));
    json_excerpt(&doc, node, text, sizeof(text));
    if (json_get_string(&doc, node, text, sizeof(text)) == 0 ||
        json_get_u64(&doc, node, &number) == 0 || json_get_bool(&doc, node, &flag) == 0)
        return;
    for (const struct json_node *c = json_first(&doc, node); c; c = json_next(&doc, c))
        look_at(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (json_parse(&doc, (const char *)data, size) == 0)
        look_at(json_root(&doc));
    else if (!doc.error)
        abort();
    return 0;
}
