/* SPDX-License-Identifier: BSD-2-Clause */
/* The distance of two names, and the nearest of many. */
#include "mgmt/api/similar.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"

/* Optimal string alignment (Damerau's distance without repeated edits), three rows of the table. */
u32 similar_distance(const char *a, const char *b, u32 limit)
{
    u32 rows[3][SIMILAR_NAME_MAX + 2];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > SIMILAR_NAME_MAX || b_len > SIMILAR_NAME_MAX || a_len > b_len + limit ||
        b_len > a_len + limit)
        return limit + 1;
    for (u32 j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (u32 i = 1; i <= a_len; i++) {
        u32 *now = rows[i % 3], *before = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];

        now[0] = i;
        for (u32 j = 1; j <= b_len; j++) {
            u32 change = before[j - 1] + (a[i - 1] != b[j - 1]);

            now[j] = MIN(change, MIN(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], older[j - 2] + 1);
        }
    }
    return MIN(rows[a_len % 3][b_len], limit + 1);
}

/* A third of a name may be wrong, but never all of it. */
static u32 limit_of(const char *wanted)
{
    size_t len = strlen(wanted);

    return len < 3 ? 1 : len < 7 ? 2 : 3;
}

void similar_offer(struct similar *similar, const char *wanted, const char *name)
{
    u32 limit = limit_of(wanted);
    u32 distance = similar_distance(wanted, name, limit);
    u32 at = SIMILAR_COUNT;

    if (distance > limit || distance >= strlen(wanted))
        return;
    while (at > 0 && (!similar->names[at - 1][0] || similar->distances[at - 1] > distance))
        at--;
    if (at == SIMILAR_COUNT)
        return;
    for (u32 i = SIMILAR_COUNT - 1; i > at; i--) {
        memcpy(similar->names[i], similar->names[i - 1], sizeof(similar->names[i]));
        similar->distances[i] = similar->distances[i - 1];
    }
    (void)str_copy(similar->names[at], sizeof(similar->names[at]), name);
    similar->distances[at] = distance;
}

const char *similar_text(const struct similar *similar, char *dst, size_t size)
{
    size_t len = 0;

    dst[0] = '\0';
    for (u32 i = 0; i < SIMILAR_COUNT && similar->names[i][0] && len < size; i++)
        len += ksnprintf(dst + len, size - len, "%s%s", len ? ", " : "", similar->names[i]);
    return dst;
}
