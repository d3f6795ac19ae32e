/* SPDX-License-Identifier: BSD-2-Clause */
/* Which volumes are exported: a small table. */
#include "mgmt/nbd/nbd_exports.h"

#include "mgmt/nbd/nbd_remote.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/net/inet.h"
#include "drivers/net/network.h"
#include "mgmt/auth/auth.h"
#include "mgmt/tls/random.h"
#include "mgmt/http/server.h"

#define SECRET_BYTES (TOKEN_SECRET_LEN / 2)

static struct nbd_export exports[NBD_EXPORTS_MAX];

static const struct nbd_export *first_used(void)
{
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume)
            return &exports[i];
    }
    return NULL;
}

static struct nbd_export *export_of(const struct volume *volume)
{
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume == volume)
            return &exports[i];
    }
    return NULL;
}

const struct nbd_export *nbd_export_of(const struct volume *volume)
{
    return export_of(volume);
}

const struct nbd_export *nbd_export_find(const char *name)
{
    const struct nbd_export *found = NULL;
    u8 digest[SHA256_BYTES];

    token_digest(name, digest);
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume && mem_same_secret(exports[i].digest, digest, sizeof(digest)))
            found = &exports[i];
    }
    return found;
}

enum nbd_tls nbd_exports_tls(void)
{
    if (!server_has_tls())
        return NBD_TLS_NONE;
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume && !exports[i].needs_tls)
            return NBD_TLS_OPTIONAL;
    }
    return NBD_TLS_REQUIRED;
}

/* Frames to a port that is forwarded to a VM never reach the host. */
static bool is_forwarded(u16 port)
{
    static struct network_info info; /* large; one thread */
    const struct network_nat *nat = &info.cfg.nat;

    info.cfg.name[0] = '\0';
    while (network_next(info.cfg.name, &info)) {
        for (u32 i = 0; i < nat->forward_count; i++) {
            if (nat->forwards[i].protocol == IP_PROTOCOL_TCP && nat->forwards[i].host_port == port)
                return true;
        }
    }
    return false;
}

bool nbd_exports_can_have(u16 port)
{
    const struct nbd_export *other = first_used();

    return other ? other->port == port : !server_has_port(port) && !is_forwarded(port);
}

/* <volume>.<secret> */
static int make_name(const struct volume *volume, char name[NBD_EXPORT_NAME + 1])
{
    u8 secret[SECRET_BYTES];
    size_t len = ksnprintf(name, NBD_EXPORT_NAME + 1, "%s.", volume->name);

    if (random_bytes(secret, sizeof(secret)) != 0)
        return -EIO;
    hex_write(name + len, secret, sizeof(secret));
    mem_wipe(secret, sizeof(secret));
    return 0;
}

int nbd_export_make(struct volume *volume, const struct nbd_export *wanted,
                    char name[NBD_EXPORT_NAME + 1])
{
    struct nbd_export *export = export_of(NULL); /* a free slot */
    bool is_first = !first_used();
    int rc;

    if (nbd_export_of(volume))
        return -EEXIST;
    if (!export)
        return -ENOSPC;
    if (volume_is_remote(volume))
        return -EOPNOTSUPP; /* the end of a client waits for the volume, on the task that serves it
                             */
    rc = make_name(volume, name);
    if (rc == 0)
        rc = volume_open(volume, !wanted->is_read_only);
    if (rc != 0)
        return rc;
    rc = is_first ? server_nbd_open(wanted->port) : 0;
    if (rc != 0) {
        volume_close(volume, !wanted->is_read_only);
        return rc;
    }
    *export = *wanted;
    export->volume = volume;
    export->who.session_ns = 0; /* it may outlive the browser's session, not the token */
    token_digest(name, export->digest);
    log_info("nbd", "%s is exported%s at port %u%s", volume->name,
             export->is_read_only ? ", read-only," : "", export->port,
             export->needs_tls ? "" : " without TLS");
    return 0;
}

static void end(struct nbd_export *export)
{
    log_info("nbd", "%s is exported no more", export->volume->name);
    server_end_nbd(export);
    volume_close(export->volume, !export->is_read_only);
    *export = (struct nbd_export){0};
    if (!first_used())
        server_nbd_close();
}

int nbd_export_end(const struct volume *volume)
{
    struct nbd_export *export = export_of(volume);

    if (!export)
        return -ENOENT;
    end(export);
    return 0;
}

void nbd_exports_poll(void)
{
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume && !auth_goes_on(&exports[i].who))
            end(&exports[i]);
    }
}

void nbd_exports_end_of(const char *token)
{
    for (u32 i = 0; i < NBD_EXPORTS_MAX; i++) {
        if (exports[i].volume && strcmp(exports[i].who.token, token) == 0)
            end(&exports[i]);
    }
}
