/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks of its platform: diagnostics, assertions, random numbers. */
#ifndef SOCLE_PORT_CC_H
#define SOCLE_PORT_CC_H

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_CTYPE_H    1
#define X8_F               "02x"
#define U16_F              "u"
#define S16_F              "d"
#define X16_F              "x"
#define U32_F              "u"
#define S32_F              "d"
#define X32_F              "x"
#define SZT_F              "zu"

void port_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned int port_random(void);
_Noreturn void assert_failed(const char *expr, const char *file, int line);

#define LWIP_PLATFORM_DIAG(args) port_diag args

/*
 * lwIP asserts on its own invariants only: what the network sends is checked by LWIP_ERROR and
 * plain code, which drop the frame. An assertion is therefore a broken host invariant.
 */
#define LWIP_PLATFORM_ASSERT(text) assert_failed(text, __FILE__, __LINE__)

#define LWIP_ERROR(message, expression, handler) \
    do {                                         \
        if (!(expression)) {                     \
            port_diag("%s", message);            \
            handler;                             \
        }                                        \
    } while (0)

#define LWIP_RAND() port_random()

/* Spelt so that core/lib's `packed` does not get into it. */
#define PACK_STRUCT_STRUCT __attribute__((__packed__))

#endif
