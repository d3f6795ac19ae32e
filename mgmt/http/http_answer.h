/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to one HTTP/1.1 request from a stream of bytes, in fixed memory. Pure.
 *
 * Splitting is http-parser's; this module bounds it and keeps the little of the head that a
 * download needs. The server is hostile: a head without end, two lengths, a body whose end nobody
 * can tell are refused.
 */
#ifndef SOCLE_MGMT_HTTP_ANSWER_H
#define SOCLE_MGMT_HTTP_ANSWER_H

#include <http_parser.h>

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define ANSWER_LOCATION_MAX 2047u
#define ANSWER_INTERIM_MAX  8u /* of status 1xx before the one that counts */

enum answer_event {
    ANSWER_MORE, /* all bytes taken, nothing complete */
    ANSWER_HEAD, /* status, length and location are there */
    ANSWER_BODY, /* body and body_len are set, valid until the next call */
    ANSWER_END,  /* complete: nothing more may be fed */
    ANSWER_BAD,  /* error is set: nothing more may be fed */
};

struct http_answer {
    http_parser parser; /* the library's */

    /* Valid from ANSWER_HEAD on. */
    u16 status;
    bool has_length; /* else it comes in chunks, or has no body that counts */
    bool is_chunked;
    bool is_encoded; /* compressed, though it was not asked for */
    u64 length;
    char location[ANSWER_LOCATION_MAX + 1]; /* "": there is none */

    /* Valid after ANSWER_BODY. */
    const u8 *body;
    size_t body_len;

    /* Valid after ANSWER_BAD: a sentence. */
    const char *error;

    /* Private. */
    enum answer_event event;
    u32 interim;
    bool head_done;
    bool in_value;
    bool has_location; /* two would be two ways to read it */
    char name[20];     /* of the header that comes, as far as it is needed to know it */
    u32 name_len;
    u32 value_len;
    char encoding[12];
};

void http_answer_init(struct http_answer *answer);

/* Return: what happened; *used bytes of data are done with. */
enum answer_event http_answer_feed(struct http_answer *answer, const u8 *data, size_t len,
                                   size_t *used);

#endif
