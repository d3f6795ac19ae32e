/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes makes room first: for names, VLANs, subnets and ports of forwards. Undoing goes the
 * same way back, so that each step leads to a state that was possible before.
 */
#include "mgmt/net/networks_swap.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

static struct network_info info; /* large; one thread asks */

bool network_is_from_boot(const struct network_info *network)
{
    return network->was_made_for_host ||
           (strcmp(network->cfg.name, UPLINK_NETWORK) == 0 && network->cfg.mtu == ETHERNET_MTU);
}

static const struct network_config *find(const struct network_config *list, u32 count,
                                         const char *name)
{
    for (u32 i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    }
    return NULL;
}

/* A bridge or an isolated network that is as it is wanted; of one of kind nat network_put sees
 * that itself. */
static bool is_there(const struct network_config *cfg)
{
    return network_get(cfg->name, &info) == 0 && cfg->kind != NETWORK_NAT &&
           info.cfg.kind == cfg->kind && info.cfg.vlan == cfg->vlan &&
           (cfg->mtu == 0 || info.cfg.mtu == cfg->mtu) &&
           (cfg->uplink[0] == '\0' || strcmp(info.cfg.uplink, cfg->uplink) == 0);
}

/* Return: as network_put. */
static int put(const struct network_config *cfg)
{
    bool is_new;

    return is_there(cfg) ? 0 : network_put(cfg, &is_new);
}

/* Return: 0, -ENOMEM. */
static int take_down(struct networks_swap *s)
{
    s->before = kmalloc(NETWORKS_MAX * sizeof(*s->before));
    if (!s->before)
        return -ENOMEM;
    info.cfg.name[0] = '\0';
    while (s->before_count < NETWORKS_MAX && network_next(info.cfg.name, &info)) {
        if (!info.was_made_for_host)
            s->before[s->before_count++] = info.cfg;
    }
    return 0;
}

static int delete_others(struct networks_swap *s)
{
    for (u32 i = 0; i < s->before_count; i++) {
        const char *name = s->before[i].name;
        int rc = 0;

        if (!find(s->wanted, s->wanted_count, name) && network_get(name, &info) == 0 &&
            !info.is_builtin)
            rc = network_delete(name);
        if (rc) {
            (void)str_copy(s->culprit, sizeof(s->culprit), name);
            return rc;
        }
    }
    return 0;
}

static int put_wanted(struct networks_swap *s)
{
    for (; s->done < s->wanted_count; s->done++) {
        const struct network_config *cfg = &s->wanted[s->done];
        int rc = put(cfg);

        if (rc) {
            (void)str_copy(s->culprit, sizeof(s->culprit), cfg->name);
            return rc;
        }
    }
    return 0;
}

int networks_swap(struct networks_swap *s, const struct network_config *wanted, u32 count)
{
    int rc;

    *s = (struct networks_swap){.wanted = wanted, .wanted_count = count};
    rc = take_down(s);
    if (rc == 0)
        rc = delete_others(s);
    if (rc == 0)
        rc = put_wanted(s);
    if (rc)
        networks_swap_undo(s);
    return rc;
}

static void restore(const char *name, const struct network_config *cfg)
{
    int rc = cfg ? put(cfg) : network_delete(name);

    if (rc)
        log_error("net", "network %s could not be made what it was before (%d)", name, rc);
}

void networks_swap_undo(struct networks_swap *s)
{
    for (; s->done > 0; s->done--) {
        const char *name = s->wanted[s->done - 1].name;

        restore(name, find(s->before, s->before_count, name));
    }
    for (u32 i = 0; i < s->before_count; i++) {
        if (network_get(s->before[i].name, &info))
            restore(s->before[i].name, &s->before[i]);
    }
}

void networks_swap_end(struct networks_swap *s)
{
    kfree(s->before);
}
