/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of the host that somebody may have meant. */
#ifndef SOCLE_MGMT_API_SIMILAR_H
#define SOCLE_MGMT_API_SIMILAR_H

/* kind, name: as in a no_such. Return: "a, b", valid until the next call; NULL: there are none.
 * Context: management task. */
const char *api_similar(const char *kind, const char *name);

#endif
