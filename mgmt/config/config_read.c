/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers of socle.dtb, of which the first report ends it. */
#include "mgmt/config/config_read.h"

#include <libfdt.h>

#include "core/lib/dtb.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/net/network_fdt.h"

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    struct config_mistake *mistake = cookie;

    if (mistake->what[0] != '\0')
        return;
    ksnprintf(mistake->pointer, sizeof(mistake->pointer), "%s%s%s%s", node[0] ? "/" : "", node,
              name ? "/" : "", name ? name : "");
    ksnprintf(mistake->what, sizeof(mistake->what), "%s", what);
}

/* What lies at an offset of the tree's structure; *next: behind it. Both trees are sound, so each
 * text ends inside. Return: false if the two differ there. */
static bool same_tag(const void *a, int *at_a, const void *b, int *at_b, u32 *tag)
{
    int next_a, next_b;
    u32 tag_a = fdt_next_tag(a, *at_a, &next_a);
    u32 tag_b = fdt_next_tag(b, *at_b, &next_b);
    bool is_same = tag_a == tag_b;

    if (is_same && tag_a == FDT_BEGIN_NODE) {
        is_same = strcmp(fdt_get_name(a, *at_a, NULL), fdt_get_name(b, *at_b, NULL)) == 0;
    } else if (is_same && tag_a == FDT_PROP) {
        const char *name_a, *name_b;
        int len_a, len_b;
        const void *value_a = fdt_getprop_by_offset(a, *at_a, &name_a, &len_a);
        const void *value_b = fdt_getprop_by_offset(b, *at_b, &name_b, &len_b);

        is_same = value_a && value_b && strcmp(name_a, name_b) == 0 && len_a == len_b &&
                  memcmp(value_a, value_b, (size_t)len_a) == 0;
    }
    *tag = tag_a;
    *at_a = next_a;
    *at_b = next_b;
    return is_same;
}

static bool same_node(const void *a, int at_a, const void *b, int at_b)
{
    u32 depth = 0, tag;

    do {
        if (!same_tag(a, &at_a, b, &at_b, &tag))
            return false;
        if (tag == FDT_BEGIN_NODE)
            depth++;
        else if (tag == FDT_END_NODE)
            depth--;
    } while (depth > 0 && tag != FDT_END);
    return true;
}

/* Return: 0, -EINVAL (told). */
static int check_boot_nodes(const void *tree, const void *booted, struct config_mistake *mistake)
{
    static const char *const paths[] = {"/api", "/console", "/images", "/vms"};

    for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
        int node = dtb_find(tree, paths[i]);
        int was = booted ? dtb_find(booted, paths[i]) : -1;

        if (node < 0 || (was >= 0 && same_node(tree, node, booted, was)))
            continue;
        note(mistake, paths[i] + 1, NULL, "it is not what the host was booted with");
        mistake->is_for_boot = true;
        return -EINVAL;
    }
    return 0;
}

static int read_networks(const void *tree, struct config_wanted *wanted,
                         const struct dtb_report *report)
{
    int parent = dtb_find(tree, "/networks");
    int node;

    wanted->has_networks = parent >= 0;
    if (parent < 0)
        return 0;
    fdt_for_each_subnode(node, tree, parent)
    {
        const char *name = fdt_get_name(tree, node, NULL);
        char path[sizeof("networks/") + NETWORK_NAME_MAX];

        ksnprintf(path, sizeof(path), "networks/%s", name ? name : "");
        if (wanted->network_count == NETWORKS_MAX) {
            dtb_tell(report, path, NULL, "there are more than 64 networks");
            return -EINVAL;
        }
        if (network_fdt_read(tree, node, path, &wanted->networks[wanted->network_count++], report))
            return -EINVAL;
    }
    return 0;
}

int config_read(const void *tree, size_t bytes, const void *booted,
                const struct host_network *in_force, struct config_wanted *wanted,
                struct config_mistake *mistake)
{
    const struct dtb_report report = {.fn = note, .cookie = mistake};
    struct host_config cfg;

    *mistake = (struct config_mistake){0};
    wanted->network_count = 0;
    host_config_default(&cfg);
    if (dtb_is_socle(tree, bytes) && dtb_find(tree, "/network") < 0)
        cfg.net = *in_force;
    if (host_config_read(&cfg, tree, bytes, &report) || mistake->what[0] != '\0')
        return -EINVAL;
    wanted->has_net = dtb_find(tree, "/network") >= 0 || dtb_has(tree, 0, "hostname");
    wanted->net = cfg.net;
    if (read_networks(tree, wanted, &report) || mistake->what[0] != '\0')
        return -EINVAL;
    return check_boot_nodes(tree, booted, mistake);
}
