/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages of a guest are in its balloon, a bit for each of 4 KiB. The host can use frames of
 * 512 pages only: the map says when one is whole. Callers serialise.
 */
#ifndef SOCLE_VDEV_VIRTIO_BALLOON_MAP_H
#define SOCLE_VDEV_VIRTIO_BALLOON_MAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define BALLOON_FRAME_PAGES 512u
#define BALLOON_WORD_PAGES  64u

struct balloon_map {
    u64 *words;
    u64 pages; /* a multiple of BALLOON_FRAME_PAGES */
};

/* Bytes of the words for so many pages. */
static inline size_t balloon_map_bytes(u64 pages)
{
    return pages / BALLOON_WORD_PAGES * sizeof(u64);
}

/* Return: true if the page was the last of its frame to come. A page that is in already, or beyond
 * the end, changes nothing. */
bool balloon_map_add(struct balloon_map *map, u64 page);

/* A page that is not in changes nothing. */
void balloon_map_remove(struct balloon_map *map, u64 page);

#endif
