/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error codes: a fallible function returns 0 or one of these, negated.
 *
 * The values are those of Linux, so that pure modules compile unchanged on the host for unit tests.
 */
#ifndef SOCLE_LIB_ERRNO_H
#define SOCLE_LIB_ERRNO_H

#define EPERM      1   /* not allowed */
#define ENOENT     2   /* no such object */
#define EINTR      4   /* interrupted by a request (stop, pause) */
#define EIO        5   /* a device failed */
#define E2BIG      7   /* larger than a fixed limit */
#define EAGAIN     11  /* not now; try again when woken */
#define ENOMEM     12  /* out of memory */
#define EFAULT     14  /* address not mapped */
#define EBUSY      16  /* in use, or wrong state for this operation */
#define EEXIST     17  /* already there */
#define ENODEV     19  /* hardware or feature absent */
#define EINVAL     22  /* malformed or out-of-range argument */
#define ENOSPC     28  /* fixed-size container is full */
#define ERANGE     34  /* number does not fit */
#define ENODATA    61  /* nothing to read */
#define EPROTO     71  /* peer broke the protocol */
#define EOVERFLOW  75  /* arithmetic would wrap */
#define EOPNOTSUPP 95  /* understood, but not supported */
#define ETIMEDOUT  110 /* no answer in time */

#endif
