/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading device trees that may be damaged or hostile: what host settings, boot-time VMs and the
 * loader share.
 */
#ifndef SOCLE_LIB_DTB_H
#define SOCLE_LIB_DTB_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* What the root of a socle.dtb must be compatible with. */
#define DTB_COMPATIBLE "socle,host"

/*
 * True if every structure in the blob lies inside its bytes and is well formed; libfdt can then
 * walk it without further care. Anything may be passed.
 */
bool dtb_is_sound(const void *dtb, size_t bytes) must_check;

/* True if it is sound and its root says that it configures Socle. */
bool dtb_is_socle(const void *dtb, size_t bytes) must_check;

/* The node of that path ("/images"). Return: negative if there is none. dtb: sound. */
int dtb_find(const void *dtb, const char *path) must_check;

/*
 * A string property, checked to be one terminated text inside its length. dtb: sound; the text lies
 * in it. Return: NULL if the property is absent or no string.
 */
const char *dtb_string(const void *dtb, int node, const char *name) must_check;

#endif
