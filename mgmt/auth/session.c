/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of sessions. */
#include "mgmt/auth/session.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"

#define SECRET_BYTES (SESSION_SECRET_LEN / 2)

static bool is_used(const struct session *session)
{
    return session->token[0] != '\0' || session->user[0] != '\0';
}

static bool is_alive(const struct session *session, u64 now_ns)
{
    return is_used(session) && now_ns - session->begin_ns < SESSION_LIFE_S * NS_PER_S &&
           now_ns - session->used_ns < SESSION_IDLE_S * NS_PER_S;
}

/* A free one, or the one that has not been used for longest. */
static struct session *slot_find(struct session_store *store, u64 now_ns)
{
    struct session *oldest = &store->sessions[0];

    for (u32 i = 0; i < SESSIONS_MAX; i++) {
        if (!is_alive(&store->sessions[i], now_ns))
            return &store->sessions[i];
        if (store->sessions[i].used_ns < oldest->used_ns)
            oldest = &store->sessions[i];
    }
    return oldest;
}

int session_begin(struct session_store *store, const struct session *whose, u64 now_ns,
                  int (*random)(void *dst, size_t bytes), struct session_secrets *secrets)
{
    struct session *session = slot_find(store, now_ns);
    u8 bytes[2 * SECRET_BYTES];

    if (random(bytes, sizeof(bytes)) != 0)
        return -EIO;
    hex_write(secrets->cookie, bytes, SECRET_BYTES);
    hex_write(secrets->csrf, bytes + SECRET_BYTES, SECRET_BYTES);
    mem_wipe(bytes, sizeof(bytes));
    *session = (struct session){.begin_ns = now_ns, .used_ns = now_ns, .version = whose->version};
    (void)str_copy(session->token, sizeof(session->token), whose->token);
    (void)str_copy(session->user, sizeof(session->user), whose->user);
    token_digest(secrets->cookie, session->cookie);
    token_digest(secrets->csrf, session->csrf);
    return 0;
}

/* The value of our cookie in "a=b; c=d" (RFC 6265). Return: false if it is not there, or too long
 * for one of ours. */
static bool cookie_find(const char *cookies, char value[SESSION_SECRET_LEN + 1])
{
    static const char name[] = SESSION_COOKIE "=";
    const char *at = cookies;

    while (*at) {
        const char *end = strchr(at, ';');
        size_t len = end ? (size_t)(end - at) : strlen(at);

        if (len == sizeof(name) - 1 + SESSION_SECRET_LEN &&
            strncmp(at, name, sizeof(name) - 1) == 0) {
            memcpy(value, at + sizeof(name) - 1, SESSION_SECRET_LEN);
            value[SESSION_SECRET_LEN] = '\0';
            return true;
        }
        at += len;
        while (*at == ';' || *at == ' ')
            at++;
    }
    return false;
}

struct session *session_check(struct session_store *store, const char *cookies, u64 now_ns)
{
    char value[SESSION_SECRET_LEN + 1];
    struct session *found = NULL;
    u8 digest[SHA256_BYTES];

    if (!cookie_find(cookies, value))
        return NULL;
    token_digest(value, digest);
    for (u32 i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &store->sessions[i];

        if (is_alive(session, now_ns) && mem_same_secret(session->cookie, digest, sizeof(digest)))
            found = session;
    }
    if (found)
        found->used_ns = now_ns;
    return found;
}

bool session_csrf_matches(const struct session *session, const char *csrf)
{
    u8 digest[SHA256_BYTES];

    if (!csrf)
        return false;
    token_digest(csrf, digest);
    return mem_same_secret(session->csrf, digest, sizeof(digest));
}

bool session_goes_on(struct session_store *store, u64 begin_ns, u64 now_ns)
{
    for (u32 i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &store->sessions[i];

        if (!is_used(session) || session->begin_ns != begin_ns)
            continue;
        session->used_ns = now_ns;
        return now_ns - begin_ns < SESSION_LIFE_S * NS_PER_S;
    }
    return false;
}

void session_end(struct session *session)
{
    mem_wipe(session, sizeof(*session));
}

void session_end_all(struct session_store *store, const char *token)
{
    for (u32 i = 0; i < SESSIONS_MAX; i++) {
        if (strcmp(store->sessions[i].token, token) == 0)
            session_end(&store->sessions[i]);
    }
}
