/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory and string functions of C that the hypervisor and its libraries need. */
#ifndef SOCLE_LIB_STRING_H
#define SOCLE_LIB_STRING_H

#include "core/lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *s, int c, size_t bytes);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);
unsigned long strtoul(const char *s, char **end, int base);

/* Copies at most size-1 bytes of src and always terminates dst. Return: true if all of it fitted.
 */
bool str_copy(char *dst, size_t size, const char *src);

/* True if the bytes are the same. Takes a time that does not depend on where they differ. */
bool mem_same_secret(const void *a, const void *b, size_t bytes);

/* Clears memory in a way the compiler does not remove. */
void mem_wipe(void *dst, size_t bytes);

#endif
