/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All networks replaced by others, or none: what has been done is undone when one of them cannot
 * be. Context: management task.
 */
#ifndef SOCLE_MGMT_NETWORKS_SWAP_H
#define SOCLE_MGMT_NETWORKS_SWAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"

struct networks_swap {
    const struct network_config *wanted; /* borrowed until networks_swap_end */
    u32 wanted_count;
    u32 done; /* so many of them are in force */
    struct network_config *before;
    u32 before_count;
    char culprit[NETWORK_NAME_MAX + 1]; /* the one that was refused */
};

/*
 * Deletes the networks that are not among `wanted`, and makes or changes those that are, in their
 * order; built-in ones stay, and those made for the host itself. What is the same already is not
 * touched. Return: 0; -ENOMEM, or as network_put and network_delete with s->culprit: then all is as
 * before. networks_swap_end follows in any case.
 */
int networks_swap(struct networks_swap *s, const struct network_config *wanted,
                  u32 count) must_check;

/* Makes a swap that was done undone. */
void networks_swap_undo(struct networks_swap *s);

/* Gives its memory back. */
void networks_swap_end(struct networks_swap *s);

/* Whether a network is there for reasons of its own: made for the host's port, or as it is from
 * boot; it is no part of the host's settings. */
bool network_is_from_boot(const struct network_info *info);

#endif
