/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The members of an object that our own writer has written, as text: what lists choose by. Not for
 * JSON that comes from elsewhere, which json_parse reads.
 */
#ifndef SOCLE_MGMT_JSON_MEMBERS_H
#define SOCLE_MGMT_JSON_MEMBERS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Takes all members away but those in "a,b"; others than the object has are let pass. Return: the
 * new length. */
size_t json_members_keep(char *object, size_t len, const char *wanted);

/* True if the object has the member with that value: a string, the text of a number, true, false,
 * null; or an array with that string in it. */
bool json_members_match(const char *object, size_t len, const char *name, const char *value);

#endif
