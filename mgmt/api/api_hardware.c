/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's hardware as lists: CPUs, PCI devices, network cards. */
#include "core/kern/cpu_times.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/percpu.h"
#include "drivers/net/netdev.h"
#include "drivers/pci/pci.h"
#include "mgmt/api/api_list.h"
#include "mgmt/net/netif.h"

#define ITEM_MAX 1024u /* the longest entry of these lists */

static bool write_cpu(struct json_writer *w, u32 index)
{
    const struct pcpu *cpu = pcpu_get(index);
    struct cpu_times times;

    if (cpu == NULL || !cpu_times_get(index, &times))
        return false;
    json_object_begin(w);
    json_put_u64(w, "id", index);
    json_put_u64(w, "apic_id", cpu->apic_id);
    json_put_u64(w, "node", cpu->node);
    json_put_bool(w, "online", __atomic_load_n(&cpu->is_online, __ATOMIC_ACQUIRE));
    json_put_u64(w, "guest_ns", times.guest_ns);
    json_put_u64(w, "host_ns", times.host_ns);
    json_put_u64(w, "idle_ns", times.idle_ns);
    json_object_end(w);
    return true;
}

static bool next_cpu(struct req *req, struct json_writer *w)
{
    return write_cpu(w, req->state.id++);
}

void api_cpus_get(struct req *req)
{
    static const struct api_list cpus = {next_cpu, ITEM_MAX, LIST_ALL, false};

    reply_list(req, &cpus);
}

static void put_hex(struct json_writer *w, const char *key, unsigned digits, u32 value)
{
    char text[12];

    ksnprintf(text, sizeof(text), "%08x", value);
    json_put_string(w, key, text + 8 - digits);
}

static bool write_pci(struct json_writer *w, u32 index)
{
    const struct pci_device *dev = pci_get(index);

    if (dev == NULL)
        return false;
    json_object_begin(w);
    json_put_string(w, "bdf", dev->bdf);
    put_hex(w, "vendor_id", 4, dev->vendor_id);
    put_hex(w, "device_id", 4, dev->device_id);
    put_hex(w, "class", 6, dev->class_code);
    json_key(w, "driver");
    if (dev->driver != NULL)
        json_string(w, dev->driver);
    else
        json_null(w);
    json_object_end(w);
    return true;
}

static bool next_pci(struct req *req, struct json_writer *w)
{
    return write_pci(w, req->state.id++);
}

void api_pci_get(struct req *req)
{
    static const struct api_list pci = {next_pci, ITEM_MAX, LIST_ALL, false};

    reply_list(req, &pci);
}

static void put_counters(struct json_writer *w, const struct netdev_counters *c)
{
    const struct {
        const char *key;
        const u64 *value;
    } rows[] = {
        {"rx_frames", &c->rx_frames},       {"rx_bytes", &c->rx_bytes},
        {"rx_drops", &c->rx_drops},         {"rx_errors", &c->rx_errors},
        {"tx_frames", &c->tx_frames},       {"tx_bytes", &c->tx_bytes},
        {"tx_segments", &c->tx_segments},   {"tx_drops", &c->tx_drops},
        {"link_changes", &c->link_changes}, {"resets", &c->resets},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        json_put_u64(w, rows[i].key, __atomic_load_n(rows[i].value, __ATOMIC_RELAXED));
}

/* Null where the device does not tell, or there is no link. */
static void put_speed(struct json_writer *w, const struct netdev *dev, bool is_up)
{
    u32 mbps = __atomic_load_n(&dev->speed_mbps, __ATOMIC_RELAXED);

    json_key(w, "speed_bps");
    if (is_up && mbps != 0)
        json_u64(w, (u64)mbps * 1000000u);
    else
        json_null(w);
}

static bool write_nic(struct json_writer *w, u32 index)
{
    const struct netdev *dev = netdev_next(NULL);
    bool is_up, is_agents;

    for (; dev != NULL && index > 0; index--)
        dev = netdev_next(dev);
    if (dev == NULL)
        return false;
    is_up = __atomic_load_n(&dev->is_link_up, __ATOMIC_RELAXED);
    is_agents = strcmp(dev->bdf, netif_nic()) == 0;
    json_object_begin(w);
    json_put_string(w, "name", dev->bdf);
    json_put_string(w, "driver", dev->driver);
    json_put_string(w, "model", dev->model);
    json_put_mac(w, "mac", dev->mac);
    json_put_string(w, "link", is_up ? "up" : "down");
    put_speed(w, dev, is_up);
    json_put_u64(w, "mtu", __atomic_load_n(&dev->mtu, __ATOMIC_RELAXED));
    json_put_u64(w, "mtu_max", dev->mtu_max);
    json_put_bool(w, "management", is_agents);
    json_key(w, "address");
    if (is_agents && netif_address_text()[0] != '\0')
        json_string(w, netif_address_text());
    else
        json_null(w);
    put_counters(w, &dev->counters);
    json_object_end(w);
    return true;
}

static bool next_nic(struct req *req, struct json_writer *w)
{
    return write_nic(w, req->state.id++);
}

void api_nics_get(struct req *req)
{
    static const struct api_list nics = {next_nic, ITEM_MAX, LIST_ALL, false};

    reply_list(req, &nics);
}
