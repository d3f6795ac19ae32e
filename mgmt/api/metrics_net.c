/* SPDX-License-Identifier: BSD-2-Clause */
/* Samples of NICs, networks and VMs' cards, in Prometheus' text format. */
#include "mgmt/api/metrics_net.h"

#include <stdarg.h>

#include "core/lib/printf.h"
#include "drivers/net/netdev.h"
#include "drivers/net/network.h"

/* One line: name, labels in braces, value. */
static void sample(struct json_writer *w, const char *name, u64 value, const char *labels, ...)
    printf_like(4, 5);
static void sample(struct json_writer *w, const char *name, u64 value, const char *labels, ...)
{
    char text[256]; /* three names of at most 63 bytes in it */
    char number[24];
    va_list args;

    va_start(args, labels);
    kvsnprintf(text, sizeof(text), labels, args);
    va_end(args);
    ksnprintf(number, sizeof(number), "} %llu\n", (unsigned long long)value);
    json_raw(w, name);
    json_raw(w, "{");
    json_raw(w, text);
    json_raw(w, number);
}

/* The counter at this offset in a struct of u64. */
static u64 counter_at(const void *counters, size_t offset)
{
    const u64 *counter = (const u64 *)(const void *)((const char *)counters + offset);

    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void nic_samples(struct json_writer *w, const char *name, size_t offset)
{
    for (const struct netdev *dev = netdev_next(NULL); dev; dev = netdev_next(dev))
        sample(w, name, counter_at(&dev->counters, offset), "nic=\"%s\",driver=\"%s\"", dev->bdf,
               dev->driver);
}

#define NIC_COUNTER(field, name)                                       \
    void metrics_nic_##field(struct json_writer *w)                    \
    {                                                                  \
        nic_samples(w, name, offsetof(struct netdev_counters, field)); \
    }

NIC_COUNTER(rx_frames, "socle_nic_receive_frames_total")
NIC_COUNTER(rx_bytes, "socle_nic_receive_bytes_total")
NIC_COUNTER(rx_drops, "socle_nic_receive_drops_total")
NIC_COUNTER(rx_errors, "socle_nic_receive_errors_total")
NIC_COUNTER(tx_frames, "socle_nic_transmit_frames_total")
NIC_COUNTER(tx_bytes, "socle_nic_transmit_bytes_total")
NIC_COUNTER(tx_segments, "socle_nic_transmit_segments_total")
NIC_COUNTER(tx_drops, "socle_nic_transmit_drops_total")
NIC_COUNTER(link_changes, "socle_nic_link_changes_total")
NIC_COUNTER(resets, "socle_nic_resets_total")

void metrics_nic_link(struct json_writer *w)
{
    for (const struct netdev *dev = netdev_next(NULL); dev; dev = netdev_next(dev))
        sample(w, "socle_nic_link_up", __atomic_load_n(&dev->is_link_up, __ATOMIC_RELAXED),
               "nic=\"%s\",driver=\"%s\"", dev->bdf, dev->driver);
}

/* Large; one thread answers. */
static struct network_info network;

void metrics_network_ports(struct json_writer *w)
{
    network.cfg.name[0] = '\0';
    while (network_next(network.cfg.name, &network))
        sample(w, "socle_network_ports", network.ports, "network=\"%s\"", network.cfg.name);
}

/* The next network of kind nat, behind `network`. Return: false at the end. */
static bool next_nat(struct nat_counters *counters, u32 *connections)
{
    while (network_next(network.cfg.name, &network)) {
        if (network_nat_counters(network.cfg.name, counters, connections))
            return true;
    }
    return false;
}

void metrics_nat_connections(struct json_writer *w)
{
    struct nat_counters counters;
    u32 connections;

    network.cfg.name[0] = '\0';
    while (next_nat(&counters, &connections))
        sample(w, "socle_nat_connections", connections, "network=\"%s\"", network.cfg.name);
}

void metrics_nat_packets(struct json_writer *w)
{
    struct nat_counters c;
    u32 connections;

    network.cfg.name[0] = '\0';
    while (next_nat(&c, &connections)) {
        sample(w, "socle_nat_packets_total", c.out_frames, "network=\"%s\",direction=\"out\"",
               network.cfg.name);
        sample(w, "socle_nat_packets_total", c.in_frames, "network=\"%s\",direction=\"in\"",
               network.cfg.name);
    }
}

void metrics_nat_drops(struct json_writer *w)
{
    static const struct {
        const char *reason;
        size_t offset;
    } rows[] = {
        {"malformed", offsetof(struct nat_counters, malformed)},
        {"spoofed", offsetof(struct nat_counters, spoofed)},
        {"refused", offsetof(struct nat_counters, refused)},
        {"unknown", offsetof(struct nat_counters, unknown)},
        {"unsupported", offsetof(struct nat_counters, unsupported)},
        {"no_uplink", offsetof(struct nat_counters, no_uplink)},
        {"table_full", offsetof(struct nat_counters, table_full)},
        {"dhcp", offsetof(struct nat_counters, dhcp_drops)},
        {"dns", offsetof(struct nat_counters, dns_drops)},
    };
    struct nat_counters counters;
    u32 connections;

    network.cfg.name[0] = '\0';
    while (next_nat(&counters, &connections)) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
            sample(w, "socle_nat_drops_total", counter_at(&counters, rows[i].offset),
                   "network=\"%s\",reason=\"%s\"", network.cfg.name, rows[i].reason);
    }
}

static void port_samples(struct json_writer *w, const struct vmm_info *vm, const char *name,
                         size_t offset)
{
    for (u32 i = 0; i < vm->cfg.nic_count; i++) {
        const struct vm_nic *nic = &vm->cfg.nics[i];
        const struct netport *port = network_port_find(nic->network, vm->cfg.name, nic->id);

        if (port)
            sample(w, name, counter_at(&port->counters, offset),
                   "vm=\"%s\",nic=\"%s\",network=\"%s\"", vm->cfg.name, nic->id, nic->network);
    }
}

#define PORT_COUNTER(field, name)                                               \
    void metrics_port_##field(struct json_writer *w, const struct vmm_info *vm) \
    {                                                                           \
        port_samples(w, vm, name, offsetof(struct netport_counters, field));    \
    }

PORT_COUNTER(rx_frames, "socle_vm_net_receive_packets_total")
PORT_COUNTER(rx_bytes, "socle_vm_net_receive_bytes_total")
PORT_COUNTER(rx_drops, "socle_vm_net_receive_drops_total")
PORT_COUNTER(tx_frames, "socle_vm_net_transmit_packets_total")
PORT_COUNTER(tx_bytes, "socle_vm_net_transmit_bytes_total")
PORT_COUNTER(tx_drops, "socle_vm_net_transmit_drops_total")
PORT_COUNTER(spoofed, "socle_vm_net_spoofed_total")
PORT_COUNTER(storms, "socle_vm_net_storms_total")
