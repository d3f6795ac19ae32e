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

/* A number of one or two cells. Return: false if the property is absent or none. dtb: sound. */
bool dtb_number(const void *dtb, int node, const char *name, u64 *value) must_check;

/* A digest of 64 lower-case hexadecimal digits, as sha256sum prints it. Return: false if the
 * property is absent or none. dtb: sound. */
bool dtb_sha256(const void *dtb, int node, const char *name, u8 digest[32]) must_check;

/* True if the property is there, whatever it holds. dtb: sound. */
bool dtb_has(const void *dtb, int node, const char *name) must_check;

/*
 * Whom mistakes are told, one call each: the node's path without the first '/' ("" is the root),
 * the property or child it is about or NULL, and what is wrong with it. Texts are borrowed for the
 * call.
 */
struct dtb_report {
    void (*fn)(void *cookie, const char *node, const char *name, const char *what);
    void *cookie;
};

/* Tells of one mistake. */
void dtb_tell(const struct dtb_report *report, const char *node, const char *name,
              const char *what);

/*
 * Tells of each property and each child of the node whose name is not known; "phandle", which the
 * compiler adds, always is. dtb: sound.
 */
void dtb_tell_unknown(const void *dtb, int node, const char *path,
                      bool (*is_known)(const char *name, bool is_node),
                      const struct dtb_report *report);

#endif
