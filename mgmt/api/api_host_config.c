/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's settings as a whole: saved, as JSON or as a socle.dtb, and put back. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/api/api.h"
#include "mgmt/api/etag.h"
#include "mgmt/api/host_config_json.h"
#include "mgmt/api/host_network_json.h"
#include "mgmt/api/network_json.h"
#include "mgmt/config/config_now.h"
#include "mgmt/config/config_store.h"
#include "mgmt/net/boot_networks.h"
#include "mgmt/net/networks_swap.h"
#include "mm/kheap.h"

#define JSON_TYPE "application/json"
#define TREE_TYPE "application/dtb"
#define ROOM      (96u * KiB) /* for either form, besides what the host was booted with */

/* -- GET
 * --------------------------------------------------------------------------------------------------------
 */

static enum produce config_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    size_t bytes = (size_t)MIN(state->end - state->offset, (u64)(w->size - w->len));

    memcpy(w->buf + w->len, (const u8 *)state->object + state->offset, bytes);
    w->len += bytes;
    state->offset += bytes;
    return state->offset == state->end ? PRODUCE_DONE : PRODUCE_MORE;
}

static void config_release(struct req *req)
{
    kfree(req->state.object);
}

/* What the client would rather have. Return: NULL after answering 406. */
static const char *wanted_type(struct req *req)
{
    const char *accept = http_header(req->http, "accept");

    if (!accept || strstr(accept, JSON_TYPE))
        return JSON_TYPE;
    if (strstr(accept, TREE_TYPE))
        return TREE_TYPE;
    if (strstr(accept, "*/*") || strstr(accept, "application/*"))
        return JSON_TYPE;
    api_error(req, &(struct problem){
                       .slug = "accept",
                       .got = accept,
                       .allowed = JSON_TYPE ", " TREE_TYPE,
                       .detail = "The host's settings come as JSON or as a device tree.",
                       .hint = "Ask with Accept: " JSON_TYPE " or " TREE_TYPE ".",
                   });
    return NULL;
}

/* Answers with what is in force; the tag is of the settings, the same for both forms. */
static void reply_config(struct req *req, const char *type)
{
    static const struct body_source source = {.produce = config_produce, .release = config_release};
    size_t from_bytes;
    const void *from = agent_dtb(&from_bytes);
    size_t size = from_bytes + ROOM;
    char *buf = kmalloc(size);
    struct json_writer w;
    size_t bytes = 0;

    if (buf) {
        json_write_init(&w, buf, size);
        host_config_json_write(&w);
        req->reply.etag = etag_digest(buf, w.len);
        bytes = w.overflow ? 0 : w.len;
    }
    if (bytes && strcmp(type, TREE_TYPE) == 0)
        bytes = config_now(buf, size, from, host_network_in_force());
    if (!bytes) {
        kfree(buf);
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "There is no room to write the settings.",
                                         .hint = "Delete an image or a VM."});
        return;
    }
    req->state.object = buf;
    req->state.offset = 0;
    req->state.end = bytes;
    reply_stream(req, 200, type, bytes, &source);
}

void api_host_config_get(struct req *req)
{
    const char *type = wanted_type(req);

    if (type)
        reply_config(req, type);
}

/* -- PUT
 * --------------------------------------------------------------------------------------------------------
 */

static int refuse_tree(struct req *req, const struct config_mistake *mistake)
{
    char detail[192];

    ksnprintf(detail, sizeof(detail), "In the device tree, %s: %s.", mistake->pointer,
              mistake->what);
    api_error(req,
              &(struct problem){
                  .slug = mistake->is_for_boot ? "reboot_needed" : "semantic",
                  .pointer = mistake->pointer,
                  .detail = detail,
                  .hint = mistake->is_for_boot
                              ? "Put this file on the host's stick as socle.dtb and reboot, or "
                                "leave that node out."
                              : "Nothing was changed. The binding is in mgmt/README.md.",
              });
    return -EINVAL;
}

/* What a tree says of networks and only the running host can tell. */
static int check_tree_networks(struct req *req, const struct config_wanted *wanted)
{
    struct config_mistake mistake = {.what = ""};

    for (u32 i = 0; i < wanted->network_count && mistake.what[0] == '\0'; i++) {
        const struct network_config *cfg = &wanted->networks[i];

        ksnprintf(mistake.pointer, sizeof(mistake.pointer), "/networks/%s", cfg->name);
        if (!vm_name_is_valid(cfg->name))
            ksnprintf(mistake.what, sizeof(mistake.what),
                      "a network's name is made of a-z, 0-9 and '-'");
        else if (network_takes_hosts_port(&cfg->nat))
            ksnprintf(mistake.what, sizeof(mistake.what),
                      "the host itself listens on the port of a forward");
    }
    return mistake.what[0] == '\0' ? 0 : refuse_tree(req, &mistake);
}

static int read_tree(struct req *req, struct config_wanted *wanted)
{
    struct config_mistake mistake;
    size_t booted_bytes;
    const void *booted = agent_dtb(&booted_bytes);

    if (booted && !dtb_is_socle(booted, booted_bytes))
        booted = NULL;
    if (config_read(req->body, req->body_len, booted, host_network_in_force(), wanted, &mistake))
        return refuse_tree(req, &mistake);
    return check_tree_networks(req, wanted);
}

/* Return: 0; -EINVAL after answering. */
static int read_body(struct req *req, struct config_wanted *wanted)
{
    const char *type = http_header(req->http, "content-type");

    if (type && strstr(type, TREE_TYPE))
        return read_tree(req, wanted);
    if (http_type_is_json(type))
        return host_config_json_read(req, wanted);
    api_error(req, &(struct problem){
                       .slug = "content_type",
                       .detail = "The settings must be JSON or a device tree.",
                       .hint = "Send the header Content-Type: " JSON_TYPE " or " TREE_TYPE ".",
                   });
    return -EINVAL;
}

/* The same name twice. Return: 0; -EINVAL after answering. */
static int check_names(struct req *req, const struct config_wanted *wanted)
{
    for (u32 i = 0; i < wanted->network_count; i++) {
        for (u32 j = 0; j < i; j++) {
            if (strcmp(wanted->networks[i].name, wanted->networks[j].name) != 0)
                continue;
            api_error(req, &(struct problem){.slug = "bad_value",
                                             .pointer = "/networks",
                                             .got = wanted->networks[i].name,
                                             .detail = "Two networks have the same name.",
                                             .hint = "Leave one of them out."});
            return -EINVAL;
        }
    }
    return 0;
}

static void refuse_swap(struct req *req, int rc, const struct networks_swap *swap)
{
    if (rc == -ENOMEM && swap->culprit[0] == '\0')
        network_json_refuse(req, rc, "/networks", NULL);
    else
        network_json_refuse(req, rc, "/networks", swap->culprit);
}

/* The networks at once; the host's own settings, if they change, as PATCH /host/network: on trial.
 */
static void apply(struct req *req, const struct config_wanted *wanted, u64 trial_ms)
{
    bool moves = wanted->has_net && !host_network_is_same(&wanted->net, host_network_in_force());
    struct networks_swap swap = {0};
    int rc = 0;

    if (wanted->has_net && host_network_refuse_second(req))
        return;
    if (wanted->has_networks)
        rc = networks_swap(&swap, wanted->networks, wanted->network_count);
    if (rc) {
        refuse_swap(req, rc, &swap);
    } else if (moves && host_network_json_check(req, "/network", &wanted->net)) {
        networks_swap_undo(&swap);
    } else {
        if (wanted->has_networks)
            config_store_note();
        if (moves && host_network_begin(&wanted->net, trial_ms * NS_PER_MS) == 0)
            host_network_json_task(reply_json(req, 202), host_network_change());
        else
            reply_config(req, JSON_TYPE);
    }
    networks_swap_end(&swap);
}

/* Return: 0; -EINVAL after answering. */
static int take_trial(struct req *req, u64 *trial_ms)
{
    if (query_u64(req, "confirm_within_ms", HOST_TRIAL_MS, trial_ms))
        return -EINVAL;
    if (*trial_ms >= HOST_TRIAL_MS_MIN && *trial_ms <= HOST_TRIAL_MS_MAX)
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .pointer = "confirm_within_ms",
                                     .detail = "This time is no whole number in range.",
                                     .hint = "Use 1000 to 600000 milliseconds."});
    return -EINVAL;
}

void api_host_config_put(struct req *req)
{
    struct config_wanted wanted = {.has_net = false};
    u64 trial_ms;

    if (take_trial(req, &trial_ms))
        return;
    wanted.networks = kmalloc(NETWORKS_MAX * sizeof(*wanted.networks));
    if (!wanted.networks)
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "There is no room to read the settings.",
                                         .hint = "Delete an image or a VM."});
    else if (read_body(req, &wanted) == 0 && check_names(req, &wanted) == 0)
        apply(req, &wanted, trial_ms);
    kfree(wanted.networks);
}
