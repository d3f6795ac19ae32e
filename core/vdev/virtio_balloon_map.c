/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages in a balloon. */
#include "core/vdev/virtio_balloon_map.h"

#define FRAME_WORDS (BALLOON_FRAME_PAGES / BALLOON_WORD_PAGES)

static bool is_whole(const struct balloon_map *map, u64 page)
{
    const u64 *words = &map->words[page / BALLOON_FRAME_PAGES * FRAME_WORDS];
    u64 all = ~0ull;

    for (unsigned i = 0; i < FRAME_WORDS; i++)
        all &= words[i];
    return all == ~0ull;
}

bool balloon_map_add(struct balloon_map *map, u64 page)
{
    u64 bit = BIT(page % BALLOON_WORD_PAGES);

    if (page >= map->pages || (map->words[page / BALLOON_WORD_PAGES] & bit) != 0)
        return false;
    map->words[page / BALLOON_WORD_PAGES] |= bit;
    return is_whole(map, page);
}

void balloon_map_remove(struct balloon_map *map, u64 page)
{
    if (page < map->pages)
        map->words[page / BALLOON_WORD_PAGES] &= ~BIT(page % BALLOON_WORD_PAGES);
}
